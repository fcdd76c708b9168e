"""Whether the documents that hold the answer were found, and how far up."""

from __future__ import annotations

from ..dataset import Case
from .observed import Observation, Score, share, unanswered, unique


def retrieval_recall(case: Case, observed: Observation) -> Score | None:
    """Share of the expected sources among the first k passages.

    Recall: Manning, Raghavan, Schütze, "Introduction to Information Retrieval" (2008), section 8.3, here cut at k.
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    return share(case.expected.sources, observed.retrieved, "not retrieved")


def retrieval_mrr(case: Case, observed: Observation) -> Score | None:
    """Reciprocal rank of the first expected source among the retrieved sources, each source counted once.

    Manning, Raghavan, Schütze, "Introduction to Information Retrieval" (2008), chapter 8; the mean over cases is the
    mean reciprocal rank of E. M. Voorhees, "The TREC-8 Question Answering Track Report" (1999).
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    for rank, source in enumerate(unique(observed.retrieved), start=1):
        if source in case.expected.sources:
            return Score(score=1 / rank, reason="" if rank == 1 else f"first expected source at rank {rank}")
    return Score(score=0, reason="no expected source retrieved")
