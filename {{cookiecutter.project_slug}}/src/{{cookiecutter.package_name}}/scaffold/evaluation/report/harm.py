"""Which cases fail, the most harmful first."""

from __future__ import annotations

from collections.abc import Iterable

from ..record import CaseResult, Run, Verdict
from .words import faults, got_worse, unmet

HARMS = (
    "shows what it must not",
    "answers what it should refuse",
    "wrong",
    "not borne out by what it cites",
    "no answer",
    "in the wrong form",
)
"""What a failing case does to whoever asked, the gravest first."""

RANKED = (
    "Gravest first: leaks, answers instead of refusals, wrong answers, unsupported ones, no answer, the wrong form."
)

SHOWS = {"access", "personal_data", "toxicity"}
WRONG = {"correctness", "number", "label", "fields"}
UNSUPPORTED = {"groundedness", "citation_precision"}
INWARD = {"retrieval_recall", "retrieval_precision", "retrieval_mrr", "retrieval_ndcg", "citation_recall"}
LIKENESS = {"exact_match", "token_f1"}
"""These and ``INWARD`` do nobody harm where the answer is right."""


def harm(case: CaseResult) -> int:
    """Its place in ``HARMS``. An error is no answer, whatever graders then score."""
    if case.error:
        return HARMS.index("no answer")
    low = {name for name, score in case.scores.items() if score.score < 1}
    if low & SHOWS:
        return 0
    if "refusal" in low:
        return 1
    if case.refused:
        return HARMS.index("no answer")
    return 2 if low & WRONG else 3 if low & UNSUPPORTED else 5


def failing_cases(run: Run, verdict: Verdict) -> list[CaseResult]:
    """Cases that score below 1 on the verdict's metric, in its slice, each once and at its worst, gravest first."""
    name, label = verdict.metric, verdict.slice
    failing = [
        case
        for case in run.cases
        if name in case.scores and case.scores[name].score < 1 and (not label or label in case.labels)
    ]
    return _once(sorted(failing, key=lambda case: (harm(case), case.scores[name].score)))


def worst_cases(run: Run) -> list[CaseResult]:
    """Every case that failed, or does harm that a missed demand counts, each once, gravest first.

    Of those alike, what got worse comes first, then what is least borne out by what it cites.
    """
    worse = set(got_worse(run))

    def grave(case: CaseResult) -> tuple[int, bool, float]:
        grounded = case.scores.get("groundedness")
        return harm(case), case.id not in worse, grounded.score if grounded else 1

    return _once(sorted((case for case in run.cases if told(run, case)), key=grave))


def told(run: Run, case: CaseResult) -> list[tuple[str, str]]:
    """What is wrong with a case: metric and reason. A fault that several graders see is told once.

    Where there is no answer, it is none that the answer does not hold what it should.
    """
    if case.error:
        return [("completed", f"error: {case.error}")]
    counted = {each.metric for each in unmet(run) if each.outcome == "missed"} - INWARD - LIKENESS
    low = {name: score.reason for name, score in case.scores.items() if score.score < 1}
    found = dict(faults(case)) | {name: reason for name, reason in low.items() if name in counted}
    if "answered" in found:
        found = {name: reason for name, reason in found.items() if name not in WRONG | UNSUPPORTED}
    once = {reason: name for name, reason in reversed(found.items())}
    within = {reason for reason in once if any(reason != other and reason in other for other in once)}
    return [(name, reason) for reason, name in reversed(once.items()) if reason not in within]


def _once(cases: Iterable[CaseResult]) -> list[CaseResult]:
    found: dict[str, CaseResult] = {}
    for case in cases:
        found.setdefault(case.id, case)
    return list(found.values())
