"""Whether the answer is well formed, whatever it says."""

from __future__ import annotations

import re

from pydantic import BaseModel, ValidationError

from ..dataset import Case
from .observed import Grade, Observation, Score, unanswered, unique, verdict

_MARKERS = re.compile(
    r'</?passages|\bfence="|\bNO_ANSWER\b|^\s*\[\d+\] source: .*\|'  # ours, round and in front of passages
    r"|«[A-Z_]+_\d+»"  # a placeholder for personal data that nobody restored
    r"|<\|\w+\|>|\[/?INST\]|<</?SYS>>",  # models' own marks of who is speaking
    re.MULTILINE,
)


def well_formed(_: Case, observed: Observation) -> Score:
    """1 where the answer is not empty, its [n] and its citations are the same, and no mark of the prompt is in it."""
    if observed.answer is None:
        return unanswered(observed)
    text, fields = observed.answer.answer, observed.answer.fields
    named = {int(number) for number in re.findall(r"\[(\d{1,3})\]", text)}
    cited = {citation.number for citation in observed.answer.citations}
    marks = unique(match[0].strip() for match in _MARKERS.finditer(observed.told))
    return verdict(
        "" if text.strip() or fields else "the answer is empty",
        _listed("names a citation that is not there", named - cited),
        # fields need no prose that could name what they rest on
        "" if fields else _listed("has a citation that it does not name", cited - named),
        f"holds a mark of the prompt: {', '.join(marks)}" if marks else "",
    )


def shaped(shape: type[BaseModel]) -> Grade:
    """A grader that says whether the fields of an answer fit ``shape``; a refusal has none."""

    def shape_of_fields(_: Case, observed: Observation) -> Score | None:
        if observed.answer is None:
            return unanswered(observed)
        if observed.answer.refused:
            return None
        try:
            shape.model_validate(observed.answer.fields)
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, each['loc'])) or 'fields'}: {each['msg']}" for each in error.errors())
            return verdict(*wrong)
        return Score(score=1)

    return shape_of_fields


def _listed(fault: str, numbers: set[int]) -> str:
    return f"{fault}: {', '.join(f'[{number}]' for number in sorted(numbers))}" if numbers else ""
