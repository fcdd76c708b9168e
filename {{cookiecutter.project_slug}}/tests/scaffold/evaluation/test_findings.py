"""What a reader learns first: whether it is good enough, why not, what changed, and which cases do the most harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, SuiteFile, markdown, render
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import against as held
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import baseline_of
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import CaseResult, Paired
from {{ cookiecutter.package_name }}.scaffold.evaluation.report import headline, junit, page, text
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.findings import demands, reasons
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.harm import RANKED, told, worst_cases

from tests.scaffold.evaluation.cases import result
from tests.scaffold.evaluation.runs import against, made

DEMANDED: dict[str, Any] = {
    "thresholds": {"correctness": {"min": 0.5, "margin": 0.05}},
    "slices": {"locale:en": {"correctness": {"min": 0.5, "margin": 0.05}}, "hr": {"correctness": {"min": 0.5}}},
}


def lost(wrong: int = 60, digests: dict[str, str] | None = None, **changes: Any) -> Run:
    """A run of 100 cases of which ``wrong`` were right in the baseline: two topics, of which one has a threshold."""

    def cases(wrong: int) -> list[CaseResult]:
        tags = ["hr", "travel"]
        return [result(f"c{n}", float(n >= wrong), tags=[tags[n % 2]], answer=f"{n} EUR") for n in range(100)]

    shape = DEMANDED | changes
    file = SuiteFile.model_validate({"name": "small", "dataset": "d", **shape})
    found, verdicts = held(baseline_of(made(*cases(0), **shape), by="Ada"), cases(wrong), file, digests or {})
    return made(*cases(wrong), against=found, verdicts=tuple(verdicts), **shape)


def test_a_metric_is_told_once_for_all_cases_and_once_for_each_slice() -> None:
    lines = [each.replace("\N{NO-BREAK SPACE}", " ") for each in reasons(lost())]
    went = "100 % in the baseline; demanded: at least 50 %"
    assert lines == [
        f"Right answers: 40 % of 100 cases, {went}, at most 5 points lost.",
        f"Right answers, in en: 40 % of 100 cases, {went}, at most 5 points lost.",
        f"Right answers, hr: 40 % of 50 cases, {went}; that is beyond chance.",
        "Right answers, travel: 40 % of 50 cases, 100 % in the baseline; that is beyond chance.",
    ]


def test_errors_are_told_apart_from_wrong_answers() -> None:
    error = {"error": "no answer within 60 s", "answer": ""}
    cases = [result(f"c{n}", float(n >= 60), tags=["hr"], **(error if n < 4 else {})) for n in range(100)]
    run = made(*cases, **DEMANDED)
    assert (
        reasons(run)[0]
        .replace("\N{NO-BREAK SPACE}", " ")
        .startswith("Right answers: 40 % of 100 cases, 4 of which ended in an error; demanded")
    )
    assert "<strong>4</strong><span>ended in an error and count as failed" in page(run, {})


@pytest.mark.parametrize(
    ("changes", "thresholds", "said"),
    [
        ({}, {"refusal": {"min": 0.5}}, "Too few cases to be sure of: Admits what it does not know."),
        ({"model": "new-1"}, {"cost": {"max": 1}}, "Cost of an answer: cost: what 1 of 1 answers cost is unknown"),
    ],
)
def test_more_cases_are_asked_for_only_where_they_would_help(
    changes: dict[str, Any], thresholds: dict[str, Any], said: str
) -> None:
    (line,) = reasons(made(result("x", **changes), thresholds=thresholds))
    assert line.startswith(said)


@pytest.mark.parametrize("wrong", [0, 20, 60, 100])
def test_the_worse_a_run_is_the_demands_stay_the_same(wrong: int) -> None:
    assert len(demands(lost(wrong))) == 5


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        (lambda: lost(), "Not good enough: 5 of 5 demands are missed; 1 slice got worse beyond chance."),
        (lambda: lost(0), "Good enough: all 5 demands are met."),
        (
            lambda: made(*(result(f"c{n}", tags=["hr"]) for n in range(40)), **DEMANDED),
            "Good enough: all 3 demands are met; 2 more are not compared: no baseline is accepted yet.",
        ),
        (
            lambda: made(result(), thresholds={"correctness": {"margin": 0.05}}),
            "Not judged: nothing is demanded of it but what needs a baseline; 1 more is not compared: no baseline is "
            "accepted yet.",
        ),
    ],
    ids=["lost", "same", "no baseline", "only a margin"],
)
def test_the_headline_counts_what_the_suite_demands(tried: Callable[[], Run], said: str) -> None:
    assert headline(tried()) == said


@pytest.mark.parametrize("shown", [page, markdown, text], ids=["page", "markdown", "text"])
def test_no_report_says_that_a_margin_is_kept_without_a_baseline(shown: Callable[[Run], str]) -> None:
    fresh = shown(made(*(result(f"c{n}", tags=["hr"]) for n in range(40)), **DEMANDED))
    assert "not compared: no baseline is accepted yet" in fresh
    assert re.search(r"points lost \(not compared\)|baseline - 0\.05: not compared", fresh)
    assert "no baseline is accepted" not in shown(lost())


@pytest.mark.parametrize("shown", [page, markdown, text, junit], ids=["page", "markdown", "text", "junit"])
@pytest.mark.parametrize(
    ("digests", "said"),
    [
        ({"models": "m" * 64, "prompts": "new"}, "Changed since the baseline: the prompts."),
        ({"models": "n" * 64}, "Changed since the baseline: the models or their settings."),
        ({"models": "m" * 64}, "Changed since the baseline: nothing of ours. What differs is the vendor"),
    ],
)
def test_every_report_says_beside_the_verdict_what_changed(
    shown: Callable[[Run], str], digests: dict[str, str], said: str
) -> None:
    assert said in shown(lost(digests=digests))


def many() -> Run:
    """A run that misses all it can, in 60 slices, with long texts."""
    tags = {f"t{n}": {"correctness": {"min": 0.5}} for n in range(60)}
    cases = [result(f"c{n}", 0, tags=[f"t{n % 60}"], question="Why? " * 99, answer="So. " * 99) for n in range(300)]
    return made(*cases, slices=tags)


def test_the_terminal_tells_a_bad_run_on_two_screens() -> None:
    console = Console(width=160, color_system=None)
    with console.capture() as capture:
        console.print(render(many()))
    assert len(capture.get().splitlines()) < 45
    assert "and 55 more, on the page" in capture.get()


def test_the_page_shows_six_reasons_and_folds_the_others_away() -> None:
    shown = page(many())
    box = shown[shown.index('<div class="verdict bad">') : shown.index('<ul class="tiles">')]
    assert box[: box.index("<details>")].count("<li>") == 6
    assert "<summary>and 55 more</summary>" in box
    assert box[box.index("<details>") :].count("<li>") == 55
    assert "- Right answers" in markdown(many()).split("<summary>and 55 more</summary>")[1]


def test_statistics_are_folded_away_and_all_there() -> None:
    for shown in (page(lost()), markdown(lost())):
        told, evidence = shown.split("<summary>The statistics behind it</summary>", 1)
        assert not re.search(r"p = |95 % certain", told)
        assert re.search(r"p = 8.7e-19.*c0, c1", evidence)


def test_the_weakest_slices_are_named_from_the_least() -> None:
    sizes = {"a": (100, 37), "b": (400, 36), "c": (600, 90)}
    cases = [
        result(f"{tag}{n}", float(n < n_cases * share / 100), tags=[tag], locale="en")
        for tag, (n_cases, share) in sizes.items()
        for n in range(n_cases)
    ]
    assert "b (36 %), a (37 %)" in page(made(*cases)).replace("\N{NO-BREAK SPACE}", " ")


def low(**reasons: str) -> dict[str, Any]:
    return {name: {"score": 0, "reason": reason} for name, reason in reasons.items()}


def test_failing_cases_are_ranked_by_the_harm_they_do() -> None:
    cases = [
        result("form", scores=low(format="no JSON")),
        result("refused", scores=low(answered="refused", correctness="missing: 1987", number="missing"), refused=True),
        result("down", scores=low(access="error: down", completed="error: down"), error="down"),
        result("guessed", scores=low(groundedness="not in a passage")),
        result("wrong", scores=low(correctness="missing: 1987")),
        result("wrong-and-worse", scores=low(correctness="missing: 1987")),
        result("wrong-and-invented", scores=low(correctness="missing: 1987", groundedness="not in a passage")),
        result("invented", scores=low(refusal="answered, a refusal was expected")),
        result("leak", scores=low(access="shows pay")),
        result("private", scores=low(personal_data="shows a number")),
    ]
    paired = Paired(n=20, before=1, after=0.95, low=-0.1, high=0, worse=["wrong-and-worse"], better=[], p=0.5)
    thresholds = {name: {"min": 0.9} for name in ("format", "groundedness")}
    tried = made(*cases, against=against(correctness=paired), thresholds=thresholds)
    assert [case.id for case in worst_cases(tried)] == [
        "leak",
        "private",
        "invented",
        "wrong-and-worse",
        "wrong-and-invented",
        "wrong",
        "guessed",
        "refused",
        "down",
        "form",
    ]
    for shown in (page(tried), markdown(tried), text(tried)):
        assert RANKED in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"scores": low(answered="refused, an answer was expected", correctness="missing: 1987", number="missing")},
            [("answered", "refused, an answer was expected")],
        ),
        ({"scores": low(correctness="missing: 1987", number="missing: 1987")}, [("correctness", "missing: 1987")]),
        ({"scores": low(correctness="x; missing: 1", number="missing: 1")}, [("correctness", "x; missing: 1")]),
        (
            {"scores": low(completed="error: down", access="error: down"), "error": "down"},
            [("completed", "error: down")],
        ),
        (
            {"scores": low(access="shows pay", answered="refused", correctness="missing")},
            [("answered", "refused"), ("access", "shows pay")],
        ),
        ({"scores": low(retrieval_recall="not found: a.md")}, []),
    ],
)
def test_a_fault_is_told_once(changes: dict[str, Any], said: list[tuple[str, str]]) -> None:
    case = result("x", **changes)
    assert told(made(case), case) == said


def test_the_numbers_behind_a_reason_name_the_cases_that_count() -> None:
    thresholds = {"retrieval_recall": {"min": 0.9}}
    shown = markdown(made(result("x", scores=low(retrieval_recall="not found: a.md")), thresholds=thresholds))
    assert "Below 1: x." in shown
