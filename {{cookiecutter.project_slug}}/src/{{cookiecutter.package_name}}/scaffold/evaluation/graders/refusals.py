"""Whether what has an answer is answered, what has none refused, and nothing ends in an error."""

from __future__ import annotations

from ..dataset import Case
from .observed import Observation, Score, unanswered


def refusal(case: Case, observed: Observation) -> Score | None:
    """For a question that must be refused: 1 where it was."""
    if not case.expected.refusal:
        return None
    if observed.answer is None:
        return unanswered(observed)
    return Score(score=1) if observed.answer.refused else Score(score=0, reason="answered, a refusal was expected")


def answered(case: Case, observed: Observation) -> Score | None:
    """For a question that has an answer: 1 where the caller was not refused."""
    if case.expected.refusal:
        return None
    if observed.answer is None:
        return unanswered(observed)
    return Score(score=0, reason="refused, an answer was expected") if observed.answer.refused else Score(score=1)


def completed(_: Case, observed: Observation) -> Score:
    """1 where asking ended without an error."""
    return unanswered(observed) if observed.answer is None else Score(score=1)
