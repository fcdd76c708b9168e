"""Control: a role sends no more a minute than ``config/limits.yaml`` allows, all replicas together."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any, Self

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field, SkipValidation

from ..errors import LimitReached, RateLimited
from ..observability import Telemetry
from ..observability.names import MODEL_WAITS
from .audited import Seen
from .budget import longest
from .faults import unbilled
from .governed import Governed, Passage
from .limits import WHERE, Limits, RoleLimits
from .rates import Rates, Room
from .request import Pace, Request, in_thread
from .settings import ModelEntry

CHARACTERS = 4
"""Of a token, as a rule of thumb for English (OpenAI, "What are tokens and how to count them?")."""

SPREAD = 0.5
"""Seconds, at most, by which those who wait for the same room come at different times."""


class Rated(Governed):
    """Sends a call once its role has room for it, if that is before the deadline; else ``RateLimited``."""

    rates: SkipValidation[Rates] = Field(repr=False)
    limits: SkipValidation[Limits] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    pace: SkipValidation[Pace]
    entry: ModelEntry
    role: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Waits on its way in; costs nothing where the role has no rate."""
        if _rated(self.limits.role(self.role)):
            return _Counted(messages, self, options)
        return Passage(messages)

    def estimate(self, messages: list[BaseMessage], options: Mapping[str, Any], limits: RoleLimits) -> int:
        """Tokens that a call may use: a fourth of its characters, and its longest answer.

        Of that no more than a tenth of what a minute allows, or a generous ``max_tokens`` would leave the role idle; a
        longer answer is counted once it is there. Pictures and sounds are counted then as well.
        """
        sent = [options[name] for name in sorted(options) if name != "request"]
        sent += [message.tool_calls for message in messages if isinstance(message, AIMessage) and message.tool_calls]
        text = sum(len(message.text) for message in messages)
        text += sum(len(json.dumps(each, ensure_ascii=False, default=str)) for each in sent)
        read = math.ceil(text / CHARACTERS)
        if self.entry.kind == "embedding":
            return read
        written = longest(self.entry, options, self.limits.file.assumed_output_tokens)
        return read + min(written, math.ceil((limits.tokens_per_minute or 0) / 10))


class _Counted(Seen):
    def __init__(self, messages: list[BaseMessage], control: Rated, options: Mapping[str, Any]) -> None:
        super().__init__(messages)
        self._control, self._options = control, options
        self._request: Request = options["request"]
        self._began = control.pace.now()
        self._room: Room | None = None
        self._estimate = 0

    def __enter__(self) -> Self:
        while wait := self._take():
            self._control.pace.sleep(wait)
        return self

    async def __aenter__(self) -> Self:
        while wait := await in_thread(self._take, self._give_back):
            await self._control.pace.asleep(wait)
        return self

    def _take(self) -> float:
        """Count the call; else the seconds to wait before the next try. The limits may have changed since the last."""
        control = self._control
        limits = control.limits.role(control.role)
        if not _rated(limits):
            return 0.0
        self._estimate = control.estimate(self.messages, self._options, limits)
        if limits.tokens_per_minute is not None and self._estimate > limits.tokens_per_minute:
            raise RateLimited(
                f"This call may use {self._estimate} tokens, more than roles.{control.role}.tokens_per_minute of "
                f"{WHERE} allows in a whole minute ({limits.tokens_per_minute}); nothing was sent. Ask for less, or "
                "raise it there."
            )
        room = control.rates.take(control.role, self._estimate, limits)
        wait = room.wait + SPREAD * control.pace.random() if room.wait else 0.0
        if wait and wait >= self._request.left():
            raise RateLimited(_full(control.role, limits, room.wait), after=room.wait)
        if not wait:
            self._room = room
            control.telemetry.observe(MODEL_WAITS, control.pace.now() - self._began, role=control.role, reason="rate")
        return wait

    def _give_back(self) -> None:
        if self._room is not None:
            self._control.rates.settle(self._control.role, self._room, -1, -self._estimate)

    def ended(self, error: BaseException | None) -> None:
        """Put the real usage in place of the estimate, as far as it is known."""
        if isinstance(error, LimitReached):  # a control further in held it back
            self._give_back()
        elif self._room is not None and (self.usage or (error is not None and unbilled(error))):
            used = self.usage["total_tokens"] if self.usage else 0
            self._control.rates.settle(self._control.role, self._room, 0, used - self._estimate)

    async def aended(self, error: BaseException | None) -> None:
        # Shielded, for a cancelled call has used its tokens too.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.ended, error))


def _rated(limits: RoleLimits) -> bool:
    return limits.requests_per_minute is not None or limits.tokens_per_minute is not None


def _full(role: str, limits: RoleLimits, wait: float) -> str:
    allowed = " and ".join(
        f"{value} {what}"
        for what, value in (("calls", limits.requests_per_minute), ("tokens", limits.tokens_per_minute))
        if value
    )
    return (
        f"The role {role!r} is at its rate: {WHERE} allows {allowed} a minute, and there is room again in "
        f"{math.ceil(wait)} seconds, later than this call can wait; nothing was sent. Try again then, or raise "
        f"roles.{role} there."
    )
