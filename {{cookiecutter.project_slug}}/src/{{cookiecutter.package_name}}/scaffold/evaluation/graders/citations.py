"""Whether the answer cites what it should."""

from __future__ import annotations

from ..dataset import Case
from .observed import Observation, Score, share, unanswered


def citation_precision(case: Case, observed: Observation) -> Score | None:
    """Share of the cited sources that are expected ones; an answer without citations scores 0.

    Precision: Manning, Raghavan, Schütze (2008), section 8.3, over sources. A refusal cites nothing and is graded by
    ``answered``.
    """
    if not case.expected.sources:
        return None
    if observed.answer is None:
        return unanswered(observed)
    if observed.answer.refused:
        return None
    if not observed.cited:
        return Score(score=0, reason="nothing cited")
    return share(observed.cited, case.expected.sources, "cited beside the point")


def citation_recall(case: Case, observed: Observation) -> Score | None:
    """Share of the expected sources that are cited (Manning, Raghavan, Schütze 2008, section 8.3)."""
    if not case.expected.sources:
        return None
    if observed.answer is None:
        return unanswered(observed)
    return share(case.expected.sources, observed.cited, "not cited")
