"""What people said of an answer: kept where the answer was theirs, without personal data, and made a case of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from sqlalchemy import Connection, Engine, delete, insert, select, update

from ...application import QUESTION_MAX_CHARACTERS, Application
from ...config import Strict
from ...errors import Conflict, NotFound, UsageError
from ...governance.principal import Principal
from ...guardrails import redact
from ...observability.names import FEEDBACK
from ...state import answers
from ...state import feedback as table
from ..dataset import TEXT_MAX_CHARACTERS, Case, Expected, load_cases
from ..graders import holds, unique
from .draft import UNREVIEWED
from .facts import literals
from .lines import add, asks

ANSWER_MAX_CHARACTERS, CORRECTION_MAX_CHARACTERS, REASON_MAX_CHARACTERS = 20_000, 4000, 1000
PASSAGES = 5
"""Of the question, that are looked at for what holds the correction."""

Verdict = Literal["up", "down", "corrected"]


class Given(Strict):
    """Feedback as it comes in: what was asked and answered is sent back, since only digests of it are kept."""

    trace_id: str = Field(pattern=r"^[0-9a-f]{32}$", description="The answer's.")
    verdict: Verdict = Field(description="up: good; down: bad; corrected: bad, and correction says what is right.")
    reason: str = Field(default="", max_length=REASON_MAX_CHARACTERS, description="Why, in your own words.")
    question: str = Field(max_length=QUESTION_MAX_CHARACTERS, description="As it was asked.")
    answer: str = Field(max_length=ANSWER_MAX_CHARACTERS, description="As it was answered; empty for an error.")
    correction: str = Field(default="", max_length=CORRECTION_MAX_CHARACTERS, description="What would be right.")

    @model_validator(mode="after")
    def _corrected(self) -> Given:
        if (self.verdict == "corrected") != bool(self.correction.strip()):
            raise ValueError("A correction and the verdict 'corrected' go together")
        texts = self.question + self.answer + self.reason + self.correction
        if any("\ud800" <= character <= "\udfff" for character in texts):
            raise ValueError("Half of a surrogate pair is not a character")
        return self


@dataclass(frozen=True)
class Feedback:
    """Feedback as it is kept."""

    id: int
    trace_id: str
    at: str
    caller: str
    verdict: str
    reason: str
    question: str
    answer: str
    correction: str
    case_id: str | None


def keep(application: Application, caller: Principal, given: Given) -> None:
    """Keep what ``caller`` says of an answer that they were given; a second word on it takes the place of the first.

    Raises ``NotFound`` where no such answer was given to them, ``Conflict`` where it was another question or answer.
    """
    with application.state.begin() as connection:
        check_given_to(connection, caller, given)
        connection.execute(delete(table).where(table.c.trace_id == given.trace_id, table.c.caller == caller.id))
        texts = {name: redact(getattr(given, name)) for name in ("reason", "question", "answer", "correction")}
        at = datetime.now(UTC).isoformat(timespec="seconds")
        values = {"trace_id": given.trace_id, "at": at, "caller": caller.id, "verdict": given.verdict, **texts}
        connection.execute(insert(table).values(**values))
    application.telemetry.count(FEEDBACK, verdict=given.verdict)


def check_given_to(connection: Connection, caller: Principal, given: Given) -> None:
    """Raise ``NotFound`` or ``Conflict`` unless this very answer was given to ``caller``."""
    mine = (answers.c.trace_id == given.trace_id) & (answers.c.caller == caller.id)
    row = connection.execute(select(answers).where(mine).with_for_update()).one_or_none()  # one word at a time
    if row is None:
        raise NotFound("No answer of that trace_id was given to you; send the one that came with your answer.")
    answered = row.answer_sha256 or hashlib.sha256(b"").hexdigest()  # what ended in an error was answered with nothing
    if (row.question_sha256, answered) != (digest(given.question), hashlib.sha256(given.answer.encode()).hexdigest()):
        raise Conflict("The answer of that trace_id was another; send question and answer back as they were.")


def listed(state: Engine, ids: Sequence[int] = ()) -> list[Feedback]:
    """All that was said, oldest first; with ``ids`` those alone. Raises ``UsageError`` for one that is not there."""
    query = select(*(table.c[name] for name in Feedback.__dataclass_fields__)).order_by(table.c.id)
    with state.connect() as connection:
        found = [Feedback(*row) for row in connection.execute(query.where(table.c.id.in_(ids)) if ids else query)]
    if missing := set(ids) - {each.id for each in found}:
        raise UsageError(f"There is no feedback {min(missing)}; see the numbers with 'eval feedback'.")
    return found


def from_feedback(application: Application, path: Path, ids: Sequence[int] = ()) -> tuple[list[Case], list[str]]:
    """Add an unreviewed case to ``path`` for each answer that somebody said was bad; with ``ids`` for these alone.

    Answers the cases, and in a sentence each what became none: its question is there already.
    """
    chosen = listed(application.state, ids)
    bad = [each for each in chosen if each.verdict != "up" and not each.case_id]
    passed_over = [_why_not(each) for each in chosen if ids and each not in bad]
    drafts = {each.id: _case(application, each) for each in bad}
    added = add(path, drafts.values())
    there = {asks(case): case.id for case in load_cases(path)}
    for each in bad:
        case = drafts[each.id]
        with application.state.begin() as connection:
            same = update(table).where(table.c.id == each.id)
            connection.execute(same.values(case_id=there[asks(case)]))
        if case not in added:
            passed_over.append(
                f"Feedback {each.id}: {each.caller} asks the same in case {there[asks(case)]!r} already."
            )
    return added, passed_over


def corrected(
    application: Application, id_: str, source: str, question: str, caller: str, locale: str, right: str
) -> Case:
    """An unreviewed case of a question from production; ``right`` is what a person says is right, or empty.

    It is in the language of the question; where that is not recognised, or is none of the prompts', in ``locale``, the
    caller's. What must be in the answer are the facts of ``right``; where it has none, the reviewer says what.
    """
    # redacting may have made them longer
    question, right = question[:QUESTION_MAX_CHARACTERS], right[:TEXT_MAX_CHARACTERS]
    facts = literals(right)
    asked_in = application.index.language(question)
    spoken = {prompt.file.locale for prompt in application.prompts.sources}
    return Case(
        id=id_,
        question=question,
        caller=caller,
        locale=asked_in if asked_in in spoken else locale,
        expected=Expected(answer=right, must_include=[*facts], sources=_sources(application, question, caller, facts)),
        tags=["production"],
        source=source,
        review=UNREVIEWED,
    )


def _case(application: Application, each: Feedback) -> Case:
    with application.state.connect() as connection:
        locale = connection.execute(select(answers.c.locale).where(answers.c.trace_id == each.trace_id)).scalar()
    source = f"feedback:{each.id}"
    return corrected(
        application, f"feedback-{each.id}", source, each.question, each.caller, locale or "en", each.correction
    )


def _sources(application: Application, question: str, caller: str, facts: Iterable[str]) -> list[str]:
    """Of the documents that are found for the question, those that hold every fact; none where there is no fact."""
    directory = application.index.directory
    if caller not in directory.callers or not (facts := list(facts)):
        return []
    found = application.index.search(question, directory.get(caller), PASSAGES)
    return unique(
        passage.source
        for passage in found
        if passage.status != "superseded" and all(holds(passage.text, fact) for fact in facts)
    )


def _why_not(each: Feedback) -> str:
    why = f"it became case {each.case_id!r}" if each.case_id else "the answer was good"
    return f"Feedback {each.id}: {why}."


def digest(question: str) -> str:
    """Of a question, as ``answers`` holds it."""
    return hashlib.sha256(redact(question.strip()).encode()).hexdigest()
