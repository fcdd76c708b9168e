"""Review: a person who knows the matter approves a case, corrects it, or rejects it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ...errors import UsageError
from ...governance.principal import Directory
from ..dataset import Case, load_cases
from ..graders import holds
from .indexed import Indexed
from .lines import change

SHOWN = 3
"""Passages of a document that are shown where none holds what is looked for."""


class Changes(BaseModel):
    """What a reviewer may write anew; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    question: str | None = None
    caller: str | None = None
    locale: str | None = None
    tags: list[str] | None = None
    answer: str | None = Field(default=None, description="Of expected, as the next ones are.")
    must_include: list[str | list[str]] | None = None
    must_not_include: list[str] | None = None
    sources: list[str] | None = None
    refusal: bool | None = None


@dataclass(frozen=True)
class Shown:
    """A passage to review a case by."""

    source: str
    title: str
    section: str
    updated: str | None
    text: str


def waiting(path: Path) -> list[Case]:
    """The cases that nobody has reviewed, in the file's order. Raises ``ConfigurationError`` as ``load_cases`` does."""
    return [case for case in load_cases(path) if case.review.state == "unreviewed"]


def approve(path: Path, id_: str, by: str, directory: Directory) -> Case:
    """Have the case count from now on: ``by`` stands behind it.

    Raises ``UsageError`` where the case could not be asked, accepts any answer, or looks for what it names no document
    of; then it stays as it is.
    """

    def approved(raw: dict[str, Any]) -> dict[str, Any]:
        case = Case.model_validate(raw)
        directory.get(case.caller)
        if not case.expected.demands:
            raise UsageError(f"Case {id_!r} accepts any answer; edit it, and say what must be in the answer.")
        if (case.expected.must_include or case.expected.number) and not case.expected.sources:
            raise UsageError(f"Case {id_!r} names no document that its answer stands in; edit it, and fill in sources.")
        return raw | {"review": _signed("reviewed", by)}

    return change(path, id_, approved)


def reject(path: Path, id_: str, by: str) -> Case:
    """Have the case never count; it stays in the file, so that it is not drafted again."""
    return change(path, id_, lambda raw: raw | {"review": _signed("rejected", by)})


def reset(path: Path, id_: str) -> Case:
    """Have the case wait for review again."""
    return change(path, id_, lambda raw: raw | {"review": {"state": "unreviewed"}})


def edit(path: Path, id_: str, changes: Changes) -> Case:
    """Write the case anew; it waits for review then. Raises ``ConfigurationError`` where what comes of it is none."""
    given = changes.model_dump(exclude_none=True)
    outer = {name: given.pop(name) for name in ("question", "caller", "locale", "tags") if name in given}

    def edited(raw: dict[str, Any]) -> dict[str, Any]:
        return raw | outer | {"expected": raw["expected"] | given, "review": {"state": "unreviewed"}}

    return change(path, id_, edited)


def passages_of(indexed: Indexed, case: Case) -> list[Shown]:
    """What the case's sources say about it, as its caller may see it: the passages that hold what is looked for."""
    caller = next((each for each in indexed.callers if each.id == case.caller), None)
    if caller is None:
        return []
    wordings = [each for item in case.expected.must_include for each in ([item] if isinstance(item, str) else item)]
    shown = []
    for source in case.expected.sources:
        passages = indexed.passages(source, caller)
        telling = [passage for passage in passages if any(holds(passage.text, each) for each in wordings)]
        shown += [Shown(p.source, p.title, p.section, p.updated, p.text) for p in (telling or passages)[:SHOWN]]
    return shown


def _signed(state: str, by: str) -> dict[str, str]:
    if not by.strip():
        raise UsageError("Say who reviews: --by NAME.")
    return {"state": state, "by": by.strip(), "on": datetime.now(UTC).date().isoformat()}
