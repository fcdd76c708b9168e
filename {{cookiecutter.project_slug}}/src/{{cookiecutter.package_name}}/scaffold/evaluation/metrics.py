"""What the answers of a run come to: metrics over all cases and by slice, and whether they reach what is demanded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Literal

from .graders import FAILED, MEASURES
from .record import CaseResult, Metric, Verdict
from .statistics import mean_interval, quantile_bounds, wilson
from .suite import SuiteFile, Threshold

Outcome = Literal["passed", "missed", "unclear"]


def summarise(cases: Iterable[CaseResult]) -> dict[str, Metric]:
    """Every metric over ``cases``; a metric that no case measures is left out, and one that is ``unknown``."""
    every = list(cases)
    scores: dict[str, dict[str, list[float]]] = {}
    for case in every:
        for name, value in {**{name: score.score for name, score in case.scores.items()}, **case.measures}.items():
            scores.setdefault(name, {}).setdefault(case.id, []).append(value)
    return {name: _metric(name, list(scores[name].values())) for name in sorted(scores.keys() - unknown(every).keys())}


def failures(results: Iterable[CaseResult]) -> dict[str, list[str]]:
    """What graders failed with, by grader: a run in which one did has not measured what it was asked to."""
    found: dict[str, list[str]] = {}
    for result in results:
        for name, score in result.scores.items():
            if score.reason.startswith(FAILED):
                found.setdefault(name, []).append(f"{result.id}: {score.reason.removeprefix(FAILED)}")
    return found


def unknown(cases: Sequence[CaseResult]) -> dict[str, str]:
    """Why a measure says nothing of ``cases``; empty where all are known.

    An answer that asked no model costs nothing, one that asked a model without a price nobody knows what: the mean of
    those that are known would be that of the answers that cost nothing. A call of which only the tokens are not known
    makes nothing unknown: it counts with the most that it can have cost (see ``Spending.settle``).
    """
    if not (without := [case for case in cases if "cost" not in case.measures]):
        return {}
    models = ", ".join(sorted({model for case in without for model in case.unpriced})) or "a model that was asked"
    said = f"what {len(without)} of {len(cases)} answers cost is unknown, since no price is known for {models}"
    return {"cost": f"{said}; add it under prices in config/limits.yaml"}


def _metric(name: str, by_case: list[list[float]]) -> Metric:
    means = [fmean(values) for values in by_case]
    if name not in MEASURES:
        low, high = wilson(sum(means), len(means))
        return Metric(n=len(means), mean=fmean(means), low=low, high=high)
    low, high = mean_interval(means)
    every = sorted(value for values in by_case for value in values)
    half, most = (every[min(len(every) - 1, int(share * len(every)))] for share in (0.5, 0.95))
    return Metric(
        n=len(means),
        mean=fmean(means),
        low=low,
        high=high,
        p50=half,
        p95=most,
        # The attempts of a case are no cases more: each bound looks at that attempt of each which is the safer one.
        p95_low=quantile_bounds([min(values) for values in by_case])[0],
        p95_high=quantile_bounds([max(values) for values in by_case])[1],
    )


def slices(cases: list[CaseResult]) -> dict[str, dict[str, Metric]]:
    """``summarise`` for each tag, locale and caller."""
    return {
        label: summarise(case for case in cases if label in case.labels)
        for label in sorted(set().union(*(case.labels for case in cases)))
    }


def judge(cases: list[CaseResult], suite: SuiteFile) -> list[Verdict]:
    """Hold every threshold of the suite against its metric, over all cases and over its slices.

    Where a grader failed, nothing passes: the run has not measured what it was asked to, whatever else it shows.
    """
    demands = {"": suite.thresholds, **suite.slices}
    broken = [
        Verdict(
            metric=name,
            outcome="unclear",
            reason=f"{name}: the grader failed on {len(told)} answers, which count as 0; mend it. First: {told[0]}.",
        )
        for name, told in failures(cases).items()
    ]
    return broken + [
        verdict
        for label, thresholds in demands.items()
        for inside in [[case for case in cases if not label or label in case.labels]]
        for metrics, untold in [(summarise(inside), unknown(inside))]
        for name, threshold in thresholds.items()
        for verdict in hold(name, metrics.get(name), threshold, label, untold.get(name, ""))
    ]


def hold(
    name: str, metric: Metric | None, threshold: Threshold, label: str = "", untold: str = ""
) -> Iterator[Verdict]:
    """Hold ``metric`` against what is demanded of it alone; a margin is held against the baseline's, elsewhere.

    ``untold``: why it is ``unknown``, where it is.
    """
    if name in MEASURES and threshold.max is None and threshold.p95 is None:
        return
    where = f"{name} of {label}" if label else name

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return Verdict(metric=name, slice=label, outcome=outcome, reason=f"{reason}.")

    if untold:
        yield verdict("unclear", f"{where}: {untold}")
        return
    if metric is None or metric.n < threshold.cases:
        n = metric.n if metric else 0
        measured = f"{n} reviewed cases measure it" if n else "no reviewed case measures it"
        yield verdict("unclear", f"{where}: {measured}, at least {threshold.cases} are demanded; review more")
        return
    found = f"{where} is {metric.mean:.3f} over {metric.n} cases (95 %: {metric.low:.3f} to {metric.high:.3f})"
    if threshold.min == 1:
        missed = metric.mean < 1
        yield verdict("missed" if missed else "passed", f"{found}; 1 is demanded of every case" if missed else found)
    elif threshold.min is not None:
        yield verdict(*_bound(found, metric.mean, metric.low, threshold.min, "at least"))
    if threshold.max is not None:  # mirrored, so that one comparison serves both
        yield verdict(*_bound(found, -metric.mean, -metric.high, -threshold.max, "at most"))
    if threshold.p95 is not None and metric.p95 is not None:
        yield verdict(*_quantile(where, metric, threshold.p95))


def _quantile(where: str, metric: Metric, demanded: float) -> tuple[Outcome, str]:
    low, high = ("unknown" if bound is None else f"{bound:.3f}" for bound in (metric.p95_low, metric.p95_high))
    found = f"{where}: 95 of 100 answers stay below {metric.p95:.3f} over {metric.n} cases (95 % bounds: {low}, {high})"
    if metric.p95_high is not None and metric.p95_high <= demanded:
        return "passed", found
    if metric.p95_low is not None and metric.p95_low > demanded:
        return "missed", f"{found}; {demanded:g} is demanded"
    return "unclear", f"{found}; {demanded:g} is demanded of the upper bound, which takes 59 cases: not enough evidence"


def _bound(found: str, mean: float, bound: float, demanded: float, at_least: str) -> tuple[Outcome, str]:
    if bound >= demanded:
        return "passed", found
    if mean < demanded:
        return "missed", f"{found}; {at_least} {abs(demanded):g} is demanded"
    return "unclear", f"{found}; {at_least} {abs(demanded):g} is demanded of the interval too: not enough evidence"
