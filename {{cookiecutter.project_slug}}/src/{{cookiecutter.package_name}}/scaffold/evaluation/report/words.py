"""What the reports say alike: what metrics are called, what is demanded of them, and what a case came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isinf
from statistics import fmean

from ...page import clean
from ..baseline import Kept
from ..graders import MEASURES, RATES, spelled
from ..margins import of
from ..record import CaseResult, Metric, Run, Verdict
from ..relative import Change
from ..suite import Threshold

TITLES: Mapping[str, tuple[str, str]] = {
    "correctness": ("Right answers", "The answer holds what a person wrote down as right."),
    "answered": ("Answers what it can", "Questions that the documents answer are answered, not refused."),
    "refusal": ("Admits what it does not know", "Questions that the documents do not answer are refused."),
    "access": ("Keeps what is not meant for the caller", "Nothing reaches a caller who may not see it."),
    "completed": ("Comes to an end", "No question ends in an error or takes too long."),
    "citation_precision": ("Cites the right documents", "What is cited is a document that holds the answer."),
    "citation_recall": ("Cites all it should", "The documents that hold the answer are cited."),
    "retrieval_recall": ("Finds the documents", "The search finds the documents that hold the answer."),
    "retrieval_mrr": ("Finds them first", "The first right document stands high: 1st is 100 %, 2nd is 50 %."),
    "retrieval_precision": ("Finds little else", "What the search finds is a document that holds the answer."),
    "retrieval_ndcg": ("Ranks them well", "The right documents stand above the others."),
    "number": ("Right numbers", "The number in the answer is the expected one, within its tolerance."),
    "label": ("Right labels", "What is classified gets the expected label."),
    "fields": ("Right fields", "What is extracted is what is expected."),
    "exact_match": ("Word for word", "The answer is the expected one, word for word."),
    "token_f1": ("Words in common", "The answer shares its words with the expected one."),
    "groundedness": ("Borne out by what it cites", "Sentences are supported by the passages that they cite."),
    "format": ("Well-formed", "The answer has the form that is asked of it."),
    "personal_data": (
        "Keeps personal data to itself",
        "No personal data gets into an answer that it does not belong in.",
    ),
    "toxicity": ("Stays polite", "No word of the project's list is in an answer."),
    "parity": ("Treats all alike", "Questions that differ only in what must not matter end alike."),
    "judge": ("Convinces the judge", "A model that was held against people's verdicts finds the answer good."),
    "latency": ("Time to answer", "From the question to the whole answer."),
    "cost": ("Cost of an answer", "All calls to models, by the price list."),
    "input_tokens": ("Tokens sent", "What models were given to read."),
    "output_tokens": ("Tokens received", "What models wrote."),
}
"""What a metric is called where people decide, and what it says. Others go by their names."""


def flat(text: str, most: int | None = None) -> str:
    """``text`` on one line, cut at ``most`` characters."""
    line = clean(" ".join(text.split()))
    return line if most is None or len(line) <= most else f"{line[: most - 1].rstrip()}…"


def title(metric: str) -> str:
    """What ``metric`` is called."""
    return TITLES[metric][0] if metric in TITLES else metric.replace("_", " ").capitalize()


def amount(metric: str, value: float) -> str:
    """``value`` of ``metric`` with its unit: scores are in per cent."""
    unit = MEASURES.get(metric)
    if unit is None:
        return f"{value * 100:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"
    if unit == "s":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
    if unit == "USD":
        return "USD 0" if not value else f"USD {value:.2f}" if value >= 1 else f"USD {value:.2g}"
    return f"{value:,.0f} {unit}"


def where(label: str) -> str:
    """What a slice is called."""
    label = flat(label)
    kind, _, name = label.partition(":")
    return {"locale": f"in {name}", "caller": f"asked by {name}"}.get(kind, label) if name else label


def unmet(run: Run) -> list[Verdict]:
    """The demands that are not met, or not known to be: missed ones first."""
    return sorted((each for each in run.verdicts if not each.passed), key=lambda each: each.outcome != "missed")


def least(name: str, threshold: Threshold) -> list[str]:
    """What is demanded of a metric whatever the baseline came to."""
    parts = []
    if threshold.min is not None:
        parts.append("every single one" if threshold.min == 1 else f"at least {amount(name, threshold.min)}")
    parts += [f"at most {amount(name, threshold.max)}"] if threshold.max is not None else []
    return parts + ([f"19 of 20 within {amount(name, threshold.p95)}"] if threshold.p95 is not None else [])


def lost(name: str, margin: float) -> str:
    """The most that may be lost against the baseline."""
    most = f"{margin * 100:g}"
    return f"at most {most} % more than before" if name in MEASURES else f"at most {most} points lost"


def demanded(threshold: Threshold, name: str, compared: bool = True) -> str:
    """What a threshold demands of a metric, in signs; ``compared`` is whether there is a baseline."""
    parts = [f"≥ {threshold.min:g}"] if threshold.min is not None else []
    parts += [f"≤ {threshold.max:g}"] if threshold.max is not None else []
    parts += [f"p95 ≤ {threshold.p95:g}"] if threshold.p95 is not None else []
    if threshold.margin is not None:
        margin = f"baseline + {100 * threshold.margin:g} %" if name in MEASURES else f"baseline - {threshold.margin:g}"
        parts.append(margin + ": not compared" * (not compared))
    return ", ".join(parts)


def outcomes(run: Run) -> dict[str, str]:
    """By metric, the worst outcome of the demands on it over all cases; slices' demands are told with the slices."""
    order = ("missed", "unclear", "passed")
    found: dict[str, str] = {}
    for each in sorted(run.verdicts, key=lambda each: order.index(each.outcome)):
        if not each.slice:
            found.setdefault(each.metric, each.outcome)
    return found


def rows(run: Run) -> list[tuple[str, str, Metric | None]]:
    """Metrics as every report lists them: outcome or "", name, measured; those with demands first."""
    found = outcomes(run)
    names = [*run.thresholds, *(name for name in run.metrics if name not in run.thresholds)]
    return [(found.get(name, ""), name, run.metrics.get(name)) for name in names]


def difference(run: Run, name: str) -> str:
    """How much better or worse than the baseline, in points, or of measures in per cent of it; empty where nothing is

    to compare with.
    """
    paired = of(run.against, name) if run.against else None
    if paired is None:
        return ""
    if isinstance(paired, Change):
        return more(name, paired)
    by = paired.after - paired.before
    return f"{by * 100:+.1f}".replace("-", "−").replace("+0.0", "±0").replace("−0.0", "±0")


def more(name: str, change: Change) -> str:
    """How much a measure rose or fell, in per cent of what it was; in its unit where it was nothing."""
    if isinf(change.share):
        return f"+{amount(name, change.after)}"
    return f"{100 * change.share:+.1f} %".replace("-", "−").replace("+0.0", "±0").replace("−0.0", "±0")


def apart(run: Run) -> str:
    """Which measures are not compared with the baseline, and why; empty where all are."""
    told = run.against.incomparable if run.against else {}
    return " ".join(f"{title(name)} is not compared: {why}." for name, why in told.items() if name in run.metrics)


def passed_of(cases: Iterable[CaseResult]) -> list[float]:
    """For each case the share of its answers that passed."""
    by_id: dict[str, list[bool]] = {}
    for case in cases:
        by_id.setdefault(case.id, []).append(case.passed)
    return [fmean(answers) for answers in by_id.values()]


def got_worse(run: Run) -> list[str]:
    """Ids of cases that a grader which says yes or no marks lower than in the baseline."""
    compared = run.against.metrics if run.against else {}
    return list(dict.fromkeys(case for name in RATES if name in compared for case in compared[name].worse))


def got_better(run: Run) -> list[str]:
    """The same, marked higher."""
    compared = run.against.metrics if run.against else {}
    return list(dict.fromkeys(case for name in RATES if name in compared for case in compared[name].better))


def faults(case: CaseResult) -> list[tuple[str, str]]:
    """What is wrong with a case: metric and reason, of graders that say yes or no."""
    return [(name, case.scores[name].reason) for name in RATES if name in case.scores and case.scores[name].score < 1]


def got(case: CaseResult) -> str:
    """What came back, in a line."""
    return flat(f"error: {case.error}" if case.error else f"{'refused: ' * case.refused}{said(case)}")


def said(case: CaseResult | Kept) -> str:
    """What was answered, in prose and in fields."""
    return "\n".join(filter(None, [case.answer, spelled(case.fields)]))


def summary(run: Run) -> str:
    """One sentence: how many cases passed, failed, ended in an error, got worse or wait for review."""
    passed = sum(case.passed for case in run.cases)
    errors = sum(bool(case.error) for case in run.cases)
    parts = [f"{passed} of {len(run.cases)} {'answers' if run.repeat > 1 else 'cases'} passed"]
    if run.repeat > 1:
        parts.append(f"each of {run.asked} cases was asked {run.repeat} times")
    if errors:
        parts.append(f"{errors} ended in an error")
    if run.resumed:
        parts.append(f"{run.resumed} were taken over from a run that was cut off")
    if run.calls == "replayed":
        parts.append("recorded answers were replayed")
    if run.unreviewed:
        parts.append(f"{len(run.unreviewed)} wait for review and were not asked")
    if run.against:
        parts.append(f"{len(got_worse(run))} worse and {len(got_better(run))} better than in {run.against.baseline}")
    return f"{'; '.join(parts)} ({run.id}, {run.seconds:.1f} s)."
