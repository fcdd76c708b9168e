"""A question whose answer was withheld, made a case by somebody who has it: the table ``answers`` keeps its digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from ...application import Application
from ...errors import Conflict, NotFound
from ...guardrails import redact
from ...state import answers
from ..dataset import Case, load_cases
from .feedback import corrected, digest
from .lines import add, asks

WITHHELD = ("refused", "error")
"""Outcomes of ``answers`` that gave the caller nothing: no document or no support, a right that was revoked, a call
that the policy or a limit stopped, or a fault. The audit log says which."""


def from_held(application: Application, path: Path, trace_id: str, question: str) -> tuple[list[Case], list[str]]:
    """Add an unreviewed case to ``path`` for the withheld answer of that trace, asked as its caller.

    Answers the case, or in a sentence why there is none: its question is there already. Raises ``NotFound`` where there
    is no such answer any more, ``Conflict`` where it was given, or to another question.
    """
    with application.state.connect() as connection:
        row = connection.execute(select(answers).where(answers.c.trace_id == trace_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no answer of the trace {trace_id!r}; look its id up in the log, and in config/drift.yaml how "
            "long answers are kept."
        )
    check_withheld(row, question)
    source = f"held:{trace_id} ({row.outcome})"
    said = redact(question.strip())
    case = corrected(application, f"held-{trace_id[:12]}", source, said, row.caller, row.locale, "")
    if added := add(path, [case]):
        return added, []
    there = next(each for each in load_cases(path) if each.id == case.id or asks(each) == asks(case))
    return [], [f"Trace {trace_id}: {row.caller} asks this in case {there.id!r} already."]


def check_withheld(row: Any, question: str) -> None:
    """Raise ``Conflict`` unless ``row`` of ``answers`` is of that very question, and of an answer that was withheld."""
    if row.outcome not in WITHHELD:
        raise Conflict(
            f"The answer of the trace {row.trace_id} was given, not withheld; if it was bad, say so with feedback."
        )
    if row.question_sha256 != digest(question):
        raise Conflict(f"The question of the trace {row.trace_id} was another; write it as it was asked.")
