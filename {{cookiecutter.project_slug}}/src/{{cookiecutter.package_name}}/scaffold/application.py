"""The parts of the scaffold, put together once, and the door through which every question goes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from .config import Settings
from .errors import ScaffoldError, UsageError
from .governance import AuditLog, Policy
from .governance.principal import Principal
from .guardrails import redact
from .models import Models
from .observability import Call, Telemetry, calling
from .observability.names import REQUESTS
from .prompts import Prompts
from .retrieval import Index
from .state import open_state
from .usecase import Answer, UseCase

QUESTION_MAX_CHARACTERS = 4000
"""Above this a question is refused before anything is searched or sent."""


@dataclass(frozen=True)
class Parts:
    """What a use case is built on."""

    settings: Settings
    state: Engine
    telemetry: Telemetry
    audit: AuditLog
    policy: Policy
    models: Models
    prompts: Prompts
    index: Index


@dataclass(frozen=True)
class Application(Parts):
    """A use case on the scaffold, ready to be asked; ``close`` it, or use it in a ``with`` block."""

    usecase: UseCase

    async def ask(self, question: str, caller: Principal, channel: str = "api") -> Answer:
        """Answer ``question`` for ``caller``: traced, counted and recorded, whatever the use case does.

        Raises ``UsageError`` for an empty or over-long question, ``ScaffoldError`` for whatever went wrong inside.
        """
        question = question.strip()
        if not question:
            raise UsageError("The question is empty; write what you want to know.")
        if len(question) > QUESTION_MAX_CHARACTERS:
            raise UsageError(
                f"The question has {len(question)} characters; at most {QUESTION_MAX_CHARACTERS} are answered."
            )
        with (
            self.telemetry.span("answer", **{"app.channel": channel}),
            calling(Call(caller=caller.id, channel=channel)),
        ):
            try:
                answer = await self.usecase.ask(question, caller)
            except ScaffoldError as error:
                self.telemetry.count(REQUESTS, outcome="error", channel=channel)
                self._record(question, caller, channel, error=type(error).__name__)
                raise
            self.telemetry.count(REQUESTS, outcome="refused" if answer.refused else "answered", channel=channel)
            self._record(
                question,
                caller,
                channel,
                refused=answer.refused,
                model=answer.model,
                prompt=answer.prompt,
                answer_sha256=_sha256(answer.answer),
                citations=[
                    {"source": c.source, "sha256": c.sha256, "passage_sha256": _sha256(c.passage)} for c in answer.citations
                ],
            )
            return answer

    def _record(self, question: str, caller: Principal, channel: str, **fields: object) -> None:
        # Digests rather than texts: the log proves what was said without keeping what people asked.
        self.audit.append("answer", caller=caller.id, channel=channel, question_sha256=_sha256(question), **fields)

    def close(self) -> None:
        """Release the index, the state database and the exporters."""
        self.index.close()
        self.state.dispose()
        self.telemetry.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_application(settings: Settings, usecase: Callable[[Parts], UseCase], service: str) -> Application:
    """Put the parts together for ``usecase``. Raises ``ConfigurationError`` for anything that is missing or wrong."""
    state = open_state(settings)
    telemetry = Telemetry.start(settings, service, redact)
    audit = AuditLog.open(settings, state, redact)
    policy = Policy(settings)
    models = Models(settings, policy, audit, telemetry)
    parts = Parts(
        settings=settings,
        state=state,
        telemetry=telemetry,
        audit=audit,
        policy=policy,
        models=models,
        prompts=Prompts(settings),
        index=Index.open(settings, state, models.embeddings(), telemetry),
    )
    return Application(**vars(parts), usecase=usecase(parts))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
