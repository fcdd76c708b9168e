"""The seam of controls that put a call more than once: to the same model, or to the next."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import SkipValidation

from ..errors import ModelError
from .governed import Governed
from .request import Pace


class Try(NamedTuple):
    """To which model a call is put next, with which options, and after how many seconds."""

    model: BaseChatModel
    options: dict[str, Any]
    wait: float = 0


Tries = Generator[Try, ModelError, None]
"""Yields what to try, is sent the error that came of it, and ends, or raises, where nothing is left to try."""


class Repeated(Governed):
    """Tries until something answers. A stream is not tried again once something of it was shown, and never patched."""

    pace: SkipValidation[Pace]

    @abstractmethod
    def tries(self, options: dict[str, Any]) -> Tries:
        """What to try; ``options`` are the call's."""

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        def call(model: BaseChatModel, options: dict[str, Any]) -> Iterator[ChatResult]:
            yield model._generate(messages, stop, None, **options)

        with closing(self._run(call, kwargs)) as results:
            result: ChatResult = next(results)
            return result

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        async def call(model: BaseChatModel, options: dict[str, Any]) -> AsyncIterator[ChatResult]:
            yield await model._agenerate(messages, stop, None, **options)

        async with aclosing(self._arun(call, kwargs)) as results:
            return await anext(results)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        def call(model: BaseChatModel, options: dict[str, Any]) -> Iterator[ChatGenerationChunk]:
            return model._stream(messages, stop, None, **options)

        return self._run(call, kwargs)

    def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        def call(model: BaseChatModel, options: dict[str, Any]) -> AsyncIterator[ChatGenerationChunk]:
            return model._astream(messages, stop, None, **options)

        return self._arun(call, kwargs)

    def _run(self, call: Callable[..., Any], options: dict[str, Any]) -> Generator[Any, None, None]:
        tries = self.tries(options)
        now = next(tries)
        while True:
            if now.wait:
                self.pace.sleep(now.wait)
            held: list[Any] = []
            shown = False
            try:
                with closing(call(now.model, now.options)) as pieces:
                    for piece in pieces:
                        held.append(piece)
                        if shown := shown or _shows(piece):
                            yield from held
                            held.clear()
                yield from held
                return
            except ModelError as error:
                if shown or (following := _following(tries, error)) is None:
                    raise
            now = following

    async def _arun(self, call: Callable[..., Any], options: dict[str, Any]) -> AsyncGenerator[Any, None]:
        tries = self.tries(options)
        now = next(tries)
        while True:
            if now.wait:
                await self.pace.asleep(now.wait)
            held: list[Any] = []
            shown = False
            try:
                async with aclosing(call(now.model, now.options)) as pieces:
                    async for piece in pieces:
                        held.append(piece)
                        if shown := shown or _shows(piece):
                            for each in held:
                                yield each
                            held.clear()
                for each in held:
                    yield each
                return
            except ModelError as error:
                if shown or (following := _following(tries, error)) is None:
                    raise
            now = following


def _shows(piece: ChatResult | ChatGenerationChunk) -> bool:
    """Whether a reader sees something of it: vendors open a stream with pieces that hold nothing yet."""
    message = piece.message if isinstance(piece, ChatGenerationChunk) else None
    if not isinstance(message, AIMessageChunk):
        return True
    return bool(message.content or message.tool_call_chunks or any(message.additional_kwargs.values()))


def _following(tries: Tries, error: ModelError) -> Try | None:
    try:
        return tries.send(error)
    except StopIteration:
        return None
