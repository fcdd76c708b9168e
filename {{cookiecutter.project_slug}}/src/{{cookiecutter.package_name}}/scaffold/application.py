"""The parts of the scaffold, put together once, and the door through which every question goes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from langchain_core.embeddings import Embeddings
from sqlalchemy import Engine

from .answers import Answers, features
from .config import Settings
from .errors import ConfigurationError, UsageError
from .governance import AuditLog, Policy
from .governance.principal import Principal
from .guardrails import redact
from .live import Live
from .models import Models
from .observability import Call, Telemetry, calling, current_call
from .observability.calls import Meter
from .observability.names import CONFIG_REFUSED, CONFIG_RELOADS, REQUEST_SECONDS, REQUESTS
from .observability.settings import load_drift
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
    live: Live
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
    answers: Answers

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
        outer = current_call.get()
        meter = Meter(outer.meter if outer else None)
        searched = outer.searched if outer else {}
        call = Call(caller.id, channel, tuple(sorted(caller.groups)), name_of(self.usecase), meter, searched=searched)
        with (
            self.telemetry.span("answer", **{"app.channel": channel}),
            calling(call),
            self.live.pinned(),  # prompt, model and parameters of one answer are of one version of the files
        ):
            outcome = "error"
            try:
                answer = await self.usecase.ask(question, caller)
                spent = time.perf_counter() - started
                await asyncio.to_thread(self._record, call, caller, question, answer, spent, **_trace(answer))
                outcome = "refused" if answer.refused else "answered"
                took = {"cost": meter.dollars, "seconds": round(time.perf_counter() - started, 6)}
                return answer.model_copy(update={"usage": answer.usage.model_copy(update=took)})
            except BaseException as error:  # a cancelled request, too, leaves its record
                spent = time.perf_counter() - started
                await asyncio.to_thread(self._record, call, caller, question, None, spent, error=type(error).__name__)
                raise
            finally:
                self.telemetry.count(REQUESTS, outcome=outcome, channel=channel)
                self.telemetry.observe(REQUEST_SECONDS, time.perf_counter() - started, channel=channel)

    def _record(
        self, call: Call, caller: Principal, question: str, answer: Answer | None, seconds: float, **fields: object
    ) -> None:
        # Digests rather than texts: the log proves what was said without keeping what people asked.
        asked = _sha256(redact(question))
        self.audit.append("answer", question_sha256=asked, **fields)
        outcome = "error" if answer is None else "refused" if answer.refused else "answered"
        self.answers.put(
            outcome,
            call,
            caller.locale,
            answer,
            features(call, answer, question, self.index.language(question), seconds),
            question_sha256=asked,
            answer_sha256=_sha256(answer.answer) if answer else None,
        )

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
    live = Live(lambda file, outcome: _tell(telemetry, file, outcome))
    audit = AuditLog.open(settings, state, redact)
    policy = Policy(settings, live.apart())  # a stricter policy holds at once, whatever is wrong elsewhere
    models = Models(settings, policy, audit, telemetry, state, live=live)
    prompts = Prompts(settings, live)
    live.check(lambda: _fit(prompts, models))
    parts = Parts(
        settings=settings,
        live=live,
        state=state,
        telemetry=telemetry,
        audit=audit,
        policy=policy,
        models=models,
        prompts=prompts,
        index=Index.open(settings, state, Embedding(models), telemetry, live),
    )
    days = load_drift(settings).keep_days
    return Application(**vars(parts), usecase=usecase(parts), answers=Answers(state, days))


@dataclass(frozen=True)
class Embedding:
    """The models that stand in for the role ``embed``, for the index."""

    models: Models

    def named(self) -> str:
        """The one that ``config/models.yaml`` names now."""
        return self.models.named()

    def get(self, name: str) -> Embeddings:
        """The one of that name."""
        return self.models.embeddings(use=name)


def _fit(prompts: Prompts, models: Models) -> None:
    """Raise ``ConfigurationError`` where a prompt asks for a role or a parameter that the models do not have."""
    mistakes = [
        f"{source.where(*field)}: {said}."
        for source in prompts.sources
        if source.asks  # a prompt that names neither may be for any role
        for field, said in models.misfits(source.role, source.parameters)
        if field[0] != "parameters" or source.file.parameters is not None  # told where they stand
    ]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes[:5]))


def _tell(telemetry: Telemetry, file: str, outcome: str) -> None:
    for each in ("loaded", "refused"):  # both from the start, so that a first increase is seen as one
        telemetry.count(CONFIG_RELOADS, each == outcome, file=file, outcome=each)
    telemetry.observe(CONFIG_REFUSED, outcome == "refused", file=file)


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
