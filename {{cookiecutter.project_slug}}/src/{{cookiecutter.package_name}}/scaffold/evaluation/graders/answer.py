"""Whether what was answered is what should have been."""

from __future__ import annotations

from ..dataset import Case
from .observed import Observation, Score, unanswered
from .text import holds


def correctness(case: Case, observed: Observation) -> Score | None:
    """1 where the answer holds every text it must and none it must not, else 0."""
    if case.expected.refusal:
        return None
    if observed.answer is None:
        return unanswered(observed)
    text = observed.answer.answer
    wordings = [[item] if isinstance(item, str) else item for item in case.expected.must_include]
    missing = [" or ".join(any_of) for any_of in wordings if not any(holds(text, wording) for wording in any_of)]
    wrong = [item for item in case.expected.must_not_include if holds(text, item)]
    reasons = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"must not hold: {', '.join(wrong)}"] * bool(wrong)
    return Score(score=0 if reasons else 1, reason="; ".join(reasons))
