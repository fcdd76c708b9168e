"""Cases written by a model from the indexed documents; what it says stands in a passage is looked up there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ...application import QUESTION_MAX_CHARACTERS, Application
from ...errors import UsageError
from ...governance.principal import Principal
from ...guardrails import fence
from ...observability import Call, calling
from ...observability.calls import EVALUATION
from ...retrieval import Passage
from ..dataset import TEXT_MAX_CHARACTERS, Case, Expected
from ..graders import holds
from .draft import UNREVIEWED, named, topic
from .indexed import Indexed, in_turn

PROMPT = "draft"
EACH = 2
"""Cases that are asked for of a passage."""
LEAST_CHARACTERS = 200
"""Shorter passages are not worth a question."""


_Text = Annotated[str, Field(max_length=TEXT_MAX_CHARACTERS)]


class _Written(BaseModel):
    """A case as the model writes it: what the prompt asks for."""

    question: str = Field(min_length=1, max_length=QUESTION_MAX_CHARACTERS)
    answer: _Text = ""
    must_include: list[_Text]


_REPLY = TypeAdapter(list[_Written])


@dataclass(frozen=True)
class _Asked:
    """A passage that a case is wanted from, and somebody who may see it."""

    caller: Principal
    passage: Passage


async def write(
    application: Application, indexed: Indexed, there: set[str], count: int, progress: Callable[[str], None]
) -> list[Case]:
    """Cases from as many passages as ``count`` cases take, of one document in turn; ``there`` are the ids in use.

    A passage that has cases already is not asked about again. A ``must_include`` that does not stand in the passage is
    dropped, and so is a case that nothing is left of. ``progress`` is told what became none, in a sentence each.
    Raises ``UsageError`` where the role is answered offline.
    """
    passages = (_passages(caller, passages) for caller, passages in indexed.documents())
    cases: list[Case] = []
    for asked in in_turn(passages, -(-count // EACH)):
        passage = asked.passage
        ids = [named("model", passage.source, passage.text, str(number)) for number in range(EACH)]
        if there.isdisjoint(ids):
            written = await _ask(application, asked, progress)
            kept = [case for id_, each in zip(ids, written, strict=False) if (case := _case(id_, each, asked))]
            if dropped := len(written) - len(kept):
                progress(f"{passage.id}: {dropped} of {len(written)} cases say what does not stand there; dropped.")
            cases += kept
    return cases[:count]


def _passages(caller: Principal, passages: list[Passage]) -> list[_Asked]:
    return [_Asked(caller, passage) for passage in passages if len(passage.text) >= LEAST_CHARACTERS]


async def _ask(application: Application, asked: _Asked, progress: Callable[[str], None]) -> list[_Written]:
    passage, caller = asked.passage, asked.caller
    prompt = application.prompts.render(PROMPT, passage.language, passages=fence([passage]), cases=EACH)
    if application.models.describe(prompt.role).provider == "offline":
        raise UsageError(
            f"The offline model that answers the role {prompt.role!r} writes no cases; leave --model out, or configure "
            "a language model in config/models.yaml."
        )
    model = application.models.get(prompt.role, prompt.parameters)
    with calling(Call(caller.id, EVALUATION, tuple(sorted(caller.groups)))):
        reply = await model.ainvoke(prompt.messages, config={"metadata": prompt.metadata})
    try:
        return _read(reply)
    except ValidationError:
        progress(f"{passage.id}: what the model wrote is no list of cases; left out.")
        return []


def _read(reply: AIMessage) -> list[_Written]:
    """The list in a reply, whatever stands round it: models put it between marks, or explain it."""
    start, end = reply.text.find("["), reply.text.rfind("]")
    return _REPLY.validate_json(reply.text[start : end + 1])[:EACH]


def _case(id_: str, written: _Written, asked: _Asked) -> Case | None:
    """The case, with what stands in the passage and not in the question; None where there is nothing of the kind."""
    passage = asked.passage
    literal = [
        each
        for each in written.must_include
        if each.strip() and holds(passage.text, each) and not holds(written.question, each)
    ]
    if not literal:
        return None
    return Case(
        id=id_,
        question=written.question,
        caller=asked.caller.id,
        locale=passage.language,
        expected=Expected(answer=written.answer, must_include=[*literal], sources=[passage.source]),
        tags=topic(passage.source),
        source=f"draft:{passage.source}",
        review=UNREVIEWED,
    )
