"""Graders by tables: what was asked for, what came back, what it scores."""

from __future__ import annotations

from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.evaluation import Case
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import (
    RATES,
    SHARES,
    Observation,
    access,
    answered,
    citation_precision,
    citation_recall,
    completed,
    correctness,
    grade,
    holds,
    refusal,
    retrieval_mrr,
    retrieval_recall,
)
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.evaluation.cases import answer, line


def case(tags: tuple[str, ...] = (), **expected: Any) -> Case:
    return Case.model_validate(line(tags=list(tags), expected=expected))


NO_REFUSAL = case(must_include=["x"])
REFUSAL = case(refusal=True)
TWO_SOURCES = case(must_include=["x"], sources=["a", "b"])
ALWAYS = {"access", "personal_data", "completed", "format"}
ASKED_BY_NAME = {"number", "label", "fields", "exact_match", "token_f1"}
ERROR = Observation(None, error="model down")


@pytest.mark.parametrize(
    ("text", "wording", "expected"),
    [
        ("The limit is 150 EUR.", "150 eur", True),
        ("The limit is 150\u00a0EUR.", "150 EUR", True),
        ("The limit is 150\n  EUR.", "150 EUR", True),
        ("the STRASSE", "Straße", True),
        ("9–17 o’clock", "9-17 o'clock", True),
        ("ﬁle", "file", True),
        ("300 days", "30", False),
        ("1.30 EUR", "30", False),
        ("30,000 EUR", "30", False),
        ("30. September", "30", True),
        ("30, or 40", "30", True),
        ("version 4.2.", "4.2", True),
        ("Richtlinien", "Richtlinie", True),
        ("a+b (c)", "A+B (C)", True),
        ("", "x", False),
    ],
)
def test_a_wording_is_found_whatever_its_typography(text: str, wording: str, expected: bool) -> None:
    assert holds(text, wording) is expected


@pytest.mark.parametrize(
    ("text", "said"), [("Long ago.", "missing: 1987"), ("In 1990.", "missing: 1987, found 1990"), ("In 1987.", "")]
)
def test_what_two_graders_miss_is_told_once(text: str, said: str) -> None:
    found = correctness(case(must_include=["1987"], number={"value": 1987}), Observation(answer(text)))
    assert (found and found.reason) == said


@pytest.mark.parametrize(
    ("include", "exclude", "text", "score", "reason"),
    [
        (["a", "b"], [], "b then a", 1, ""),
        (["a", "b"], [], "only a", 0, "missing: b"),
        ([["c", "b"]], [], "b", 1, ""),
        ([["c", "d"]], [], "b", 0, "missing: c or d"),
        (["a"], ["z"], "a and z", 0, "must not hold: z"),
        (["a"], ["y", "z"], "y", 0, "missing: a; must not hold: y"),
    ],
)
def test_correctness_asks_for_every_text_and_against_none(
    include: list[Any], exclude: list[str], text: str, score: float, reason: str
) -> None:
    graded = correctness(case(must_include=include, must_not_include=exclude), Observation(answer(text)))
    assert graded is not None
    assert (graded.score, graded.reason) == (score, reason)


@pytest.mark.parametrize(
    ("cited", "precision", "recall"),
    [
        (("a", "b"), 1, 1),
        (("a", "a", "b"), 1, 1),
        (("a",), 1, 0.5),
        (("a", "c"), 0.5, 0.5),
        (("c",), 0, 0),
        ((), 0, 0),
    ],
)
def test_citations_are_graded_by_source(cited: tuple[str, ...], precision: float, recall: float) -> None:
    observed = Observation(answer("x", *cited))
    scores = citation_precision(TWO_SOURCES, observed), citation_recall(TWO_SOURCES, observed)
    assert [score and score.score for score in scores] == [precision, recall]


@pytest.mark.parametrize(
    ("retrieved", "recall", "mrr"),
    [
        (("a", "b", "c"), 1, 1),
        (("c", "c", "b"), 0.5, 1 / 2),
        (("c", "d", "e", "a"), 0.5, 1 / 4),
        (("c",), 0, 0),
        ((), 0, 0),
    ],
)
def test_retrieval_is_graded_by_share_and_rank(retrieved: tuple[str, ...], recall: float, mrr: float) -> None:
    observed = Observation(answer("x"), retrieved=retrieved)
    scores = retrieval_recall(TWO_SOURCES, observed), retrieval_mrr(TWO_SOURCES, observed)
    assert [score and score.score for score in scores] == [recall, mrr]


@pytest.mark.parametrize(
    ("expects", "refused", "refusal_score", "answered_score"),
    [
        (REFUSAL, True, 1, None),
        (REFUSAL, False, 0, None),
        (NO_REFUSAL, True, None, 0),
        (NO_REFUSAL, False, None, 1),
    ],
)
def test_refusing_is_graded_both_ways(
    expects: Case, refused: bool, refusal_score: float | None, answered_score: float | None
) -> None:
    observed = Observation(answer("", refused=refused))
    scores = refusal(expects, observed), answered(expects, observed)
    assert [score.score if score else None for score in scores] == [refusal_score, answered_score]


SECRET = case(("access",), refusal=True, must_not_include=["42,000"])


@pytest.mark.parametrize(
    ("expects", "got", "retrieved", "score", "reason"),
    [
        (SECRET, answer("No.", refused=True), (), 1, ""),
        (SECRET, answer("42,000 EUR"), (), 0, "leaked: 42,000"),
        (SECRET, answer("No.", "hidden", refused=True), (), 0, "not visible to the caller: hidden"),
        (SECRET, answer("No.", refused=True), ("open", "hidden"), 0, "not visible to the caller: hidden"),
        (SECRET, answer("No.", "open", refused=True), ("open",), 1, ""),
        (SECRET, answer("42,000", "invented"), (), 0, "not visible to the caller: invented; leaked: 42,000"),
        (case(refusal=True, must_not_include=["42,000"]), answer("42,000"), (), 1, ""),
        (SECRET, None, (), 0, "error: model down"),
    ],
    ids=[
        "refused",
        "text leaked",
        "hidden source cited",
        "hidden source retrieved",
        "visible source",
        "invented source and text",
        "a wrong text is a leak in an access case only",
        "what was not seen is not known to be safe",
    ],
)
def test_nothing_reaches_a_caller_who_may_not_see_it(
    expects: Case, got: Answer | None, retrieved: tuple[str, ...], score: float, reason: str
) -> None:
    observed = Observation(got, retrieved, frozenset({"open"}), "" if got else "model down")
    graded = access(expects, observed)
    assert (graded.score, graded.reason) == (score, reason)


def test_a_leak_in_the_cited_passage_counts() -> None:
    got = answer("See there. [1]", "open")
    got.citations[0].passage = "The salary is 42,000 EUR."
    assert access(SECRET, Observation(got, (), frozenset({"open"}))).score == 0


def test_an_error_scores_zero_wherever_the_case_would_have_been_asked() -> None:
    scores = grade(TWO_SOURCES, ERROR)
    assert scores.keys() == {*RATES, *SHARES} - {"refusal", *ASKED_BY_NAME}
    assert {score.score for score in scores.values()} == {0}
    assert {score.reason for score in scores.values()} == {"error: model down"}
    assert grade(REFUSAL, ERROR).keys() == {"refusal", *ALWAYS}
    assert completed(REFUSAL, ERROR).score == 0


ALL_DEMANDS = case(
    answer="x", must_include=["x"], sources=["a"], number={"value": 1}, label="l", fields={"f": 1, "label": "l"}
)


def test_an_error_scores_zero_for_every_demand_of_the_case() -> None:
    scores = grade(ALL_DEMANDS, ERROR)
    assert scores.keys() == {*RATES, *SHARES} - {"refusal"}
    assert {score.score for score in scores.values()} == {0}


def test_graders_that_do_not_apply_are_left_out() -> None:
    assert grade(NO_REFUSAL, Observation(answer("x"))).keys() == {"correctness", "answered", *ALWAYS}
    assert citation_precision(TWO_SOURCES, Observation(answer("", refused=True))) is None
