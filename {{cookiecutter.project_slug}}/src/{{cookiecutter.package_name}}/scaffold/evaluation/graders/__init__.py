"""Graders: pure functions from a case and what was observed to a score in 0..1 with its reason.

A grader answers ``None`` where the case does not ask its question. A case that ended in an error scores 0 wherever it
would have been asked: an answer that never came is not left out of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..dataset import Case
from .answer import correctness
from .citations import citation_precision, citation_recall
from .custom import FAILED, custom, shape_of
from .fields import fields, label, spelled
from .form import shaped, well_formed
from .grounded import groundedness
from .leaks import access, personal_data
from .numbers import number
from .observed import Grade, Observation, Score, unique
from .refusals import answered, completed, refusal
from .retrieval import retrieval_mrr, retrieval_ndcg, retrieval_precision, retrieval_recall
from .text import fold, holds
from .toxicity import WORDS, read_words, toxicity
from .wording import exact_match, token_f1

__all__ = [
    "ACROSS",
    "FAILED",
    "GRADED",
    "MEASURES",
    "NAMED",
    "RATES",
    "SHARES",
    "WORDS",
    "Grade",
    "Observation",
    "Score",
    "access",
    "answered",
    "citation_precision",
    "citation_recall",
    "completed",
    "correctness",
    "custom",
    "exact_match",
    "fields",
    "fold",
    "grade",
    "groundedness",
    "holds",
    "label",
    "number",
    "personal_data",
    "read_words",
    "refusal",
    "retrieval_mrr",
    "retrieval_ndcg",
    "retrieval_precision",
    "retrieval_recall",
    "shape_of",
    "shaped",
    "spelled",
    "token_f1",
    "toxicity",
    "unique",
    "well_formed",
]

RATES: Mapping[str, Grade] = {
    "correctness": correctness,
    "number": number,
    "label": label,
    "answered": answered,
    "refusal": refusal,
    "access": access,
    "personal_data": personal_data,
    "completed": completed,
}
"""Graders that say yes or no: their means are rates with an interval, and a case passes where all of them say yes."""

SHARES: Mapping[str, Grade] = {
    "fields": fields,
    "exact_match": exact_match,
    "token_f1": token_f1,
    "groundedness": groundedness,
    "citation_precision": citation_precision,
    "citation_recall": citation_recall,
    "retrieval_recall": retrieval_recall,
    "retrieval_precision": retrieval_precision,
    "retrieval_mrr": retrieval_mrr,
    "retrieval_ndcg": retrieval_ndcg,
    "format": well_formed,
}
"""Graders that say how much, or whose no is worth a look and not yet a failed case: they count by their means only."""

NAMED = ("toxicity", "shape")
"""The same, where the project has a list of words, and the suite names a shape of the fields."""

ACROSS = ("parity",)
"""What is known of several cases together; it counts by its mean only, over pairs."""

GRADED = (*RATES, *SHARES, *NAMED, *ACROSS)
"""Names of all scores that a threshold can demand, beside those of a suite's own graders."""

MEASURES: Mapping[str, str] = {"latency": "s", "cost": "USD", "input_tokens": "tokens", "output_tokens": "tokens"}
"""What is measured beside them, with its unit: less is better."""


def grade(case: Case, observed: Observation, more: Mapping[str, Grade] | None = None) -> dict[str, Score]:
    """Every score that applies to the case, by grader; ``more`` are graders of the suite."""
    scores = {name: grader(case, observed) for name, grader in {**RATES, **SHARES, **(more or {})}.items()}
    return {name: score for name, score in scores.items() if score is not None}
