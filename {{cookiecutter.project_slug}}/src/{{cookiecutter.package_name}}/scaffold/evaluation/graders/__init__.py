"""Graders: pure functions from a case and what was observed to a score in 0..1 with its reason.

A grader answers ``None`` where the case does not ask its question. A case that ended in an error scores 0 wherever it
would have been asked: an answer that never came is not left out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..dataset import Case
from .answer import correctness
from .citations import citation_precision, citation_recall
from .leaks import access
from .observed import Grade, Observation, Score, unique
from .refusals import answered, completed, refusal
from .retrieval import retrieval_mrr, retrieval_recall
from .text import fold, holds

__all__ = [
    "MEASURES",
    "RATES",
    "SHARES",
    "Grade",
    "Observation",
    "Score",
    "access",
    "answered",
    "citation_precision",
    "citation_recall",
    "completed",
    "correctness",
    "fold",
    "grade",
    "holds",
    "refusal",
    "retrieval_mrr",
    "retrieval_recall",
    "unique",
]

RATES: Mapping[str, Grade] = {
    "correctness": correctness,
    "answered": answered,
    "refusal": refusal,
    "access": access,
    "completed": completed,
}
"""Graders that say yes or no: their means are rates with an interval, and a case passes where all of them say yes."""

SHARES: Mapping[str, Grade] = {
    "citation_precision": citation_precision,
    "citation_recall": citation_recall,
    "retrieval_recall": retrieval_recall,
    "retrieval_mrr": retrieval_mrr,
}
"""Graders that say how much."""

MEASURES: Mapping[str, str] = {"latency": "s", "cost": "USD", "input_tokens": "tokens", "output_tokens": "tokens"}
"""What is measured beside them, with its unit: less is better."""


def grade(case: Case, observed: Observation) -> dict[str, Score]:
    """Every score that applies to the case, by grader."""
    scores = {name: grader(case, observed) for name, grader in {**RATES, **SHARES}.items()}
    return {name: score for name, score in scores.items() if score is not None}
