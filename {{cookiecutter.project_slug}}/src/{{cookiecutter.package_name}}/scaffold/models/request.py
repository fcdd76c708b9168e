"""One request on its way: how long it has, and every attempt to have it answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from ..errors import LimitReached, ModelsStopped, PolicyViolation, RateLimited
from .governed import Governed, Passage
from .settings import ModelInfo

ANSWERED_BY = "answered_by"
"""Key of a reply's ``response_metadata``: ``provider/model`` of the model that wrote it, which may be a fallback."""


REFUSALS = {PolicyViolation: "denied", ModelsStopped: "stopped", RateLimited: "throttled", LimitReached: "limited"}

T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """Clock, waiting and chance; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.time
    """Seconds since 1970: what replicas agree on."""


@dataclass(frozen=True)
class Attempt:
    """The request put to one model, once. ``seconds`` until it ended, ``error`` the class of what went wrong."""

    info: ModelInfo
    outcome: str
    error: str | None
    seconds: float


@dataclass
class Request:
    """Goes inwards through the controls of one call as its option ``request``, and never to a vendor."""

    seconds: float
    now: Callable[[], float]
    attempts: list[Attempt] = field(default_factory=list)
    cached: ModelInfo | None = None
    """Who wrote the answer, where it came from the cache."""
    replayed: bool = False
    """Whether a recording answered in the vendor's place."""

    def __post_init__(self) -> None:
        self._ends = self.now() + self.seconds

    def left(self) -> float:
        """Seconds until the deadline; negative behind it."""
        return self._ends - self.now()

    @property
    def writer(self) -> ModelInfo | None:
        """The model that answered, or was asked last; None where nothing was asked."""
        return self.attempts[-1].info if self.attempts else self.cached

    def outcome(self, error: BaseException | None) -> str:
        """``outcome_of``, or ``cached`` or ``replayed`` where the answer came from the cache or from a recording."""
        if error is None and (self.cached or self.replayed):
            return "cached" if self.cached else "replayed"
        return outcome_of(error)


def outcome_of(error: BaseException | None) -> str:
    """``answered``, ``failed``, ``abandoned`` (the caller went away); and where nothing was sent ``denied`` (by the
    policy), ``stopped`` (by the kill switch), ``limited`` (by a budget), ``throttled`` (by a rate or a full queue).
    """
    if error is None:
        return "answered"
    for kind, outcome in REFUSALS.items():
        if isinstance(error, kind):
            return outcome
    return "failed" if isinstance(error, Exception) else "abandoned"


async def in_thread(work: Callable[[], T], undo: Callable[[], None]) -> T:
    """What ``work`` answers, in a thread, for it waits for a disk; undone where the call is cancelled meanwhile."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        if working.exception() is None:
            await asyncio.shield(asyncio.to_thread(undo))
        raise


class Attempted(Governed):
    """Notes each attempt in the request, and in each answer who wrote it."""

    info: ModelInfo

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Starts the clock."""
        return _Noted(messages, options["request"], replace(self.info, model=options.get("model", self.info.model)))


class _Noted(Passage):
    def __init__(self, messages: list[BaseMessage], request: Request, info: ModelInfo) -> None:
        super().__init__(messages)
        self._request, self._info, self._began, self._signed = request, info, request.now(), False

    def answered(self, result: ChatResult) -> ChatResult:
        for generation in result.generations:
            self._sign(generation.message)
        return result

    def piece(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        if not self._signed:  # once: joining pieces joins their texts
            self._sign(chunk.message)
        return chunk

    def _sign(self, message: BaseMessage) -> None:
        message.response_metadata = {**message.response_metadata, ANSWERED_BY: self._info.label}
        self._signed = True

    def ended(self, error: BaseException | None) -> None:
        name = type(error).__name__ if isinstance(error, Exception) else None
        seconds = self._request.now() - self._began
        self._request.attempts.append(Attempt(self._info, outcome_of(error), name, seconds))
