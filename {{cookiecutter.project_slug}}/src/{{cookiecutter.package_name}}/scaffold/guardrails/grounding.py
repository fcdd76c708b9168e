"""How much of an answer its passages support."""

from __future__ import annotations

from collections.abc import Sequence


def support(answer: str, passages: Sequence[str]) -> float:
    """Share of the answer's sentences whose content words occur in one passage."""
    raise NotImplementedError
