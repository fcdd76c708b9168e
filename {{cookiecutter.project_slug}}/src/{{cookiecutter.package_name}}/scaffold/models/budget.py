"""Control: what a call may cost is reserved before it goes out, and settled afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from pydantic import Field, SkipValidation

from ..observability import current_call
from .audited import Seen
from .governed import Governed, Passage
from .request import in_thread, outcome_of
from .settings import ModelEntry
from .spending import Spending, book, tokens

OVERHEAD = 16
"""Tokens that a vendor puts round each message, at most."""

LONGEST = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")
"""What the longest answer is called in a call's own options, by one vendor or another."""


class Budgeted(Governed):
    """Lets a call through where every budget has room for the most it can cost; else ``LimitReached``."""

    spending: SkipValidation[Spending] = Field(repr=False)
    entry: ModelEntry
    role: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Reserves on its way in, for that may wait for a disk."""
        return _Reserved(messages, self, options)


class _Reserved(Seen):
    def __init__(self, messages: list[BaseMessage], control: Budgeted, options: Mapping[str, Any]) -> None:
        super().__init__(messages)
        self._spending, self._entry = control.spending, control.entry
        self._booking = book(control.entry, control.role, options.get("model", control.entry.model))
        self._most = most(control.entry, messages, options, control.spending.limits.file.assumed_output_tokens)
        self._number: int | None = None
        call = current_call.get()  # here, since a call may be settled in a thread that knows of none
        self._meter = call.meter if call else None

    def __enter__(self) -> Self:
        self._number = self._spending.reserve(self._entry, self._booking, self._most)
        return self

    async def __aenter__(self) -> Self:
        return await in_thread(self.__enter__, self._give_back)

    def _give_back(self) -> None:
        self.usage = tokens(0, 0)
        self.ended(asyncio.CancelledError())

    def ended(self, error: BaseException | None) -> None:
        assert self._number is not None  # noqa: S101 - it was entered, or it would not end
        self._spending.settle(
            self._number, self._entry, self._booking, outcome_of(error), self.usage, error, self._meter
        )

    async def aended(self, error: BaseException | None) -> None:
        # Shielded, for a cancelled call has its cost too; in this context, which knows whose call it is.
        await asyncio.shield(asyncio.to_thread(self.ended, error))


def most(entry: ModelEntry, messages: list[BaseMessage], options: Mapping[str, Any], assumed: int) -> UsageMetadata:
    """The most tokens that a call can use: as many to read as it has bytes, for no token is shorter than one.

    To write: the longest answer that the call, the model's entry or, where neither says, the limits allow. Pictures
    given by their address are not counted; what they cost is known when the call is settled.
    """
    if entry.kind == "embedding":
        return tokens(sum(len(message.text.encode()) for message in messages), 0)
    read = (
        OVERHEAD
        + _bytes({name: options[name] for name in options if name != "request"})
        + sum(OVERHEAD + _bytes(_sent(message)) for message in messages)
    )
    return tokens(read, longest(entry, options, assumed))


def longest(entry: ModelEntry, options: Mapping[str, Any], assumed: int) -> int:
    """Tokens that may be written: what the call, the model's entry or, where neither says, the limits allow."""
    named = [options[name] for name in LONGEST if isinstance(options.get(name), int)]
    most: int = (max(named, default=None) or entry.max_tokens or assumed) * (options.get("n") or 1)
    return most


def _sent(message: BaseMessage) -> list[Any]:
    return [message.content, message.tool_calls if isinstance(message, AIMessage) else None]


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, default=str).encode(errors="replace"))
