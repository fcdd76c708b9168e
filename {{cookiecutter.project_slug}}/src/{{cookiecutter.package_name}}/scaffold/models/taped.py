"""Control: what a vendor answers is recorded, and what was recorded is answered without the vendor.

Both stand where the vendor's model does: what they see is what is sent, personal data already hidden. A chat answer is
recorded as a whole, and a stream that is replayed comes in one piece.
"""

from __future__ import annotations

import base64
import json
import time
from array import array
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding, RunnableLambda, RunnableParallel, RunnableSequence
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.json import parse_json_markdown
from pydantic import Field, SkipValidation, TypeAdapter

from .. import errors
from ..errors import ModelError, ModelUnavailable
from ..guardrails.personal_data import redact
from ..observability import current_call
from .budget import most
from .faults import NO_LOGIN, _is, unbilled
from .governed import Governed, replaced, run_metadata
from .personal_data import change_message
from .recording import Player, Recorder, Taken, request_digest, text_digest
from .refusals import refusal
from .settings import ModelEntry
from .spending import Spending, tokens

SHAPE = "recorded_shape"
"""Option that tells the tools or the schema of a call as they were given, not in one vendor's words."""

OF_THE_REQUEST = (400, 413, 422)
"""Statuses by which a vendor refuses this very request; any other is the account's fault, or the vendor's."""


class Recorded(Governed):
    """Takes down every answer of ``inner`` that comes to its end, and every refusal of the very request."""

    entry: ModelEntry
    recorder: SkipValidation[Recorder] = Field(repr=False)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        with self._take(messages, stop, kwargs) as take:
            return take.keep(self.inner._generate(messages, stop, None, **kwargs))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        with self._take(messages, stop, kwargs) as take:
            return take.keep(await self.inner._agenerate(messages, stop, None, **kwargs))

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        seen = []
        with self._take(messages, stop, kwargs) as take:
            with closing(cast("Any", self.inner._stream(messages, stop, None, **kwargs))) as stream:
                for chunk in stream:
                    seen.append(chunk)
                    yield chunk
            take.keep(generate_from_stream(iter(seen)))

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        seen = []
        with self._take(messages, stop, kwargs) as take:
            async with aclosing(cast("Any", self.inner._astream(messages, stop, None, **kwargs))) as stream:
                async for chunk in stream:
                    seen.append(chunk)
                    yield chunk
            take.keep(generate_from_stream(iter(seen)))

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Tools in the vendor's own format, and beside them as they were given."""
        options = kwargs if tool_choice is None else dict(kwargs, tool_choice=tool_choice)
        bound = self.inner.bind_tools(tools, **options)
        return self._told(bound, self.inner, _tools(tools, tool_choice, kwargs))

    def _structured(self, schema: dict[str, Any] | type, **kwargs: Any) -> Runnable[Any, Any]:
        return self._told(super()._structured(schema, **kwargs), self, _schema(schema, kwargs))

    def _told(self, chain: Runnable[Any, Any], model: BaseChatModel, shape: Any) -> Runnable[Any, Any]:
        """``chain`` with this model in place of ``model``, and in each call ``shape`` and the options it stands for."""
        told = {"shape": shape, "instead_of": sorted(_bound_options(chain, model))}
        return replaced(chain, model, self.bind(**{SHAPE: told}))

    def _take(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> _Take:
        told = kwargs.pop(SHAPE, {"shape": None, "instead_of": []})
        if self.entry.kind == "embedding":
            requests = [text_digest(self.entry, message) for message in messages]
        else:
            options = {name: value for name, value in kwargs.items() if name not in told["instead_of"]}
            requests = [request_digest(self.entry, messages, stop, options, told["shape"])]
        return _Take(self.recorder, self.entry, requests)


class _Take:
    """One call; for an embedding, of several texts."""

    def __init__(self, recorder: Recorder, entry: ModelEntry, requests: list[str]) -> None:
        self._recorder, self._entry, self._requests = recorder, entry, requests
        self._prompt, self._began = str(run_metadata().get("prompt") or ""), time.perf_counter()

    def keep(self, result: ChatResult) -> ChatResult:
        """Take down a whole answer."""
        if self._entry.kind == "embedding":
            for request, generation in zip(self._requests, result.generations, strict=True):
                self._answered(request, vector=_packed(generation.message.additional_kwargs["vector"]))
            return result
        generations = [
            {"message": _safe(each.message), "info": _plain(each.generation_info or {})} for each in result.generations
        ]
        self._answered(self._requests[0], generations=generations, beside=_plain(result.llm_output or {}))
        return result

    def _answered(self, request: str, **what: Any) -> None:
        taken = Taken(seconds=round(time.perf_counter() - self._began, 3), **what)
        self._recorder.answered(request, self._entry.info.label, self._prompt, taken)

    def __enter__(self) -> _Take:
        for request in self._requests:
            self._recorder.asked(request, self._entry.info.label)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, at: Any) -> None:
        if isinstance(error, ModelError) and self._entry.kind == "chat" and _of_the_request(error):
            said, free = redact(str(error)), unbilled(error)
            self._answered(self._requests[0], error=type(error).__name__, said=said, free=free)
        elif error is not None:
            self._recorder.failed(redact(str(error)))


class Replayed(BaseChatModel):
    """Stands for a vendor's model, which is never built. Budgets and rates are not touched; the cost is what it was."""

    entry: ModelEntry
    player: SkipValidation[Player] = Field(repr=False)
    spending: SkipValidation[Spending] = Field(repr=False)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        kwargs.pop("request").replayed = True
        info, model = self.entry.info, kwargs.get("model", self.entry.model)
        at_most = most(self.entry, messages, kwargs, self.spending.limits.file.assumed_output_tokens)
        if self.entry.kind == "embedding":
            requests = [text_digest(self.entry, message) for message in messages]
            every = [self.player.next(request, info.label, "", again=True) for request in requests]
            self._count(model, None, at_most, max(taken.seconds for taken in every))
            ended = {"finish_reason": "stop"}
            vectors = [AIMessage("", additional_kwargs={"vector": _unpacked(taken.vector)}) for taken in every]
            return ChatResult(generations=[ChatGeneration(message=each, generation_info=ended) for each in vectors])
        shape = kwargs.pop(SHAPE, {"shape": None})["shape"]
        prompt = str(run_metadata().get("prompt") or "")
        taken = self.player.next(request_digest(self.entry, messages, stop, kwargs, shape), info.label, prompt)
        answers = [AIMessage.model_validate(each["message"]) for each in taken.generations]
        told = answers[0].usage_metadata if answers else None
        self._count(model, tokens(0, 0) if taken.free else told, at_most, taken.seconds)
        if taken.error:
            raise getattr(errors, taken.error)(taken.said)
        return ChatResult(
            generations=[
                ChatGeneration(message=message, generation_info=dict(each["info"]))
                for message, each in zip(answers, taken.generations, strict=True)
            ],
            llm_output=dict(taken.beside),
        )

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        generation = self._generate(messages, stop, None, **kwargs).generations[0]
        message = cast("AIMessage", generation.message)
        chunk = AIMessageChunk(**message.model_dump(exclude={"type"}), chunk_position="last")
        yield ChatGenerationChunk(message=chunk, generation_info=generation.generation_info)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, stop, None, **kwargs):
            yield chunk

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """As recorded; nothing has to be put in a vendor's words."""
        return self.bind(**{SHAPE: {"shape": _tools(tools, tool_choice, kwargs)}})

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """The answer read by ``schema``, whichever way the vendor gave it: parsed, as a tool call or as JSON."""
        model = self.bind(**{SHAPE: {"shape": _schema(schema, kwargs)}})
        if not include_raw:
            return model | RunnableLambda(lambda message: _read(message, schema))

        def parsed(message: AIMessage) -> dict[str, Any]:
            try:
                return {"raw": message, "parsed": _read(message, schema), "parsing_error": None}
            except ValueError as error:
                return {"raw": message, "parsed": None, "parsing_error": error}

        return model | RunnableLambda(parsed)

    def _count(self, model: str, usage: UsageMetadata | None, at_most: UsageMetadata, seconds: float) -> None:
        """What the call came to, for whoever asked: as when it was recorded, see ``Spending.settle``."""
        if call := current_call.get():
            cost = self.spending.cost(self.entry, model, usage or at_most)
            counted = usage or tokens(0, 0)
            name = f"{self.entry.provider}/{model}"
            call.meter.add(name, counted["input_tokens"], counted["output_tokens"], cost)
            call.meter.replayed(seconds)

    @property
    def _llm_type(self) -> str:
        return self.entry.provider


def _of_the_request(error: ModelError) -> bool:
    """Whether the same request would be refused again. What passes, and a wrong key, is nothing to record."""
    refused = refusal(error.__cause__) if error.__cause__ else None
    if isinstance(error, ModelUnavailable) or _is(error, *NO_LOGIN):
        return False
    return refused is None or refused.status in OF_THE_REQUEST


def _safe(message: BaseMessage) -> dict[str, Any]:
    """A message for a file that goes into git: what personal data a model wrote of its own is replaced by its kind."""
    plain = AIMessage.model_validate({**message.model_dump(mode="json"), "type": "ai"})
    return change_message(plain, redact).model_dump(mode="json", exclude_defaults=True, exclude={"id"})


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    """What can be written down of what a vendor says beside its answer."""
    return cast("dict[str, Any]", json.loads(json.dumps(told, default=str)))


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()


def _unpacked(text: str) -> list[float]:
    return array("f", base64.b64decode(text)).tolist()


def _tools(tools: Sequence[Any], choice: Any, options: Mapping[str, Any]) -> Any:
    return [[convert_to_openai_tool(tool) for tool in tools], choice, dict(options)]


def _schema(schema: dict[str, Any] | type, options: Mapping[str, Any]) -> Any:
    asked = {name: value for name, value in options.items() if name != "include_raw"}
    return [schema if isinstance(schema, dict) else TypeAdapter(schema).json_schema(), asked]


def _read(message: AIMessage, schema: dict[str, Any] | type) -> Any:
    """Raises ``ValueError``, which pydantic's errors are too, where the answer does not fit."""
    found = message.additional_kwargs.get("parsed")
    if found is None:
        found = message.tool_calls[0]["args"] if message.tool_calls else parse_json_markdown(message.text)
    return found if isinstance(schema, dict) else TypeAdapter(schema).validate_python(found)


def _bound_options(chain: Runnable[Any, Any], model: BaseChatModel) -> set[str]:
    """Names of the options that are bound to ``model`` somewhere in ``chain``."""
    if isinstance(chain, RunnableBinding):
        return set(chain.kwargs) if chain.bound is model else _bound_options(chain.bound, model)
    steps: list[Any] = []
    if isinstance(chain, RunnableSequence):
        steps = chain.steps
    elif isinstance(chain, RunnableParallel):
        steps = list(chain.steps__.values())
    return set().union(*(_bound_options(step, model) for step in steps))
