"""Time, cost and tokens held against the baseline: as a share of it, by a bound, and times only where they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.scaffold.evaluation import Run
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import Baseline, against, baseline_of
from {{ cookiecutter.package_name }}.scaffold.evaluation.metrics import hold, judge, slices, summarise
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import CaseResult, Verdict
from {{ cookiecutter.package_name }}.scaffold.evaluation.relative import REPLAYED, times
from {{ cookiecutter.package_name }}.scaffold.evaluation.report import junit, markdown, page, text
from {{ cookiecutter.package_name }}.scaffold.evaluation.statistics import ratio_bounds, rise
from {{ cookiecutter.package_name }}.scaffold.evaluation.suite import SuiteFile, Threshold
from {{ cookiecutter.package_name }}.scaffold.readiness.card_text import measures as told_of_measures

from tests.scaffold.evaluation.cases import result

MARGIN = {"margin": 0.1}
HERE = times("live", 4)


def cases(measured: list[float], name: str = "cost", **changes: Any) -> list[CaseResult]:
    return [result(f"c{i}", measures={name: value}, **changes) for i, value in enumerate(measured)]


def baseline(before: list[CaseResult], taken: str = HERE) -> Baseline:
    run = Run(
        id="r0", suite="small", dataset="d", started_at=datetime(2026, 3, 1, tzinfo=UTC), seconds=1, k=5, digests={},
        cases=before, unreviewed=[], metrics={}, slices={}, thresholds={}, verdicts=[], times=taken,
    )  # fmt: skip
    return baseline_of(run, by="Ada")


def a_suite(thresholds: Mapping[str, Any], **changes: Any) -> SuiteFile:
    return SuiteFile.model_validate({"name": "small", "dataset": "d", "thresholds": thresholds, **changes})


def growing(n: int) -> list[float]:
    """As many values, from 1 to 2."""
    return [1 + i / n for i in range(n)]


SEEN = [
    # before, after, outcome, what is said
    ([1.0] * 28, [1.0] * 28, "unclear", "a rise of 10 % is not ruled out: not enough evidence."),
    (
        [1.0] * 29,
        [1.0] * 29,
        "passed",
        "cost went from 1 to 1 USD over 29 cases (+0.0 %; 95 % bounds -9.8 % and +9.8 %).",
    ),
    (growing(100), [1.05 * x for x in growing(100)], "passed", "(+5.0 %; 95 % bounds +2.0 % and +8.0 %"),
    (growing(100), [2 * x for x in growing(100)], "missed", "chance does not explain it. Rose most: c99, c98"),
    (growing(50), [1.05 * x for x in growing(50)], "unclear", "a rise of 10 % is not ruled out"),  # 1 - 0.05^(1/50)
    ([1.0] * 100, [1.0] * 91 + [6.0] * 9, "missed", "Rose most: c91, c92, c93, c94, c95"),
    ([1.0] * 100, [1.0] * 98 + [12.0] * 2, "unclear", "not ruled out: not enough evidence. Rose most: c98, c99"),
    (growing(100), [0.5 * x for x in growing(100)], "passed", "(-50.0 %"),
    ([0.0] * 60, [0.0] * 60, "passed", "(+0.0 %"),
    ([0.0] * 60, [0.1] * 60, "missed", "(from nothing; 95 % bounds +0.0 % and none)"),
    ([1.0], [1.0], "unclear", "95 % bounds -100.0 % and none)"),
]


@pytest.mark.parametrize(("before", "after", "outcome", "said"), SEEN)
def test_a_share_of_the_baselines_mean_is_decided_by_the_bound(
    before: list[float], after: list[float], outcome: str, said: str
) -> None:
    found, (verdict,) = against(baseline(cases(before)), cases(after), a_suite({"cost": MARGIN}), {}, HERE)
    assert (verdict.metric, verdict.outcome, verdict.baseline) == ("cost", outcome, "r0"), verdict.reason
    assert said in verdict.reason
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_without_a_margin_a_measure_is_shown_beside_the_baseline_and_not_judged_by_it() -> None:
    found, verdicts = against(baseline(cases(growing(50))), cases([9.0] * 50), a_suite({"cost": {"max": 10}}), {}, HERE)
    assert verdicts == []
    assert found.measures["cost"].share == pytest.approx(9 / np.mean(growing(50)) - 1)


def test_too_few_cases_are_not_enough_evidence() -> None:
    chosen = a_suite({"cost": {"margin": 0.1, "cases": 40}, "output_tokens": MARGIN})
    _, verdicts = against(baseline(cases([1.0] * 39)), cases([1.0] * 39), chosen, {}, HERE)
    assert [verdict.outcome for verdict in verdicts] == ["unclear", "unclear"]
    assert "39 cases measure it both in the baseline and now, at least 40 are demanded" in verdicts[0].reason
    assert "0 cases measure it both" in verdicts[1].reason  # a model without a price, or a use case without a model


def test_a_margin_on_a_measure_demands_nothing_of_a_run_alone() -> None:
    assert list(hold("cost", None, Threshold(margin=0.1))) == []
    assert [verdict.outcome for verdict in hold("cost", None, Threshold(margin=0.1, max=1))] == ["unclear"]


def test_a_slice_that_became_dearer_beyond_chance_is_named_and_one_that_grew_a_little_is_not() -> None:
    tags = {f"c{i}": ["hr"] if i < 20 else ["pay"] for i in range(500)}
    before = [result(id_, tags=tags[id_], measures={"cost": 1.0}) for id_ in tags]
    after = [result(id_, tags=tags[id_], measures={"cost": 2.0 if i < 20 else 1.02}) for i, id_ in enumerate(tags)]
    _, (whole, *parts) = against(baseline(before), after, a_suite({"cost": MARGIN}), {}, HERE)
    assert whole.outcome == "passed"
    assert [(verdict.slice, verdict.outcome) for verdict in parts] == [("hr", "missed")]
    assert "cost of hr went from 1 to 2 USD over 20 cases (+100.0 %" in parts[0].reason
    held = a_suite({"correctness": {"min": 0.1}}, slices={"pay": {"cost": MARGIN}, "hr": {"cost": MARGIN}})
    _, verdicts = against(baseline(before), after, held, {}, HERE)
    assert [(verdict.slice, verdict.outcome) for verdict in verdicts] == [("pay", "passed"), ("hr", "missed")]


@pytest.mark.parametrize("before", [1.0, 0.0])
def test_what_makes_every_case_dearer_names_no_slice(before: float) -> None:
    tags = {f"c{i}": ["hr"] if i % 2 else ["pay"] for i in range(200)}
    old = [result(id_, tags=tags[id_], measures={"cost": before}) for id_ in tags]
    new = [result(id_, tags=tags[id_], measures={"cost": 3.0}) for id_ in tags]
    _, verdicts = against(baseline(old), new, a_suite({"cost": MARGIN}), {}, HERE)
    assert [(verdict.slice, verdict.outcome) for verdict in verdicts] == [("", "missed")]


def test_one_slice_of_many_that_was_dear_by_chance_is_not_named() -> None:
    """Seven cases of one tag cost double (p = 0.02), which among forty tags is bound to happen."""
    tags = {f"c{i}": [f"t{i % 40}"] for i in range(800)}
    before = [result(id_, tags=tags[id_], measures={"cost": 1.0}) for id_ in tags]
    dear = {f"c{40 * i}" for i in range(7)}
    after = [result(id_, tags=tags[id_], measures={"cost": 2.0 if id_ in dear else 1.0}) for id_ in tags]
    found, verdicts = against(baseline(before), after, a_suite({"cost": MARGIN}), {}, HERE)
    assert found.measure_slices["t0"]["cost"].p == pytest.approx(0.017, abs=0.002)
    assert [(verdict.slice, verdict.outcome) for verdict in verdicts] == [("", "passed")]


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (HERE, HERE, ""),
        ("4 at a time on machine 0", HERE, "times of the baseline were taken 4 at a time on machine 0, those of now"),
        (HERE, times("live", 8), "8 at a time on machine"),
        (HERE, REPLAYED, "those of now replayed"),
        (REPLAYED, REPLAYED, "taken replayed"),
        ("", HERE, "taken nobody knows where"),
    ],
    ids=["alike", "another machine", "more at once", "now replayed", "both replayed", "an old baseline"],
)
def test_times_are_compared_on_the_same_machine_only_and_never_replayed_ones(then: str, now: str, told: str) -> None:
    """Twice as slow: red where both sides were measured alike, and never passed where they were not."""
    before, after = cases([1.0] * 50, "latency"), cases([2.0] * 50, "latency")
    found, (verdict,) = against(baseline(before, then), after, a_suite({"latency": MARGIN}), {}, now)
    assert (verdict.outcome, told in verdict.reason) == ("unclear" if told else "missed", True)
    assert ("latency" in found.measures, "latency" in found.incomparable) == (not told, bool(told))
    _, verdicts = against(baseline(before, then), after, a_suite({"latency": {"p95": 5}}), {}, now)
    assert verdicts == []


def test_tokens_and_cost_compare_wherever_they_were_counted() -> None:
    _, (verdict,) = against(baseline(cases([1.0] * 50)), cases([2.0] * 50), a_suite({"cost": MARGIN}), {}, REPLAYED)
    assert verdict.outcome == "missed"


def without(number: int) -> CaseResult:
    """A case whose answer asked a model without a price before the one that wrote it."""
    return result(f"c{number}", measures={}, unpriced=["openai/new"])


@pytest.mark.parametrize("side", ["before", "now"])
def test_what_a_model_without_a_price_costs_is_no_mean_of_the_answers_that_asked_none(side: str) -> None:
    """Three of sixty refused before any model was asked; the others cost nobody knows what."""
    priced = [result(f"c{i}", measures={"cost": 0.0}) for i in range(60)]
    unpriced = [(result(f"c{i}", measures={"cost": 0.0}) if i < 3 else without(i)) for i in range(60)]
    before, after = (unpriced, priced) if side == "before" else (priced, unpriced)
    chosen = a_suite({"cost": {"max": 1, "p95": 1, "margin": 0.1}})
    found, (verdict,) = against(baseline(before), after, chosen, {})
    assert "cost" not in found.measures
    assert verdict.outcome == "unclear"
    assert "what 57 of 60 answers" in verdict.reason
    if side == "now":
        (held,) = judge(after, chosen)
        assert held.outcome == "unclear"
        assert "no price is known for openai/new; add it under prices in config/limits.yaml" in held.reason
        assert "cost" not in summarise(after)
        assert summarise(after[:3])["cost"].mean == 0  # known of these


def test_a_case_of_which_one_attempt_has_no_price_has_no_cost_in_the_baseline() -> None:
    attempts = [result(attempt=1, measures={"cost": 0.0}), result(attempt=2, measures={})]
    assert baseline(attempts).cases[0].measures == {}


def test_a_report_says_that_the_cost_is_unknown_and_not_that_it_is_nothing() -> None:
    answers = [result(f"c{i}", measures={"cost": 0.0} if i < 3 else {}) for i in range(60)]
    chosen = a_suite({"cost": {"max": 1}})
    run = Run(
        id="r", suite="small", dataset="d", started_at=datetime(2026, 3, 1, tzinfo=UTC), seconds=1, k=5, digests={},
        cases=answers, unreviewed=[], metrics=summarise(answers), slices=slices(answers), thresholds=chosen.thresholds,
        verdicts=judge(answers, chosen),
    )  # fmt: skip
    assert "Cost of an answer: cost: what 57 of 60 answers cost is unknown" in page(run)
    assert "<strong>unknown</strong><span>is what an answer costs" in page(run)
    assert "Cost: unknown, since a model has no price" in told_of_measures(run)
    assert all("USD 0" not in shown for shown in (page(run), told_of_measures(run)))


def judged() -> Run:
    """A run that costs twice what it did, and of which nobody can say whether it became slower."""
    chosen = a_suite({"cost": MARGIN, "correctness": {"min": 0.1}})
    before, after = (
        [result(f"c{i}", measures={"cost": by * (1 + i / 100), "latency": 1.0 + i / 100}) for i in range(100)]
        for by in (1, 2)
    )
    found, verdicts = against(baseline(before), after, chosen, {}, REPLAYED)
    return Run(
        id="r1", suite="small", dataset="d", started_at=datetime(2026, 3, 2, tzinfo=UTC), seconds=1, k=5, digests={},
        cases=after, unreviewed=[], metrics=summarise(after), slices={}, thresholds=chosen.thresholds,
        verdicts=verdicts, against=found,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            text,
            [
                "+100.0 %",
                "baseline + 10 %",
                "Cost of an answer (cost): USD 2.99 on average",
                "Time to answer is not compared",
            ],
        ),
        (markdown, ["| +100.0 % |", "baseline + 10 %", "Rose most: c99", "Time to answer is not compared"]),
        (junit, ["Cost of an answer: all cases", "cost went from 1.495 to 2.99 USD over 100 cases (+100.0 %"]),
        (
            page,
            [
                "Cost of an answer: USD 2.99 on average, USD 1.50 in the baseline (+100.0 %); demanded: at most 10 % more",
                "On average USD 2.99, in the baseline USD 1.50 (+100.0 %).",
                "Demanded: at most 10 % more than before.",
                "Time to answer is not compared: times of the baseline were taken",
            ],
        ),
    ],
    ids=["text", "markdown", "junit", "page"],
)
def test_every_report_shows_what_became_of_the_measures(shown: Callable[[Run], str], expected: list[str]) -> None:
    told = shown(judged())
    for each in expected:
        assert each in told


def test_a_slice_that_is_dear_is_shown_and_not_called_weak() -> None:
    run = judged()
    dear = Verdict(metric="cost", slice="hr", outcome="missed", reason="cost of hr rose.")
    tagged = [case.model_copy(update={"tags": ["hr"] if n < 20 else ["pay"]}) for n, case in enumerate(run.cases)]
    told = page(run.model_copy(update={"cases": tagged, "slices": slices(tagged), "verdicts": [dear]}))
    assert "cost of hr rose." in told[told.index("Where it is weak") :]
    assert "Weakest" not in told


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        ([1, 2, 3, 4, 5], [2, 4, 6, 8, 10], 0.05 ** (1 / 5), 2 - 0.05 ** (1 / 5)),  # every case alike: what can hide
        ([1.0] * 29, [1.0] * 29, -0.0982, 0.0982),
        ([0.0, 0.0, 0.0, 9.0], [0.0, 0.0, 0.0, 9.0], -1, float("inf")),
    ],
)
def test_the_bounds_of_a_ratio(before: list[float], after: list[float], low: float, high: float) -> None:
    assert ratio_bounds(before, after) == pytest.approx((low, high), abs=1e-3)


def test_the_bounds_are_where_students_test_of_the_difference_is_just_significant() -> None:
    """Fieller's bound r is the ratio that the test of ``after`` - r ``before`` does not reject: p is 5 % there."""
    lots = np.random.default_rng(1)
    before = lots.lognormal(0, 0.5, 40)
    after = 1.1 * before * lots.lognormal(0, 0.5, 40)
    low, high = ratio_bounds(before, after)
    assert rise((1 + low) * before, after) == pytest.approx(0.05, abs=1e-6)
    assert rise(after, (1 + high) * before) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(
    ("before", "after", "p"),
    [
        ([1, 1, 1, 1], [2, 2, 2, 2], 1 / 16),  # four cases cannot say more
        ([1, 2, 3], [1, 2, 3], 1),
        ([2, 2], [1, 1], 1),
        ([1], [9], 1),
        ([0] * 5, [1, 2, 3, 4, 5], 0.0312),  # t = 4.243, 4 degrees of freedom: 0.0066; but no less than 1/32
        ([0] * 8, [-2, 5, 3, -1, 4, 2, -3, 2], 0.1330),  # t = 1.2060, 7 degrees of freedom
    ],
)
def test_the_p_value_of_a_rise_is_students(before: list[float], after: list[float], p: float) -> None:
    assert rise(before, after) == pytest.approx(p, abs=2e-3)
