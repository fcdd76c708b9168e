"""The four ways to call a model, as one: plain or streamed, sync or async."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable

Model = Runnable[LanguageModelInput, AIMessage]
Way = Callable[..., Awaitable[AIMessage]]


async def invoked(model: Model, text: LanguageModelInput, **config: Any) -> AIMessage:
    return await asyncio.to_thread(model.invoke, text, config or None)  # type: ignore[arg-type]


async def ainvoked(model: Model, text: LanguageModelInput, **config: Any) -> AIMessage:
    return await model.ainvoke(text, config or None)  # type: ignore[arg-type]


async def streamed(model: Model, text: LanguageModelInput, **config: Any) -> AIMessage:
    return await asyncio.to_thread(lambda: _sum(list(model.stream(text, config or None))))  # type: ignore[arg-type]


async def astreamed(model: Model, text: LanguageModelInput, **config: Any) -> AIMessage:
    return _sum([piece async for piece in model.astream(text, config or None)])  # type: ignore[arg-type]


def _sum(pieces: list[Any]) -> AIMessage:
    whole: AIMessageChunk = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    return whole


WAYS: list[Way] = [invoked, ainvoked, streamed, astreamed]
