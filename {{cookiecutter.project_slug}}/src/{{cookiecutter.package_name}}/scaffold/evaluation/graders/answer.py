"""Whether what was answered is what should have been."""

from __future__ import annotations

from ..dataset import Case
from .fields import fields, label
from .numbers import number
from .observed import Observation, Score, unanswered, verdict
from .text import holds


def correctness(case: Case, observed: Observation) -> Score | None:
    """1 where the answer is all that the case demands, else 0.

    It holds every text that it must and none that it must not, the number, the label and the fields.
    """
    if case.expected.refusal:
        return None
    if observed.answer is None:
        return unanswered(observed)
    text = observed.answer.answer
    wordings = [[item] if isinstance(item, str) else item for item in case.expected.must_include]
    missing = [" or ".join(any_of) for any_of in wordings if not any(holds(text, wording) for wording in any_of)]
    wrong = [item for item in case.expected.must_not_include if holds(text, item)]
    others = [score.reason for grader in (number, label, fields) if (score := grader(case, observed))]
    return verdict(
        f"missing: {', '.join(missing)}" if missing else "",
        f"must not hold: {', '.join(wrong)}" if wrong else "",
        *others,
    )
