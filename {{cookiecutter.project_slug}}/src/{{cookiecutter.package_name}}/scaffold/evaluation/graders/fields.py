"""Whether the fields of a structured answer are right."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from ..dataset import Case
from .observed import Observation, Score, unanswered, verdict
from .text import fold


def label(case: Case, observed: Observation) -> Score | None:
    """1 where the field ``label`` is the expected one; the mean is the accuracy of a classifier."""
    if not case.expected.label:
        return None
    if observed.answer is None:
        return unanswered(observed)
    got = observed.answer.fields.get("label")
    return verdict("" if _same(got, case.expected.label) else f"label: {got!r} instead of {case.expected.label!r}")


def fields(case: Case, observed: Observation) -> Score | None:
    """Share of the expected fields that have the expected value; fields that nobody expected are not looked at."""
    expected = case.expected.fields
    if not expected:
        return None
    if observed.answer is None:
        return unanswered(observed)
    got = observed.answer.fields
    wrong = [name for name, value in expected.items() if name not in got or not _same(got[name], value)]
    told = [f"{name}: {got[name]!r} instead of {expected[name]!r}" if name in got else f"no {name}" for name in wrong]
    return Score(score=1 - len(wrong) / len(expected), reason="; ".join(told))


def spelled(fields: Mapping[str, JsonValue]) -> str:
    """Fields for people to read, one a line."""
    values = {
        name: each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for name, each in fields.items()
    }
    return ";\n".join(f"{name}: {value}" for name, value in values.items())


def _same(got: JsonValue, wanted: JsonValue) -> bool:
    """Texts whatever their typography, numbers by value; true is not 1."""
    if isinstance(got, str) and isinstance(wanted, str):
        return fold(got) == fold(wanted)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(_same, got, wanted))
    if isinstance(got, dict) and isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(_same(got[name], wanted[name]) for name in wanted)
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)
