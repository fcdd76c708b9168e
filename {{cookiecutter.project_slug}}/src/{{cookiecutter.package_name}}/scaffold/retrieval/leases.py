"""Leases: what one process at a time may do, of however many; a process that dies loses them by itself."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, extract, func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from ..errors import IndexBusy
from ..state import leases as table

log = logging.getLogger(__name__)

SECONDS = 15.0
"""How long a lease lasts that is not renewed."""
RENEW_SECONDS = 4.0
WAIT_SECONDS = 20.0
"""How long somebody waits for a lease: longer than one lasts whose holder died."""
LOOK_SECONDS = 0.1

_TAKE = text(
    "INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until) ON CONFLICT (name) DO UPDATE "
    "SET holder = excluded.holder, until = excluded.until "
    "WHERE leases.holder IN (excluded.holder, :dead) OR leases.until <= :now RETURNING holder"
)

Tell = Callable[[str], None]


def database_clock(connection: Connection) -> float:
    """Seconds since 1970, by the clock of the database's host."""
    return float(connection.execute(select(extract("epoch", func.current_timestamp()))).scalar_one())


class Lease:
    """A lease that is held."""

    def __init__(self, name: str) -> None:
        self._name, self.lost = name, threading.Event()

    def check(self) -> None:
        """Raise ``IndexBusy`` where it was lost: this process stood still for so long that another one took it."""
        if self.lost.is_set():
            raise IndexBusy(
                f"This process stood still for so long that another one took its place ({self._name}); "
                "what is done is kept, and the next sync finishes it."
            )

    def watched(self, tell: Tell) -> Tell:
        """``tell``, which ends the work that tells of its progress once the lease is lost."""

        def told(line: str) -> None:
            self.check()
            tell(line)

        return told


class Leases:
    """Leases by their names, in the state database.

    All times are those of the database's host: it does not matter how far the clocks of the processes are apart.
    """

    def __init__(self, state: Engine, clock: Callable[[Connection], float] = database_clock) -> None:
        """``clock``: the time, in seconds, as the database has it."""
        self._state, self._clock = state.execution_options(durable=False), clock
        self._reading = state.execution_options(reading=True)

    def holder(self, name: str) -> str | None:
        """Who has it now; None where nobody does."""
        with self._reading.connect() as connection:
            row = connection.execute(select(table).where(table.c.name == name)).one_or_none()
            alive = row is not None and row.until > self._clock(connection) and not _dead(row.holder)
        return str(row.holder) if row is not None and alive else None

    def take(self, name: str, holder: str) -> str | None:
        """Have it, or go on having it; who does where that is not possible."""
        with self._state.begin() as connection:
            held = connection.execute(select(table.c.holder).where(table.c.name == name)).scalar()
            now = self._clock(connection)
            dead = held if held and _dead(held) else holder
            values = {"name": name, "holder": holder, "dead": dead, "now": now, "until": now + SECONDS}
            if connection.execute(_TAKE, values).first() is not None:
                return None
            return str(connection.execute(select(table.c.holder).where(table.c.name == name)).scalar_one())

    def renew(self, name: str, holder: str) -> bool:
        """Whether ``holder`` still had it, and has it for longer now."""
        mine = (table.c.name == name) & (table.c.holder == holder)
        with self._state.begin() as connection:
            until = self._clock(connection) + SECONDS
            return bool(connection.execute(update(table).where(mine).values(until=until)).rowcount)

    def give_back(self, name: str, holder: str) -> None:
        """Let others have it at once."""
        with self._state.begin() as connection:
            connection.execute(delete(table).where(table.c.name == name, table.c.holder == holder))

    @contextmanager
    def held(self, name: str, tell: Tell = lambda line: None, wait: float | None = None) -> Iterator[Lease]:
        """Hold it for the block. Raises ``IndexBusy``, naming who has it, where that does not end within ``wait``."""
        mine, waits = new_holder(), False
        deadline = time.monotonic() + (WAIT_SECONDS if wait is None else wait)
        while other := self.take(name, mine):
            if time.monotonic() >= deadline:
                raise IndexBusy(
                    f"Another process is at work on the index ({name}: {shown(other)}); "
                    "it takes one at a time. Try again when that one is through."
                )
            if not waits:
                tell(f"waiting  for {shown(other)}, which is at work on the index")
            waits = True
            time.sleep(LOOK_SECONDS)
        lease, ended = Lease(name), threading.Event()
        renewing = threading.Thread(target=self._renew, args=(name, mine, lease, ended), daemon=True)
        renewing.start()
        try:
            yield lease
        finally:
            ended.set()
            renewing.join()
            self.give_back(name, mine)

    def _renew(self, name: str, holder: str, lease: Lease, ended: threading.Event) -> None:
        while not ended.wait(RENEW_SECONDS):
            try:
                if not self.renew(name, holder):
                    lease.lost.set()
                    return
            except SQLAlchemyError as error:  # tried again; where it lasts, the work itself fails of it
                log.warning("the lease %s was not renewed: %s", name, str(error).splitlines()[0])


def new_holder() -> str:
    """A name for one holding of this process: host, number, where that number means something, and a random part."""
    return f"{socket.gethostname()[:80]}:{os.getpid()} {_place()} {secrets.token_hex(8)}"


def shown(holder: str) -> str:
    """``host:pid``."""
    return holder.partition(" ")[0]


def _dead(holder: str) -> bool:
    """Whether the process is surely gone: one that ran where its number can be looked up from here."""
    name, place, _ = holder.split(" ")
    return place != "-" and place == _place() and not Path("/proc", name.rpartition(":")[2]).exists()


def _place() -> str:
    """Names this start of the machine and this space of process numbers, which a container has one of its own of."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: nothing is known, and leases end by their time
        return "-"
