"""Whose call is being served, and under which trace."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import trace

EVALUATION = "evaluation"
"""The channel of questions that are asked to measure the answers."""


@dataclass
class Meter:
    """What the calls to models came to that one call from outside led to."""

    within: Meter | None = None
    """Counts all of it as well: the call that this one is part of."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    """Millionths of a US dollar: at most, where a call told no usage and counts with what was reserved for it."""
    unpriced: set[str] = field(default_factory=set)
    """Models (provider/model) that were called and whose price is not known."""
    recorded_seconds: float = 0
    """What answers took when they were recorded, as far as they were replayed."""

    def add(self, model: str, read: int, written: int, cost: int | None) -> None:
        """Count one call; ``cost`` is None where ``model`` has no known price."""
        self.calls += 1
        self.input_tokens += read
        self.output_tokens += written
        self.cost += cost or 0
        if cost is None:
            self.unpriced.add(model)
        if self.within:
            self.within.add(model, read, written, cost)

    def replayed(self, seconds: float) -> None:
        """Count what a replayed answer took when it was recorded."""
        self.recorded_seconds += seconds
        if self.within:
            self.within.replayed(seconds)

    @property
    def dollars(self) -> float | None:
        """US dollars, at most (see ``cost``); None where a price is not known."""
        return None if self.unpriced else self.cost / 1_000_000


@dataclass(frozen=True)
class Call:
    """One call from outside: the caller's id, and the channel it came through (``cli``, ``api``, ``evaluation``)."""

    caller: str
    channel: str
    groups: tuple[str, ...] | None = None
    """The caller's groups; None where they are not known, which is not the same as being in none."""
    use_case: str | None = None
    meter: Meter = field(default_factory=Meter, compare=False)
    measured: dict[str, float] = field(default_factory=dict, compare=False)
    """What the parts measured on the way, by name: kept with the answer's row, see ``answers``."""
    searched: dict[Hashable, Any] = field(default_factory=dict, compare=False)
    """What was searched for on the way, and found: who grades that need not search again, see ``Index.search``."""

    def best(self, name: str, value: float) -> None:
        """Keep ``value`` where it is the highest of this call."""
        self.measured[name] = max(value, self.measured.get(name, value))


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""The call being served; tasks and ``asyncio.to_thread`` inherit it."""


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """Serve ``call`` inside the block."""
    token = current_call.set(call)
    try:
        yield
    finally:
        current_call.reset(token)


def trace_id() -> str:
    """The current span's trace id, 32 hex digits; a fresh random one where no span is active."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else secrets.token_hex(16)
