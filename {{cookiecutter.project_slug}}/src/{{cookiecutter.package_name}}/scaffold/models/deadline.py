"""Control: a request ends in time, whatever the vendor does.

``Deadline`` says when a request ends, retries and fallbacks included; ``Timed`` keeps to it, round the vendor's model.

Async calls end exactly then: the vendor's coroutine is cancelled. A thread cannot be cancelled, so sync calls wait for
the vendor in a thread of their own and leave it there: the caller goes on in time, while the thread ends with the
vendor's own timeout, which bounds its silence. A sync stream that is left behind ends at its next piece; a plain answer
that drips in without a pause keeps its thread until it is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import SkipValidation

from ..errors import ModelTimeout
from .faults import too_slow
from .governed import Governed, Passage
from .request import Pace, Request
from .settings import ModelEntry


class Deadline(Governed):
    """Starts a request. The outermost, so that everything inside belongs to it."""

    seconds: float
    pace: SkipValidation[Pace]

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """The call's option ``request``."""
        passage = Passage(messages)
        passage.options["request"] = Request(self.seconds, self.pace.now)
        return passage


class Timed(Governed):
    """Waits for an answer, or for each piece of one, ``entry.timeout`` seconds, or what the deadline leaves of them."""

    entry: ModelEntry

    def _limit(self, request: Request) -> float:
        limit = min(self.entry.timeout, request.left())
        if limit <= 0:
            raise self._late(0)  # rather than to send what nobody waits for
        return limit

    def _late(self, limit: float) -> ModelTimeout:
        return too_slow(self.entry, limit)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        request: Request = kwargs.pop("request")
        thread = _Thread()
        try:
            return cast(
                "ChatResult",
                thread.wait(
                    self._limit(request), self._late, lambda: self.inner._generate(messages, stop, None, **kwargs)
                ),
            )
        finally:
            thread.leave()

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        limit = self._limit(kwargs.pop("request"))
        try:
            async with asyncio.timeout(limit):
                return await self.inner._agenerate(messages, stop, None, **kwargs)
        except TimeoutError:  # the clock's: what a vendor's client raises was translated inside
            raise self._late(limit) from None

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        request: Request = kwargs.pop("request")
        stream = cast("Any", self.inner._stream(messages, stop, None, **kwargs))
        thread = _Thread()
        try:
            while (piece := thread.wait(self._limit(request), self._late, lambda: next(stream, None))) is not None:
                yield piece
        finally:
            thread.leave(stream.close)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        request: Request = kwargs.pop("request")
        async with aclosing(cast("Any", self.inner._astream(messages, stop, None, **kwargs))) as stream:
            while True:
                limit = self._limit(request)
                try:
                    async with asyncio.timeout(limit):  # never across a yield: it would cancel the caller
                        piece = await anext(stream, None)
                except TimeoutError:
                    raise self._late(limit) from None
                if piece is None:
                    return
                yield piece


class _Thread:
    """Where a sync call waits for a vendor; one job after the other, in the caller's context."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "model-call")
        self._context = copy_context()
        self._job: Future[Any] | None = None

    def wait(self, seconds: float, late: Callable[[float], Exception], work: Callable[[], Any]) -> Any:
        """What ``work`` returns or raises; ``late`` where that takes more than ``seconds``."""
        self._job = self._pool.submit(self._context.run, work)
        try:
            return self._job.result(seconds)
        except TimeoutError:
            raise late(seconds) from None

    def leave(self, close: Callable[[], None] | None = None) -> None:
        """Close what is open, now where nothing is under way, else as soon as the vendor lets go."""
        if close is not None:
            self._pool.submit(self._context.run, close)
        self._pool.shutdown(wait=self._job is None or self._job.done())
