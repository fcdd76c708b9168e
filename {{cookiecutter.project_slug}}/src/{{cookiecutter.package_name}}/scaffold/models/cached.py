"""Control: an answer that was given is given again to callers with the same rights, without asking a model.

Kept in memory, in this process, for as long as the role says; a changed model, prompt or policy begins anew. What is
not surely the same question, with the same rights, is asked again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

from cachetools import TTLCache
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, SkipValidation

from ..governance.policy import Policy
from ..guardrails.fencing import MARK
from ..observability import Call, current_call
from ..observability.calls import EVALUATION
from .audited import Seen
from .governed import Governed, run_metadata
from .request import ANSWERED_BY, Request
from .settings import CacheRule, ModelInfo

ENDS = frozenset({"stop", "end_turn", "stop_sequence"})
"""What vendors call the end of an answer that is whole."""

TOLD = (ANSWERED_BY, "model_provider", "model_name")
"""What an answer from the cache still says of itself; not the tokens, which were paid for once."""


@dataclass(frozen=True)
class Kept:
    """An answer, and who wrote it."""

    message: AIMessage
    info: ModelInfo


class Answers:
    """Answers by key, for threads; the one longest unused goes first."""

    def __init__(self, rule: CacheRule, now: Callable[[], float]) -> None:
        self._kept: TTLCache[str, Kept] = TTLCache(rule.entries, rule.seconds, now)
        self._turn = Lock()

    def get(self, key: str) -> Kept | None:
        """What is kept under ``key``."""
        with self._turn:
            return self._kept.get(key)

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer."""
        with self._turn:
            self._kept[key] = kept


class Cached(Governed):
    """Answers what was asked before, and keeps what is answered whole. Answers that call tools are never kept."""

    answers: SkipValidation[Answers] = Field(repr=False)
    models: list[str]
    """Digests of those that may answer."""
    policy: SkipValidation[Policy] = Field(repr=False)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        key, request = self.key(messages, stop, kwargs), kwargs["request"]
        if answer := self._again(key, request):
            return ChatResult(generations=[ChatGeneration(message=answer)])
        return self._keep(key, request, self.inner._generate(messages, stop, None, **kwargs))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        key, request = self.key(messages, stop, kwargs), kwargs["request"]
        if answer := self._again(key, request):
            return ChatResult(generations=[ChatGeneration(message=answer)])
        return self._keep(key, request, await self.inner._agenerate(messages, stop, None, **kwargs))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        key, request = self.key(messages, stop, kwargs), kwargs["request"]
        if answer := self._again(key, request):
            yield from _pieces(answer)
            return
        seen = []
        with closing(cast("Any", self.inner._stream(messages, stop, None, **kwargs))) as stream:
            for chunk in stream:
                seen.append(chunk)
                yield chunk
        if key and seen:  # and only here: the stream has come to its end
            self._keep(key, request, generate_from_stream(iter(seen)))

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        key, request = self.key(messages, stop, kwargs), kwargs["request"]
        if answer := self._again(key, request):
            for piece in _pieces(answer):
                yield piece
            return
        seen = []
        async with aclosing(cast("Any", self.inner._astream(messages, stop, None, **kwargs))) as stream:
            async for chunk in stream:
                seen.append(chunk)
                yield chunk
        if key and seen:
            self._keep(key, request, generate_from_stream(iter(seen)))

    def key(self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]) -> str | None:
        """SHA-256 of all that decides the answer, the caller's rights first; None where it may not be kept.

        Not of a message's id and token counts, which no vendor is sent, nor of the token in a fence, which is drawn
        anew for each request.
        """
        rights = rights_of(current_call.get())
        if rights is None:
            return None
        asked = [
            rights,
            self.models,
            self.policy.file.model_dump(mode="json"),
            run_metadata().get("prompt_sha256"),
            [message.model_dump(exclude={"id", "usage_metadata"}) for message in messages],
            stop,
            {name: options[name] for name in options if name != "request"},
        ]
        try:
            text = json.dumps(asked, sort_keys=True)
        except (TypeError, ValueError):  # what cannot be written down cannot be compared: it is asked each time
            return None
        return hashlib.sha256(MARK.sub(r"\1", text).encode()).hexdigest()

    def _again(self, key: str | None, request: Request) -> AIMessage | None:
        kept = self.answers.get(key) if key else None
        if kept is None:
            return None
        request.cached = kept.info
        return kept.message.model_copy(deep=True)

    def _keep(self, key: str | None, request: Request, result: ChatResult) -> ChatResult:
        seen = Seen([])
        seen.answered(result)
        message, writer = result.generations[0].message, request.writer
        whole = len(result.generations) == 1 and str(seen.finish_reason).lower() in ENDS
        if not (key and writer and whole and isinstance(message, AIMessage)):
            return result
        if not (message.tool_calls or message.invalid_tool_calls):
            told = {**(result.generations[0].generation_info or {}), **message.response_metadata}
            kept = AIMessage(
                content=message.content,
                additional_kwargs=message.additional_kwargs,
                response_metadata={
                    **{name: told[name] for name in TOLD if name in told},
                    "finish_reason": seen.finish_reason,
                    "cached": True,
                },
            )
            self.answers.put(key, Kept(kept.model_copy(deep=True), writer))
        return result


def rights_of(call: Call | None) -> list[str] | None:
    """What tells apart who may see an answer; None where that is not known, and where answers are being measured."""
    if call is None or call.groups is None or call.channel == EVALUATION:
        return None
    return sorted(call.groups)


def _pieces(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """The answer word by word, as a stream; what it says of itself comes with the last."""
    content: Any = message.content
    *parts, last = re.findall(r"\s*\S+|\s+", content) if isinstance(content, str) and content else [content]
    for part in parts:
        yield ChatGenerationChunk(message=AIMessageChunk(content=part))
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content=last,
            additional_kwargs=message.additional_kwargs,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
    )
