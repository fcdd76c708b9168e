"""Whether a run is good enough, why not, and what changed, in words for people who do not know the metrics' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..graders import MEASURES
from ..margins import of
from ..metrics import failures, unknown
from ..record import CaseResult, Metric, Run, Verdict
from ..relative import Change
from ..suite import Threshold
from .words import amount, flat, least, lost, more, title, unmet, where

FIRST = 6
"""Reasons that are read at once; the others are folded away or counted."""

CHANGED: Mapping[str, str] = {
    "code": "the code",
    "models": "the models or their settings",
    "prompts": "the prompts",
    "dataset": "the cases",
    "index": "the documents, who may see them or how they are searched",
    "policy": "the policy",
}
"""What ``evidence.COMPARED`` is called where people decide."""

GRAVE = ("access", "personal_data", "completed", "refusal", "correctness")
"""Metrics whose reasons come first; the others follow as the suite lists them."""


class Finding(NamedTuple):
    """What is wrong with a metric over all cases or in a slice: the worst of what the verdicts on it say."""

    metric: str
    slice: str
    outcome: str
    verdicts: list[Verdict]
    demanded: bool
    """False of a slice that got worse beyond chance while it misses nothing that is demanded of it."""


def findings(run: Run) -> list[Finding]:
    """One for each metric and slice: missed before unclear, all cases before slices, the grave ones first."""
    together: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in unmet(run):
        together.setdefault((verdict.metric, verdict.slice), []).append(verdict)
    found = []
    for (metric, label), verdicts in together.items():
        worst = [each for each in verdicts if each.outcome == verdicts[0].outcome]  # missed ones come first
        demanded = any(not beyond_chance(run, each) for each in worst)
        found.append(Finding(metric, label, verdicts[0].outcome, worst, demanded))

    def grave(each: Finding) -> tuple[bool, bool, bool, int]:
        rank = GRAVE.index(each.metric) if each.metric in GRAVE else len(GRAVE)
        return each.outcome != "missed", not each.demanded, bool(each.slice), rank

    return sorted(found, key=grave)


def beyond_chance(run: Run, verdict: Verdict) -> bool:
    """Whether nothing is demanded of the slice, and it stands out for having got worse beyond chance."""
    own = run.slice_thresholds.get(verdict.slice, {}).get(verdict.metric)
    return bool(verdict.slice and verdict.baseline) and (own is None or own.margin is None)


def demands(run: Run) -> list[Verdict]:
    """What became of the demands of the suite."""
    return [each for each in run.verdicts if not beyond_chance(run, each)]


def uncompared(run: Run) -> int:
    """So many demands compare with a baseline, and there is none."""
    demanded = [run.thresholds, *run.slice_thresholds.values()]
    return 0 if run.against else sum(each.margin is not None for one in demanded for each in one.values())


def headline(run: Run) -> str:
    """Whether it is good enough, in one sentence."""
    held = demands(run)
    total = f"{len(held)} demand{'s' * (len(held) != 1)}"
    missed, unclear = (sum(each.outcome == outcome for each in held) for outcome in ("missed", "unclear"))
    slices = len({each.slice for each in findings(run) if not each.demanded})
    named = f"{slices} slice{'s' * (slices != 1)}"
    apart = uncompared(run)
    waiting = f"{apart} more {'is' if apart == 1 else 'are'} not compared: no baseline is accepted yet"
    besides = f"; {waiting}" if apart else ""
    if missed:
        also = f", {unclear} more {'is' if unclear == 1 else 'are'} not sure" if unclear else ""
        also += f"; {named} got worse beyond chance" if slices else ""
        return f"Not good enough: {missed} of {total} {'is' if missed == 1 else 'are'} missed{also}{besides}."
    if slices:
        return f"Not good enough: {named} got worse beyond chance, which the {total} do not show{besides}."
    if unclear:
        said = f"for {unclear} of {total} the evidence is not enough, which is no pass"
        return f"Not sure yet: {said}{besides}."
    if not held:
        return f"Not judged: nothing is demanded of it but what needs a baseline{besides}."
    return f"Good enough: {f'all {total} are' if len(held) != 1 else 'the one demand is'} met{besides}."


def stands(run: Run) -> str:
    """The same as a colour: good, bad or some."""
    if any(each.outcome == "missed" for each in run.verdicts):
        return "bad"
    return "good" if run.passed and run.verdicts else "some"


def changed(run: Run) -> str:
    """What of ours differs from what the baseline was measured on, in a sentence; empty without a baseline."""
    if run.against is None:
        return ""
    parts = [CHANGED.get(part, part) for part in run.against.changed]
    if parts:
        return f"Changed since the baseline: {'; '.join(parts)}."
    return "Changed since the baseline: nothing of ours. What differs is the vendor's model, or chance."


def reasons(run: Run, names: bool = False) -> list[str]:
    """Why it is not good enough, in the order of ``findings``; ``names`` tells what each metric is called in files."""
    found = findings(run)
    lines = [_sentence(run, each, names) for each in found if not _too_few(run, each)]
    if few := [_named(each, names) for each in found if _too_few(run, each)]:
        lines.append(f"Too few cases to be sure of: {'; '.join(few)}.")
    return lines


def _too_few(run: Run, found: Finding) -> bool:
    """Whether more cases would settle it; they do not mend a grader, a judge, a price or times that say nothing."""
    return (
        found.outcome == "unclear"
        and _threshold(run, found) is not None
        and found.metric not in {**failures(run.cases), **unknown(run.cases)}
        and not (run.against and found.metric in run.against.incomparable)
    )


def _threshold(run: Run, found: Finding) -> Threshold | None:
    return (run.slice_thresholds.get(found.slice, {}) if found.slice else run.thresholds).get(found.metric)


def _named(found: Finding, names: bool) -> str:
    name = f"{title(found.metric)}{f' ({found.metric})' * names}"
    return f"{name}, {where(found.slice)}" if found.slice else name


def _sentence(run: Run, found: Finding, names: bool) -> str:
    name, label = found.metric, found.slice
    metric = (run.slices.get(label, {}) if label else run.metrics).get(name)
    if found.outcome == "unclear" or metric is None or (name in MEASURES and metric.p95 is None):
        return f"{_named(found, names)}: {flat(found.verdicts[0].reason)}"
    compared = of(run.against, name, label) if run.against and any(each.baseline for each in found.verdicts) else None
    measured = _measured(run, name, metric, found)
    if compared:
        rose = f" ({more(name, compared)})" if isinstance(compared, Change) else ""
        fewer = f" for the {compared.n} that it has too" if compared.n < metric.n else ""
        measured += f", {amount(name, compared.before)} in the baseline{fewer}{rose}"
    return f"{_named(found, names)}: {measured}; {_wanted(run, found)}."


def _in(case: CaseResult, label: str) -> bool:
    return not label or label in case.labels


def _measured(run: Run, name: str, metric: Metric, found: Finding) -> str:
    if name not in MEASURES:
        errors = len({case.id for case in run.cases if case.error and name in case.scores and _in(case, found.slice)})
        apart = f", {errors} of which ended in an error" if errors and name != "completed" else ""
        return f"{amount(name, metric.mean)} of {metric.n} cases{apart}"
    slow = all(each.baseline for each in found.verdicts)
    return f"{amount(name, metric.mean)} on average" + (
        "" if slow else f", 19 of 20 within {amount(name, metric.p95 or 0)}"
    )


def _wanted(run: Run, found: Finding) -> str:
    """What is demanded and not met."""
    name, threshold = found.metric, _threshold(run, found)
    parts = []
    if threshold and any(not each.baseline for each in found.verdicts):
        parts += least(name, threshold)
    if threshold and threshold.margin and any(each.baseline for each in found.verdicts):
        parts.append(lost(name, threshold.margin))
    said = [f"demanded: {', '.join(parts)}"] if parts else []
    if any(beyond_chance(run, each) for each in found.verdicts):
        said.append("that is beyond chance")
    return "; ".join(said) or "that is not what is demanded"
