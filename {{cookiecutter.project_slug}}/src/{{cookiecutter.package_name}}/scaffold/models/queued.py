"""Control: of a role, no more calls are under way at once than ``config/limits.yaml`` allows; the others wait in line.

Places are counted per process: two replicas have twice as many under way.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Self

from langchain_core.messages import BaseMessage
from pydantic import Field, SkipValidation

from ..errors import RateLimited
from ..observability import Telemetry
from ..observability.names import MODEL_WAITS
from .governed import Governed, Passage
from .limits import WHERE, Limits
from .request import Request


class Places:
    """Calls of one role that are under way in this process, sync and async, and those in line; first come first served.

    Every call is counted, so that a limit which is set or changed while they run holds for them too.
    """

    def __init__(self, limits: Limits, role: str) -> None:
        self._limits, self._role = limits, role
        self._lock = threading.Lock()
        self._line: deque[Future[None]] = deque()
        self._busy = 0
        self._took = 1.0

    @property
    def waiting(self) -> int:
        """Calls in line."""
        return len(self._line)

    @property
    def limited(self) -> bool:
        """Whether there is a limit now."""
        return self._limits.role(self._role).concurrent is not None

    def ask(self) -> Future[None]:
        """A place: done once it is there. Raises ``RateLimited`` where the line is as long as it may be."""
        place: Future[None] = Future()
        limits = self._limits.role(self._role)
        with self._lock:
            self._line.append(place)
            self._admit(limits.concurrent)
            if not place.done() and len(self._line) > limits.queue:
                self._line.remove(place)
                raise self.full(f"and {limits.queue} more wait for one of them to end (roles.{self._role}.queue)")
        return place

    def leave(self, place: Future[None], took: float | None = None) -> None:
        """Give the place back, or give up waiting for it. ``took``: seconds that the call had it."""
        most = self._limits.role(self._role).concurrent
        with self._lock:
            if place in self._line:
                self._line.remove(place)
            elif place.done() and not place.cancelled():
                self._busy -= 1
            self._took = self._took if took is None else took
            self._admit(most)

    def full(self, why: str) -> RateLimited:
        """The error of a call that gets no place; to be tried again when one like the last has come to its end."""
        return RateLimited(
            f"All {self._limits.role(self._role).concurrent} calls that roles.{self._role}.concurrent of {WHERE} "
            f"lets be under way at once are, {why}; nothing was sent. Try again later, or raise it there.",
            after=max(1.0, self._took),
        )

    def _admit(self, most: int | None) -> None:
        while self._line and (most is None or self._busy < most):
            place = self._line.popleft()
            if place.set_running_or_notify_cancel():
                self._busy += 1
                place.set_result(None)


class Queued(Governed):
    """Holds a place for the whole call, fallbacks and stream included. Waits for one until the deadline at most."""

    places: SkipValidation[Places] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    role: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Waits on its way in."""
        return _Placed(messages, self, options["request"])


class _Placed(Passage):
    def __init__(self, messages: list[BaseMessage], control: Queued, request: Request) -> None:
        super().__init__(messages)
        self._control, self._places, self._request = control, control.places, request
        self._began = request.now()

    def __enter__(self) -> Self:
        with self._waiting():
            self._place.result(self._request.left())
        return self

    async def __aenter__(self) -> Self:
        with self._waiting():
            if not self._place.done():
                async with asyncio.timeout(self._request.left()):
                    await asyncio.wrap_future(self._place)
        return self

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Gets in line; out of it again where the block, which waits, ends with an error."""
        self._place = self._places.ask()
        try:
            yield
        except TimeoutError:
            self._places.leave(self._place)
            raise self._places.full("and none of them ended before the deadline of this one") from None
        except BaseException:
            self._places.leave(self._place)
            raise
        now, role = self._request.now(), self._control.role
        if self._places.limited:
            self._control.telemetry.observe(MODEL_WAITS, now - self._began, role=role, reason="concurrent")
        self._began = now

    def ended(self, error: BaseException | None) -> None:
        self._places.leave(self._place, self._request.now() - self._began)
