"""The seam that every control of a model call hangs on: a chat model round a chat model.

``Governed`` delegates everything. A control of one concern subclasses it and returns, per call, a ``Passage``: what it
does before the call, with the answer or each piece of it, and at the end however that came about. The same passage
serves plain and streamed, sync and async calls. Controls stack: one run appears in traces, because each calls the next
one's protected methods, as langchain's own base class does with a vendor's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, cast

from langchain_core.caches import BaseCache
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManagerForLLMRun,
    Callbacks,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding, RunnableParallel, RunnableSequence
from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field

from .shape import Shaped

_metadata: ContextVar[Mapping[str, Any]] = ContextVar("run_metadata")


def run_metadata() -> Mapping[str, Any]:
    """Metadata of the run that the current model call belongs to, for example the prompt's name and digest."""
    return _metadata.get({})


class _NoteMetadata(BaseCallbackHandler):
    """Keeps the run's metadata for the controls: langchain hands a model its run manager in plain calls only."""

    run_inline = True  # in the caller's own context, so that what is set here is seen by the call that follows
    raise_error = True

    def on_chat_model_start(self, serialized: Any, messages: Any, *, metadata: Any = None, **kwargs: Any) -> None:
        _metadata.set(metadata or {})


def _note_metadata() -> Callbacks:
    return [_NoteMetadata()]


class Passage:
    """One call on its way through one control. This one changes nothing."""

    def __init__(self, messages: list[BaseMessage]) -> None:
        self.messages = messages
        """What goes further in."""
        self.options: dict[str, Any] = {}
        """What goes further in beside the call's own options."""

    def answered(self, result: ChatResult) -> ChatResult:
        """The whole answer of a plain call, on its way out."""
        return result

    def piece(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """One piece of a streamed answer, on its way out."""
        return chunk

    def complete(self) -> list[ChatGenerationChunk]:
        """The stream has ended without an error; what is still held back goes out now."""
        return []

    def ended(self, error: BaseException | None) -> None:
        """The call is over. ``error`` is ``GeneratorExit`` or a cancellation where the caller went away half-way."""

    async def aended(self, error: BaseException | None) -> None:
        """``ended`` for async calls; to be overridden where it waits for a disk or a network."""
        self.ended(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ended(error)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aended(error)


class Governed(BaseChatModel):
    """A chat model round ``inner``; itself it only delegates."""

    inner: BaseChatModel = Field(repr=False)
    # Below the run manager is never handed on: the outermost model reports the run, and a vendor's would report it a
    # second time, with what the controls have not yet restored. And a cache would answer without any control.
    cache: BaseCache | bool | None = Field(default=False, exclude=True)
    callbacks: Callbacks = Field(default_factory=_note_metadata, exclude=True)

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """What this control does with one call; ``options`` are the call's own, such as ``model`` or ``tools``."""
        return Passage(messages)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self.passage(messages, kwargs) as passage:
            return passage.answered(self.inner._generate(passage.messages, stop, None, **{**kwargs, **passage.options}))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async with self.passage(messages, kwargs) as passage:
            return passage.answered(
                await self.inner._agenerate(passage.messages, stop, None, **{**kwargs, **passage.options})
            )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with self.passage(messages, kwargs) as passage:
            stream = cast("Any", self.inner._stream(passage.messages, stop, None, **{**kwargs, **passage.options}))
            with closing(stream):  # an abandoned stream closes all the way in, now
                for chunk in stream:
                    yield passage.piece(chunk)
            yield from passage.complete()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with self.passage(messages, kwargs) as passage:
            stream = cast("Any", self.inner._astream(passage.messages, stop, None, **{**kwargs, **passage.options}))
            async with aclosing(stream):
                async for chunk in stream:
                    yield passage.piece(chunk)
            for chunk in passage.complete():
                yield chunk

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools in the vendor's own format, called through this model."""
        options = kwargs if tool_choice is None else dict(kwargs, tool_choice=tool_choice)
        bound = self._through_here(self.inner.bind_tools(tools, **options))
        return cast("Runnable[LanguageModelInput, AIMessage]", bound)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Structured output the vendor's own way, called through this model.

        An answer that does not fit a pydantic ``schema`` raises ``ModelUnreadable``, which names the fields; a schema
        in JSON is the vendor's to keep, and is not checked again. The call has its one audit record: as answered, for
        the model did answer and is paid, or as failed where the vendor's own client reads the answer by the schema
        (OpenAI's does), which then asks a fallback too. With ``include_raw`` the parser's error is part of the result.
        """
        chain = self._structured(schema, include_raw=include_raw, **kwargs)
        return Shaped(chain, whole=isinstance(schema, type) and not include_raw)

    def _structured(self, schema: dict[str, Any] | type, **kwargs: Any) -> Runnable[Any, Any]:
        inner = self.inner
        build = inner._structured if isinstance(inner, Governed) else inner.with_structured_output
        return self._through_here(build(schema, **kwargs))

    def _through_here(self, runnable: Runnable[Any, Any]) -> Runnable[Any, Any]:
        """The same chain with ``inner`` replaced by this model, wherever it is."""
        through = replaced(runnable, self.inner, self)
        if through is runnable:
            raise TypeError(f"{type(self.inner).__name__} built a chain that would go round the controls.")
        return through

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return self.inner._get_ls_params(stop=stop, **kwargs)

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return self.inner._identifying_params

    @property
    def _llm_type(self) -> str:
        return self.inner._llm_type


def replaced(runnable: Runnable[Any, Any], old: BaseChatModel, new: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The same chain with ``old`` replaced by ``new``, wherever it is."""
    if runnable is old:
        return new
    if isinstance(runnable, RunnableBinding):
        bound = replaced(runnable.bound, old, new)
        return runnable if bound is runnable.bound else runnable.model_copy(update={"bound": bound})
    if isinstance(runnable, RunnableSequence):
        steps = [replaced(step, old, new) for step in runnable.steps]
        changed = any(after is not before for after, before in zip(steps, runnable.steps, strict=True))
        return RunnableSequence(*steps, name=runnable.name) if changed else runnable
    if isinstance(runnable, RunnableParallel):
        branches = {name: replaced(branch, old, new) for name, branch in runnable.steps__.items()}
        changed = any(branches[name] is not branch for name, branch in runnable.steps__.items())
        return RunnableParallel(branches) if changed else runnable
    return runnable
