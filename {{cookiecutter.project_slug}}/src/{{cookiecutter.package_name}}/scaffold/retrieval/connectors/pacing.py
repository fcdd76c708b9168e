"""Controls: a source is asked no more often than it allows, and again where that may help."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from ...errors import SourceError
from ...models.request import Pace

T = TypeVar("T")

LONGEST = 300.0
"""Seconds that a source may ask us to wait; it is left alone until the next sync where it asks for more."""
JITTER = wait_random_exponential(multiplier=0.5, max=30)
"""From zero up ("full jitter"): Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015."""


class Passing(SourceError):
    """What may be gone at the next try, not before ``after`` seconds."""

    def __init__(self, message: str, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


class Paced:
    """Puts requests to one source; any number of threads."""

    def __init__(self, per_second: float, tries: int, pace: Pace) -> None:
        """``tries``: how often one request is made at most."""
        self._gap, self._pace, self._next, self._turn = 1 / per_second, pace, 0.0, threading.Lock()
        self._retrying = Retrying(
            stop=stop_after_attempt(tries),
            wait=_wait,
            retry=retry_if_exception(_again),
            sleep=pace.sleep,
            reraise=True,
        )

    def ask(self, once: Callable[[], T]) -> T:
        """What ``once`` returns, which raises ``Passing`` where it is to be called again."""
        answer: T = self._retrying.copy()(self._in_turn, once)
        return answer

    def _in_turn(self, once: Callable[[], T]) -> T:
        with self._turn:
            now = self._pace.now()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._pace.sleep(turn - now)
        return once()


def _again(error: BaseException) -> bool:
    return isinstance(error, Passing) and error.after <= LONGEST


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return JITTER(state) + getattr(error, "after", 0.0)
