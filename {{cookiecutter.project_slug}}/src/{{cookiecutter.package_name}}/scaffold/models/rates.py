"""How much each role sends a minute, counted for all replicas in one place: the state database, or Redis.

A sliding-window counter: what the running minute holds, and of the minute before the share that a window of 60 seconds
still covers (Julien Desgats, "How we built rate limiting capable of scaling to millions of domains", Cloudflare blog,
2017). It takes the calls of the minute before as evenly spread; in return, two minutes are all that is kept of a role.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine, text, update
from sqlalchemy.exc import SQLAlchemyError

from ..config import Settings
from ..errors import ConfigurationError, LedgerError
from ..state import model_rates
from .limits import RoleLimits

MINUTE = 60
T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """What a role sent in its newest minute, counted from 1970, and in the one before."""

    minute: int = 0
    requests: int = 0
    tokens: int = 0
    requests_before: int = 0
    tokens_before: int = 0

    def at(self, minute: int) -> Window:
        """The same seen from ``minute``; where another replica's clock is ahead, from that one's."""
        if minute <= self.minute:
            return self
        if minute == self.minute + 1:
            return Window(minute, 0, 0, self.requests, self.tokens)
        return Window(minute)

    def plus(self, minute: int, requests: int, tokens: int) -> Window:
        """With so many more, or fewer, in ``minute``, as far as that still counts."""
        if minute == self.minute:
            return replace(self, requests=max(0, self.requests + requests), tokens=max(0, self.tokens + tokens))
        if minute == self.minute - 1:
            before = max(0, self.requests_before + requests), max(0, self.tokens_before + tokens)
            return replace(self, requests_before=before[0], tokens_before=before[1])
        return self

    def wait(self, limits: RoleLimits, tokens: int, now: float) -> float:
        """Seconds until there is room for a call of so many tokens, if nobody else takes it; 0 where there is now."""
        elapsed = max(0.0, now - self.minute * MINUTE)
        return max(
            _wait(limits.requests_per_minute, self.requests, self.requests_before, 1, elapsed),
            _wait(limits.tokens_per_minute, self.tokens, self.tokens_before, tokens, elapsed),
        )


def _wait(limit: int | None, used: int, before: int, wanted: int, elapsed: float) -> float:
    """The least wait after which ``used`` and the share of ``before`` that still counts leave room for ``wanted``."""
    if limit is None:
        return 0.0
    free, fading, since = limit - wanted - used, before, 0
    if free < 0:  # not in this minute; in the next one, what it used fades in turn
        free, fading, since = limit - wanted, used, MINUTE
    until = since + (MINUTE * (1 - free / fading) if fading > free else 0)
    left = until - elapsed
    return left if left > 1e-6 else 0.0  # less is a rounding error


class Shared(Protocol):
    """Where windows are kept."""

    def change(self, role: str, decide: Callable[[Window], tuple[Window, T]]) -> T:
        """Put the window that ``decide`` answers in place of the role's, with nobody in between; what else it answers.

        Raises ``LedgerError`` where the place cannot be reached.
        """
        ...


@dataclass(frozen=True)
class Room:
    """In which minute a call was counted, or after how many seconds there may be room for it."""

    minute: int
    wait: float = 0.0


class Rates:
    """Counts calls against the limits of their roles. Clocks of replicas are taken to agree within a second or so."""

    def __init__(self, shared: Shared, clock: Callable[[], float]) -> None:
        self._shared, self._clock = shared, clock

    def take(self, role: str, tokens: int, limits: RoleLimits) -> Room:
        """Count a call of so many tokens where both limits have room for it; else nothing is counted."""
        now = self._clock()

        def decide(kept: Window) -> tuple[Window, Room]:
            window = kept.at(int(now // MINUTE))
            if wait := window.wait(limits, tokens, now):
                return window, Room(window.minute, wait)
            return window.plus(window.minute, 1, tokens), Room(window.minute)

        return self._shared.change(role, decide)

    def settle(self, role: str, room: Room, requests: int, tokens: int) -> None:
        """Add so many to what was counted in that minute, or give them back."""
        if requests or tokens:
            self._shared.change(role, lambda kept: (kept.plus(room.minute, requests, tokens), None))


class InState:
    """A row a role in the state database, changed in one transaction under the database's own lock."""

    _LOCKED = text(
        "INSERT INTO model_rates (role, minute, requests, tokens, requests_before, tokens_before) "
        "VALUES (:role, 0, 0, 0, 0, 0) ON CONFLICT (role) DO UPDATE SET role = excluded.role "
        "RETURNING minute, requests, tokens, requests_before, tokens_before"
    )

    def __init__(self, state: Engine) -> None:
        self._state = state.execution_options(durable=False)  # a rate is not worth waiting for the disk
        self._turn = threading.Lock()  # callers of this process queue here in turn, rather than race for the database

    def change(self, role: str, decide: Callable[[Window], tuple[Window, T]]) -> T:
        """As ``Shared`` says."""
        try:
            with self._turn, self._state.begin() as connection:
                kept = Window(*connection.execute(self._LOCKED, {"role": role}).one())
                window, answer = decide(kept)
                if window != kept:
                    connection.execute(update(model_rates).where(model_rates.c.role == role).values(**asdict(window)))
                return answer
        except SQLAlchemyError as error:
            raise _unusable(error, "mend the state database") from error


class InRedis:
    """A key a role in Redis, changed under its optimistic lock (WATCH; redis.io, "Transactions")."""

    def __init__(self, url: str) -> None:
        try:
            import redis  # only where it is used
        except ModuleNotFoundError:
            raise ConfigurationError(
                "APP_RATE_URL needs the package redis, which is missing; name redis among the EXTRAS of make setup."
            ) from None
        try:
            self._redis: Any = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        except ValueError as error:
            raise ConfigurationError(
                f"APP_RATE_URL is no address of a Redis ({error}); write redis://host:6379/0."
            ) from None
        self._errors = redis.RedisError
        self._turn = threading.Lock()  # as in ``InState``

    def change(self, role: str, decide: Callable[[Window], tuple[Window, T]]) -> T:
        """As ``Shared`` says."""
        key = f"{__name__.partition('.')[0]}:rate:{role}"

        def once(pipe: Any) -> T:
            stored = pipe.get(key)
            window, answer = decide(Window(*json.loads(stored)) if stored else Window())
            pipe.multi()
            pipe.set(key, json.dumps(astuple(window)), ex=3 * MINUTE)
            return answer

        try:
            with self._turn:  # tried again where another replica came in between
                answer: T = self._redis.transaction(once, key, value_from_callable=True)
                return answer
        except self._errors as error:
            raise _unusable(error, "see that APP_RATE_URL can be reached, or unset it") from error


def open_rates(settings: Settings, state: Engine, clock: Callable[[], float]) -> Rates:
    """The rates of the project, in Redis where ``APP_RATE_URL`` names one."""
    return Rates(InRedis(settings.rate_url) if settings.rate_url else InState(state), clock)


def _unusable(error: Exception, mend: str) -> LedgerError:
    return LedgerError(f"The rates of model calls cannot be counted ({str(error).splitlines()[0]}); {mend}.")
