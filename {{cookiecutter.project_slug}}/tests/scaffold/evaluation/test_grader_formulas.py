"""Formulas of the graders, each against values worked out by hand."""

from __future__ import annotations

from math import log2
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.evaluation import Case
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import (
    Observation,
    correctness,
    exact_match,
    fields,
    label,
    number,
    retrieval_ndcg,
    retrieval_precision,
    token_f1,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders.numbers import quantities, readings
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders.wording import words

from tests.scaffold.evaluation.cases import answer, line


def case(locale: str = "en", **expected: Any) -> Case:
    return Case.model_validate(line(locale=locale, expected=expected))


AB = case(must_include=["x"], sources=["a", "b"])
SECOND, THIRD = 1 / log2(3), 1 / log2(4)  # discounts of ranks 2 and 3; that of rank 1 is 1


@pytest.mark.parametrize(
    ("retrieved", "precision", "ndcg"),
    [
        (("a", "b"), 1, 1),
        (("b", "a", "c", "d"), 2 / 4, 1),
        (("a", "c", "b"), 2 / 3, (1 + THIRD) / (1 + SECOND)),
        (("c", "c", "b"), 1 / 2, SECOND / (1 + SECOND)),
        (("c",), 0, 0),
        ((), 0, 0),
    ],
    ids=["both on top", "both on top, then others", "one between", "a document counts once", "none", "nothing"],
)
def test_retrieval_by_precision_and_discounted_gain(retrieved: tuple[str, ...], precision: float, ndcg: float) -> None:
    observed = Observation(answer("x"), retrieved=retrieved)
    scores = retrieval_precision(AB, observed), retrieval_ndcg(AB, observed)
    assert [score and score.score for score in scores] == pytest.approx([precision, ndcg])
    assert all(score and bool(score.reason) == (score.score < 1) for score in scores)


@pytest.mark.parametrize(
    ("locale", "text", "expected"),
    [
        ("en", "The limit is 150 EUR. [1]", "limit is 150 eur"),
        ("en", "An  answer, a good one!", "answer good one"),
        ("de", "Die Grenze ist der Betrag", "grenze ist betrag"),
        ("de", "„Straße“ – ja", "strasse ja"),
        ("en", "1.5 and 1,500", "1.5 and 1,500"),
        ("en", "part-time", "parttime"),
        ("en", "$5.", "5"),
        ("fr", "the la", "the la"),
    ],
)
def test_words_are_compared_without_articles_and_punctuation(locale: str, text: str, expected: str) -> None:
    assert words(text, locale) == expected.split()


@pytest.mark.parametrize(
    ("text", "wanted", "exact", "f1"),
    [
        ("The limit is 150 EUR [1].", "limit is 150 EUR", 1, 1),
        ("150 EUR", "It is 150 EUR.", 0, 2 * 1 * 0.5 / 1.5),  # precision 2/2, recall 2/4
        (
            "no no no yes",
            "no yes yes",
            0,
            2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3),
        ),  # each word as often as both have it
        ("red", "blue", 0, 0),
        ("", "blue", 0, 0),
        ("the", "a", 1, 1),  # nothing is left of either: SQuAD counts that as the same
        ("1.5 hours", "15 hours", 0, 0.5),
    ],
)
def test_wording_by_exact_match_and_token_f1(text: str, wanted: str, exact: float, f1: float) -> None:
    observed, asks = Observation(answer(text)), case(answer=wanted, must_include=["x"])
    scores = exact_match(asks, observed), token_f1(asks, observed)
    assert [score and score.score for score in scores] == pytest.approx([exact, f1])


def test_wording_is_not_asked_without_an_expected_answer_nor_of_a_refusal() -> None:
    for asks in (case(must_include=["x"]), case(answer="no", refusal=True)):
        assert exact_match(asks, Observation(answer("x"))) is token_f1(asks, Observation(answer("x"))) is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234.5", [1234.5]),
        ("1.234,5", [1234.5]),
        ("1'234.50", [1234.5]),
        ("1\u202f234,5", [1234.5]),
        ("1.234.567", [1234567]),
        ("1.234", [1.234, 1234]),
        ("0.125", [0.125]),
        ("0,5", [0.5]),
        ("12.50", [12.5]),
        ("-3", [-3]),
        ("drei", [3]),
    ],
)
def test_a_number_is_read_in_english_and_in_german(text: str, values: list[float]) -> None:
    assert readings(text) == values
    assert list(quantities(text, "")) == values


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("150 EUR", "EUR", [150]),
        ("150\u00a0€", "EUR", [150]),
        ("€150", "EUR", [150]),
        ("EUR 1.250,00", "€", [1250]),
        ("150 Europeans", "EUR", []),
        ("5 % of 200 EUR", "%", [5]),
        ("5 % of 200 EUR", "EUR", [200]),
        ("5 percent", "%", [5]),
        ("drei Stunden", "hours", [3]),
        ("a 30-day notice", "days", [30]),
        ("12 widgets", "widgets", [12]),
        ("on 2026-03-01 at 10:30 [4]", "", []),
        ("am 01.03.2026", "", []),
        ("10–15 days", "days", [15]),
        ("room 4a", "", []),
        ("between 5 and 7 EUR", "EUR", [7]),
    ],
)
def test_a_unit_stands_beside_its_number(text: str, unit: str, values: list[float]) -> None:
    assert list(quantities(text, unit)) == values


@pytest.mark.parametrize(
    ("wanted", "text", "score", "reason"),
    [
        ({"value": 1234.5, "unit": "EUR"}, "It is 1.234,5 EUR [1].", 1, ""),
        ({"value": 1234, "unit": "EUR"}, "It is 1,234 EUR.", 1, ""),
        ({"value": 150, "unit": "EUR"}, "It is 150 GBP.", 0, "missing: 150 EUR"),
        ({"value": 150, "unit": "EUR"}, "It is 120 EUR.", 0, "missing: 150 EUR, found 120"),
        ({"value": 10, "tolerance": 0.5}, "about 10.5", 1, ""),
        ({"value": 10, "tolerance": 0.5}, "about 10.6", 0, "missing: 10 ± 0.5, found 10.6"),
        ({"value": 0.3, "tolerance": 0.1}, "0.4", 1, ""),
        ({"value": 7}, "seven", 1, ""),
        ({"value": 2}, "see [2]", 0, "missing: 2"),
    ],
)
def test_a_number_is_held_against_its_tolerance(wanted: dict[str, Any], text: str, score: float, reason: str) -> None:
    asks = case(number=wanted)
    for grader in (number, correctness):
        graded = grader(asks, Observation(answer(text)))
        assert graded is not None
        assert (graded.score, graded.reason) == (score, reason)


@pytest.mark.parametrize(
    ("got", "wanted", "share", "reason"),
    [
        ({"city": "Köln", "days": 3}, {"city": "KÖLN", "days": 3.0}, 1, ""),
        ({"city": "Bonn", "days": 3}, {"city": "Köln", "days": 3}, 0.5, "city: 'Bonn' instead of 'Köln'"),
        ({"days": 3}, {"city": "Köln", "days": 4}, 0, "no city; days: 3 instead of 4"),
        ({"ok": 1}, {"ok": True}, 0, "ok: 1 instead of True"),
        ({"items": ["a", {"n": 1}], "more": 1}, {"items": ["A", {"n": 1}]}, 1, ""),
        ({"items": ["b", "a"]}, {"items": ["a", "b"]}, 0, "items: ['b', 'a'] instead of ['a', 'b']"),
        ({"none": None}, {"none": None}, 1, ""),
        ({}, {"none": None}, 0, "no none"),
    ],
)
def test_fields_are_compared_by_value(got: dict[str, Any], wanted: dict[str, Any], share: float, reason: str) -> None:
    asks, observed = case(fields=wanted), Observation(answer("").model_copy(update={"fields": got}))
    graded, correct = fields(asks, observed), correctness(asks, observed)
    assert graded is not None
    assert correct is not None
    assert (graded.score, graded.reason) == (share, reason)
    assert (correct.score, correct.reason) == (float(share == 1), reason)


@pytest.mark.parametrize(("got", "score"), [({"label": "Urgent"}, 1), ({"label": "low"}, 0), ({}, 0)])
def test_a_label_is_right_or_wrong(got: dict[str, Any], score: float) -> None:
    asks, observed = case(label="urgent"), Observation(answer("").model_copy(update={"fields": got}))
    assert [graded and graded.score for graded in (label(asks, observed), correctness(asks, observed))] == [score] * 2
