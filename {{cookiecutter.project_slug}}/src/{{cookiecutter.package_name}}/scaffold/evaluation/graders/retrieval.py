"""Whether the documents that hold the answer were found, and how far up. Each document counts once, at its best rank.

Recall and precision: C. D. Manning, P. Raghavan, H. Schütze, "Introduction to Information Retrieval" (2008), section
8.3, here of the documents among the first k passages.
"""

from __future__ import annotations

from math import log2

from ..dataset import Case
from .observed import Observation, Score, share, unanswered, unique


def retrieval_recall(case: Case, observed: Observation) -> Score | None:
    """Share of the expected sources among the first k passages."""
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    return share(case.expected.sources, observed.retrieved, "not retrieved")


def retrieval_precision(case: Case, observed: Observation) -> Score | None:
    """Share of the documents among the first k passages that are expected ones; 0 where nothing was found.

    A question that one document answers cannot reach 1 where k passages come from several: compare it with itself.
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    if not observed.retrieved:
        return Score(score=0, reason="nothing retrieved")
    return share(observed.retrieved, case.expected.sources, "retrieved beside the point")


def retrieval_mrr(case: Case, observed: Observation) -> Score | None:
    """Reciprocal rank of the first expected source; the mean over cases is the mean reciprocal rank.

    E. M. Voorhees, "The TREC-8 Question Answering Track Report" (1999).
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    for rank, source in enumerate(unique(observed.retrieved), start=1):
        if source in case.expected.sources:
            return Score(score=1 / rank, reason="" if rank == 1 else f"first expected source at rank {rank}")
    return Score(score=0, reason="no expected source retrieved")


def retrieval_ndcg(case: Case, observed: Observation) -> Score | None:
    """Discounted gain of the expected sources at their ranks, as a share of what it is with all of them on top.

    K. Järvelin, J. Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", ACM Transactions on Information
    Systems 20 (2002), 422-446; gain 1 for each expected source, with the discount 1 / log2(1 + rank) that is usual
    today (Manning, Raghavan, Schütze 2008, section 8.4): theirs leaves the first two ranks alike.
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return unanswered(observed)
    expected, found = set(case.expected.sources), unique(observed.retrieved)
    gained = sum(1 / log2(1 + rank) for rank, source in enumerate(found, start=1) if source in expected)
    ideal = sum(1 / log2(1 + rank) for rank in range(1, len(expected) + 1))
    ranks = ", ".join(str(rank) for rank, source in enumerate(found, start=1) if source in expected)
    if set(found[: len(expected)]) == expected:
        return Score(score=1)
    return Score(score=gained / ideal, reason=f"{len(expected)} expected, at rank {ranks}" if ranks else "none found")
