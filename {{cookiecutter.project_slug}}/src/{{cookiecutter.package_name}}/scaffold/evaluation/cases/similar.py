"""When two questions are the same one in other words."""

from __future__ import annotations

from collections.abc import Sequence

from ...retrieval.quality.duplicates import jaccard

ALIKE = 0.8
"""Least share of two questions' words that is in both. Of ten words one may be another."""
LEAST = 4
"""Shorter questions are alike where they are equal only."""


def alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the words of two questions are nearly the same, in whatever order."""
    if min(len(one), len(other)) < LEAST:
        return list(one) == list(other)
    ours, theirs = (frozenset((word,) for word in words) for words in (one, other))
    return min(len(ours), len(theirs)) >= ALIKE * max(len(ours), len(theirs)) and jaccard(ours, theirs) >= ALIKE
