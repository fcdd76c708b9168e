"""What a ``margin`` demands of a run that is held against the baseline, and what comes of it.

Decided is non-inferiority: a score has passed where it is certain enough that it lost less than its margin, a measure
where it is certain enough that it rose by less, as a share of what it was. See docs/baselines.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf
from statistics import fmean
from typing import Literal

from .graders import MEASURES
from .record import Against, Paired, Verdict
from .relative import Change, on_both_sides
from .statistics import SIGNIFICANCE, holm, mcnemar, paired_bounds
from .suite import SuiteFile

Outcome = Literal["passed", "missed", "unclear"]

SHOWN = 10
"""Cases named in a sentence."""


def decide(found: Against, suite: SuiteFile) -> Iterator[Verdict]:
    """A verdict for each margin, and one for each slice that breaks it beyond chance.

    A margin has passed where the bound keeps it. A score misses it where it does not and chance does not explain the
    loss, a measure where the other bound breaks it. All else is unclear. Slices are too small to be held to a margin
    that nobody set for them: of all of these together, one breaks it by chance with a probability of 5 % at most
    (Holm). A slice with a margin of its own is judged by that alone, so that nothing is told twice.
    """
    for label, thresholds in {"": suite.thresholds, **suite.slices}.items():
        for name, threshold in thresholds.items():
            if threshold.margin is not None:
                outcome, reason = _hold(name, label, found, threshold.margin, threshold.cases)
                yield Verdict(metric=name, slice=label, outcome=outcome, reason=reason, baseline=found.baseline)
    margins = {name: each.margin for name, each in suite.thresholds.items() if each.margin is not None}
    tried = [
        (label, name, each, whole)
        for label in found.slices
        for name in margins
        if (own := suite.slices.get(label, {}).get(name)) is None or own.margin is None
        if (each := of(found, name, label)) and (whole := of(found, name)) and each.n < whole.n  # else it is no slice
    ]
    beyond_chance = holm([each.p for _, _, each, _ in tried])
    for (label, name, each, whole), lost in zip(tried, beyond_chance, strict=True):
        if lost and _stands_out(each, whole, margins[name]):
            told, which = _told(name, label, each)
            reason = f"{told}; that is beyond chance, however many slices there are{which}."
            yield Verdict(metric=name, slice=label, outcome="missed", reason=reason, baseline=found.baseline)


def _stands_out(each: Paired | Change, whole: Paired | Change, margin: float) -> bool:
    """Whether a slice breaks the margin; of measures, also whether it rose by more than all cases together.

    What makes every request longer would name every slice.
    """
    if isinstance(each, Paired) or isinstance(whole, Paired):
        return _broken(each, margin)
    return each.low > max(margin, whole.share) or (isinf(each.share) and not isinf(whole.share))


def of(found: Against, name: str, label: str = "") -> Paired | Change | None:
    """What became of a metric, over all cases or in a slice; None where no case has it on both sides."""
    if name in MEASURES:
        return (found.measure_slices.get(label, {}) if label else found.measures).get(name)
    return (found.slices.get(label, {}) if label else found.metrics).get(name)


def _hold(name: str, label: str, found: Against, margin: float, cases: int) -> tuple[Outcome, str]:
    said = f"{name} of {label}" if label else name
    if name in found.incomparable:
        return "unclear", f"{said} cannot be held against the baseline: {found.incomparable[name]}."
    each = of(found, name, label)
    if each is None or each.n < cases:
        n = each.n if each else 0
        return "unclear", f"{said}: {n} cases measure it both in the baseline and now, at least {cases} are demanded."
    told, which = _told(name, label, each)
    if _kept(each, margin):
        return "passed", f"{told}."
    allowed = f"{margin:g}" if isinstance(each, Paired) else f"{100 * margin:g} %"
    if isinstance(each, Paired) and each.p <= SIGNIFICANCE and each.after < each.before:
        return "missed", f"{told}; at most {allowed} may be lost, and chance does not explain it{which}."
    if isinstance(each, Change) and _broken(each, margin):
        return "missed", f"{told}; at most {allowed} more is allowed, and chance does not explain it{which}."
    change = "loss" if isinstance(each, Paired) else "rise"
    return "unclear", f"{told}; a {change} of {allowed} is not ruled out: not enough evidence{which}."


def _kept(each: Paired | Change, margin: float) -> bool:
    """Whether the bound keeps the margin."""
    return each.low > -margin if isinstance(each, Paired) else each.high is not None and each.high < margin


def _broken(each: Paired | Change, margin: float) -> bool:
    """Whether a change beyond chance breaks the margin.

    Few cases tell a loss of scores from chance only where it is great. A rise of a measure may be the same for every
    case, such as that of a longer prompt, and beyond chance however small it is: here the other bound has to break it.
    """
    if isinstance(each, Paired):
        return not _kept(each, margin)
    return each.low > margin or (isinf(each.share) and each.p <= SIGNIFICANCE)


def compared(
    old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]], ids: list[str]
) -> dict[str, Paired]:
    """Every metric that both have of some of the cases ``ids``, over the cases of which both have it."""
    return {name: pair(before, after) for name, before, after in on_both_sides(old, new, ids)}


def pair(before: Mapping[str, float], after: Mapping[str, float]) -> Paired:
    """One metric's scores by case, on both sides."""
    worse = [case for case in before if after[case] < before[case]]
    better = [case for case in before if after[case] > before[case]]
    low, high = paired_bounds([after[case] - before[case] for case in before])
    return Paired(
        n=len(before),
        before=fmean(before.values()),
        after=fmean(after[case] for case in before),
        low=low,
        high=high,
        worse=worse,
        better=better,
        p=mcnemar(len(worse), len(better)),
    )


def _told(name: str, label: str, each: Paired | Change) -> tuple[str, str]:
    """What became of a metric, in a sentence that goes on, and which cases made it worse."""
    said = f"{name} of {label}" if label else name
    if isinstance(each, Change):
        unit = MEASURES[name]
        went = f"{said} went from {each.before:.4g} to {each.after:.4g} {unit} over {each.n} cases"
        high = "none" if each.high is None else _percent(each.high)
        share = "from nothing" if isinf(each.share) else _percent(each.share)
        rose = f". Rose most: {named(each.rose)}" if each.rose else ""
        return f"{went} ({share}; 95 % bounds {_percent(each.low)} and {high})", rose
    went = f"{said} went from {each.before:.3f} to {each.after:.3f} over {each.n} cases"
    worse = f". Worse: {named(each.worse)}" if each.worse else ""
    return (
        f"{went} ({each.difference:+.3f}, 95 % certain above {each.low:+.3f}; "
        f"{len(each.worse)} worse, {len(each.better)} better, p = {each.p:.2g})"
    ), worse


def _percent(share: float) -> str:
    return f"{100 * share:+.1f} %"


def named(ids: list[str]) -> str:
    """``ids`` in a sentence, the first ten of them."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{', '.join(ids[:SHOWN])}{more}"
