"""The parts of the scaffold, put together once, and the door through which every question goes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from .config import Settings
from .errors import UsageError
from .governance import AuditLog, Policy
from .governance.principal import Principal
from .guardrails import redact
from .models import Models
from .observability import Call, Telemetry, calling
from .observability.names import REQUEST_SECONDS, REQUESTS
from .prompts import Prompts
from .retrieval import Index
from .state import open_state
from .usecase import Answer, UseCase, name_of

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
        if any("\ud800" <= character <= "\udfff" for character in question):
            raise UsageError("The question holds bytes that are no UTF-8 text; write it anew.")
        if len(question) > QUESTION_MAX_CHARACTERS:
            raise UsageError(
                f"The question has {len(question)} characters; at most {QUESTION_MAX_CHARACTERS} are answered."
            )
        started = time.perf_counter()
        with (
            self.telemetry.span("answer", **{"app.channel": channel}),
            calling(Call(caller.id, channel, tuple(sorted(caller.groups)), name_of(self.usecase))),
        ):
            outcome = "error"
            try:
                answer = await self.usecase.ask(question, caller)
                await asyncio.to_thread(self._record, question, **_trace(answer))
                outcome = "refused" if answer.refused else "answered"
                return answer
            except BaseException as error:  # a cancelled request, too, leaves its record
                await asyncio.to_thread(self._record, question, error=type(error).__name__)
                raise
            finally:
                self.telemetry.count(REQUESTS, outcome=outcome, channel=channel)
                self.telemetry.observe(REQUEST_SECONDS, time.perf_counter() - started, channel=channel)

    def _record(self, question: str, **fields: object) -> None:
        # Digests rather than texts: the log proves what was said without keeping what people asked.
        self.audit.append("answer", question_sha256=_sha256(redact(question)), **fields)

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
    models = Models(settings, policy, audit, telemetry, state)
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


def _trace(answer: Answer) -> dict[str, object]:
    """What leads from an answer back to the bytes that produced it."""
    return {
        "refused": answer.refused,
        "model": answer.model,
        "prompt": answer.prompt,
        "answer_sha256": _sha256(answer.answer),
        "citations": [
            {"source": each.source, "sha256": each.sha256, "passage_sha256": _sha256(each.passage)}
            for each in answer.citations
        ],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
