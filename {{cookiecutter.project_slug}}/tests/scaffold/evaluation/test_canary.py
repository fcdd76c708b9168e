"""The canary compares each case with itself, allows for chance, and is never green for want of evidence."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult, accept, canary, load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.canary import LEAST, WHERE, accepted, compare, digest
from {{ cookiecutter.package_name }}.scaffold.evaluation.dataset import sample

from tests.scaffold.evaluation.cases import Scripted, line, suite, write
from tests.scaffold.evaluation.cases import result as one


def result(number: int, answer: str = "150 EUR", passed: bool = True, error: str = "") -> CaseResult:
    return one(f"case-{number}", int(passed), answer="" if error else answer, error=error)


def results(
    worse: int = 0, better: int = 0, same: int = 0, answer: str = "150 EUR", now: bool = True
) -> list[CaseResult]:
    """So many cases that turn for the worse and for the better, before it or ``now``."""
    verdicts = [not now] * worse + [now] * better + [True] * same
    return [result(number, answer, passed) for number, passed in enumerate(verdicts)]


def red(first: list[CaseResult], second: list[CaseResult], now: list[CaseResult]) -> set[str]:
    return {verdict.metric for verdict in compare(accepted(first, second), now) if not verdict.passed}


@pytest.mark.parametrize(
    ("worse", "better", "is_red"),
    [(0, 0, False), (6, 0, False), (7, 0, True), (9, 1, False), (10, 1, True), (0, 20, False), (20, 20, False)],
)
def test_more_cases_must_fail_than_chance_explains(worse: int, better: int, is_red: bool) -> None:
    before = results(worse, better, same=10, now=False)
    found = red(before, before, results(worse, better, same=10))
    assert ("canary_quality" in found) == is_red


def test_another_field_is_another_answer() -> None:
    answers = [one(fields=fields) for fields in ({}, {"label": "urgent"}, {"label": "normal"})]
    assert len({digest(each) for each in answers}) == 3
    without = hashlib.sha256(b'["150 eur", false, []]').hexdigest()
    assert digest(answers[0]) == without, "what was accepted before answers had fields still counts"


@pytest.mark.parametrize(
    ("steady", "varying", "changed", "is_red"),
    [
        (30, 0, 0, False),
        (30, 0, 6, False),
        (30, 0, 7, True),
        (6, 24, 30, False),  # what varied when it was accepted may vary
        (7, 23, 30, True),
    ],
)
def test_more_answers_must_change_than_varied_when_they_were_accepted(
    steady: int, varying: int, changed: int, is_red: bool
) -> None:
    n = steady + varying
    first = [result(number) for number in range(n)]
    second = [result(number, "150 EUR" if number < steady else "It is 150 EUR") for number in range(n)]
    now = [result(number, "EUR 150: 150 EUR" if number < changed else "150 EUR") for number in range(n)]
    assert red(first, second, now) == ({"canary_answers"} if is_red else set())


def test_a_model_that_only_varies_is_hardly_ever_taken_for_another() -> None:
    chance = random.Random(4)
    alarms = 0
    for _ in range(300):
        habits = [chance.random() for _ in range(40)]  # how often each case is answered the usual way, and passes

        def asked(habits: list[float] = habits) -> list[CaseResult]:
            usual = [chance.random() < habit for habit in habits]
            return [result(n, "150 EUR" if u else f"{chance.random()}", passed=u) for n, u in enumerate(usual)]

        alarms += bool(red(asked(), asked(), asked()))
    assert alarms <= 300 * 0.02


def test_a_model_that_answers_worse_is_noticed_though_it_varies() -> None:
    chance = random.Random(4)

    def asked(share: float) -> list[CaseResult]:
        return [result(n, str(chance.random()), passed=chance.random() < share) for n in range(40)]

    caught = sum("canary_quality" in red(asked(0.9), asked(0.9), asked(0.5)) for _ in range(100))
    assert caught >= 75


def test_a_case_without_an_answer_is_red_and_compared_with_nothing() -> None:
    before = results(same=20)
    verdicts = compare(accepted(before, before), [*before[:12], *(result(n, error="down") for n in range(12, 20))])
    assert [(verdict.metric, verdict.passed) for verdict in verdicts] == [
        ("canary_asked", False),
        ("canary_quality", True),
        ("canary_answers", True),
    ]
    assert "8 of 20 cases ended in an error: case-12, " in verdicts[0].reason


def test_typography_is_no_change_and_another_citation_is() -> None:
    same = [result(1, "150 EUR  a night – always"), result(1, "150 eur a night - always")]
    assert len({digest(case) for case in same}) == 1
    cited = [{"source": "a.md", "title": "A", "passage": "150 EUR"}]
    assert digest(one("case-1", citations=cited)) != digest(result(1))


def test_a_sample_is_the_same_each_time_whatever_else_is_there(tmp_path: Path) -> None:
    cases = load_cases(write(tmp_path / "cases.jsonl", [line(str(number)) for number in range(50)]))
    chosen = sample(cases, 10)
    assert [case.id for case in chosen] == [case.id for case in cases if case in chosen]
    assert len(chosen) == 10
    assert sample([case for case in cases if case in chosen or int(case.id) % 2], 10) == chosen
    assert sample(cases, None) == sample(cases, 99) == cases


@pytest.mark.parametrize("number", [1, LEAST - 1, LEAST])
async def test_too_few_cases_to_show_anything_are_not_accepted(
    number: int, application: Application, project: Path
) -> None:
    small = suite(project, [line(str(n)) for n in range(number)], name="canary")
    (project / "evals" / "suites" / "canary.yaml").write_text(small.model_dump_json(), "utf-8")
    scripted = dataclasses.replace(application, usecase=Scripted())
    if number < LEAST:
        with pytest.raises(EvidenceError, match=f"Of {number} cases fewer than {LEAST} pass"):
            await accept(scripted)
    else:
        assert (await accept(scripted)).passed
    assert (project / WHERE).exists() == (number == LEAST)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"run": "x"}'])
async def test_a_baseline_that_is_none_is_a_clear_error(content: str, application: Application, project: Path) -> None:
    (project / WHERE).write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=r"evals/canary\.json is no baseline of this version; run "):
        await canary(application)
