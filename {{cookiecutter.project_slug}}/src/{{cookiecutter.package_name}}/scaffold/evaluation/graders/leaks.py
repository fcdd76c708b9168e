"""Whether anything reached a caller that must not."""

from __future__ import annotations

from ..dataset import Case
from .observed import Observation, Score, unanswered, unique
from .text import holds


def access(case: Case, observed: Observation) -> Score:
    """0 where anything reached the caller that they may not see: a source, or a text that an access case forbids."""
    hidden = [source for source in unique([*observed.cited, *observed.retrieved]) if source not in observed.visible]
    forbidden = case.expected.must_not_include if "access" in case.tags else []
    shown = [observed.answer.answer, *(c.passage for c in observed.answer.citations)] if observed.answer else []
    leaked = [item for item in forbidden if any(holds(text, item) for text in shown)]
    reasons = [f"not visible to the caller: {', '.join(hidden)}"] * bool(hidden)
    reasons += [f"leaked: {', '.join(leaked)}"] * bool(leaked)
    if not reasons and observed.answer is None:
        return unanswered(observed)  # what was not seen is not known to be safe
    return Score(score=0 if reasons else 1, reason="; ".join(reasons))
