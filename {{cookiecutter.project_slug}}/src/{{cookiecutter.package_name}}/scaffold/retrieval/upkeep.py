"""Work on the embedded index while the service answers: the service has it, so the service is asked.

A command files a request in the state database and follows it; the service's ``Desk`` takes each request once, and does
it in its own process, beside the searches. Where the service ends in between, the command does the work itself.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Self

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from ..errors import IndexBusy, ScaffoldError
from ..state import sync_requests as table
from .index import Index
from .leases import RENEW_SECONDS, Leases, Tell, database_clock, new_holder, shown

log = logging.getLogger(__name__)

INDEX = "index"
"""The lease of the process that serves from an embedded index."""
POLL_SECONDS = 0.3
STOP_SECONDS = 10.0
"""How long a service that stops waits for work under way to leave off."""
FRESH_SECONDS = 60.0
"""A request that nobody took for so long is taken by nobody: whoever filed it may be gone."""
KEPT_SECONDS = 7 * 24 * 3600.0
LINES = 500
"""Lines of progress that are kept for whoever follows."""

Work = Callable[[dict[str, Any], Tell], dict[str, Any]]
"""From what was asked, and whom to tell of progress, to what came of it; both fit into JSON."""


class Requests:
    """What is asked of the service, in the state database: ``asked``, ``running``, then ``done`` or ``failed``.

    Or ``withdrawn`` by who asked, ``stopped`` by a service that was told to end, ``lost`` with one that died.
    """

    def __init__(self, state: Engine) -> None:
        self._state, self._reading = state, state.execution_options(reading=True)

    def file(self, kind: str, arguments: Mapping[str, Any]) -> int:
        """Ask; the number to follow it by."""
        with self._state.begin() as connection:
            now = database_clock(connection)
            connection.execute(delete(table).where(table.c.asked_at < now - KEPT_SECONDS))
            asked = json.dumps({"kind": kind, "arguments": dict(arguments)})
            values = {"asked": asked, "asked_at": now, "status": "asked", "progress": "[0, []]", "outcome": ""}
            key = connection.execute(insert(table).values(values)).inserted_primary_key
        assert key is not None  # noqa: S101  every insert of one row has one
        return int(key[0])

    def claim(self, holder: str) -> tuple[int, str, dict[str, Any]] | None:
        """The oldest request that nobody took, which is ``holder``'s from now on: number, kind and arguments."""
        open_ = select(table.c.id).where(table.c.status == "asked")
        with self._reading.connect() as connection:  # nearly always there is none, and nobody is kept waiting
            if connection.execute(open_.limit(1)).first() is None:
                return None
        with self._state.begin() as connection:
            old = table.c.asked_at < database_clock(connection) - FRESH_SECONDS
            connection.execute(update(table).where(table.c.status == "asked", old).values(status="withdrawn"))
            row = connection.execute(open_.add_columns(table.c.asked).order_by(table.c.id).limit(1)).first()
            if row is None or not self._move(connection, row.id, "asked", status="running", outcome=holder):
                return None
        asked = json.loads(row.asked)
        return row.id, asked["kind"], asked["arguments"]

    def look(self, number: int) -> Any:
        """The request: its ``status``, ``progress`` and ``outcome``; while it runs, the latter names who has it."""
        with self._reading.connect() as connection:
            return connection.execute(select(table).where(table.c.id == number)).one()

    def move(self, number: int, before: str, **values: str) -> bool:
        """Change a request that is ``before``; whether it was."""
        with self._state.begin() as connection:
            return self._move(connection, number, before, **values)

    def _move(self, connection: Any, number: int, before: str, **values: str) -> bool:
        mine = update(table).where(table.c.id == number, table.c.status == before)
        return bool(connection.execute(mine.values(values)).rowcount)


def entrust(
    index: Index, state: Engine, kind: str, arguments: dict[str, Any], tell: Tell, work: Work
) -> dict[str, Any]:
    """What comes of ``work``, done by the service where one has the index, else here.

    Raises as ``work`` does, wherever it was done.
    """
    if holder := index.leases.holder(INDEX):
        requests = Requests(state)
        tell(f"asking   the service ({shown(holder)}), which has the index")
        outcome = _follow(requests, index.leases, requests.file(kind, arguments), tell)
        if outcome is not None:
            return outcome
        tell("alone    the service did not get through with it; this command goes on by itself")
        index.versions.live(now=True)
    return work(arguments, tell)


def _follow(requests: Requests, leases: Leases, number: int, tell: Tell) -> dict[str, Any] | None:
    """What came of a request; None where nobody is going to finish it, and nobody will begin."""
    told, patience = 0, time.monotonic() + FRESH_SECONDS
    while True:
        holder, request = leases.holder(INDEX), requests.look(number)
        count, lines = json.loads(request.progress)
        if count - told > len(lines):
            tell(f"…        {count - told - len(lines)} more")
        for line in lines[max(0, len(lines) - (count - told)) :]:
            tell(line)
        told = count
        if request.status == "done":
            outcome: dict[str, Any] = json.loads(request.outcome)
            return outcome
        if request.status == "failed":
            said = json.loads(request.outcome)
            failure = ScaffoldError(said["error"])
            failure.exit_code = said["exit_code"]
            raise failure
        late = holder is None or time.monotonic() > patience
        if request.status == "asked" and late and requests.move(number, "asked", status="withdrawn"):
            return None
        if request.status == "running" and request.outcome != holder:
            requests.move(number, "running", status="lost")
        if request.status in ("lost", "stopped", "withdrawn"):
            return None
        time.sleep(POLL_SECONDS)


class Desk:
    """Does what is asked of the service that has an embedded index; a ``with`` block, on a thread of its own.

    Of several services one has the lease and does it all. An index on a server needs none: commands open it themselves.
    """

    def __init__(self, index: Index, state: Engine, works: Mapping[str, Work]) -> None:
        """``works``: by kind of request."""
        self._index, self._requests, self._works = index, Requests(state), works
        self._mine, self._stop = new_holder(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        working: list[threading.Thread] = []
        mine, due = False, 0.0
        while not self._stop.is_set():
            try:
                if time.monotonic() >= due:
                    mine, due = self._have(), time.monotonic() + RENEW_SECONDS
                if mine and (request := self._requests.claim(self._mine)):
                    # Each on its own thread: a new index may take hours to fill, and the live one is synced meanwhile.
                    working.append(threading.Thread(target=self._do, args=request, daemon=True))
                    working[-1].start()
                    continue
            except SQLAlchemyError as error:
                log.warning("requests cannot be looked for: %s", str(error).splitlines()[0])
            self._stop.wait(POLL_SECONDS)
        until = time.monotonic() + STOP_SECONDS
        for thread in working:
            thread.join(max(0.0, until - time.monotonic()))
        with suppress(SQLAlchemyError):  # it ends by its time
            self._index.leases.give_back(INDEX, self._mine)

    def _have(self) -> bool:
        if self._index.embedded:
            return self._index.leases.take(INDEX, self._mine) is None
        self._index.leases.give_back(INDEX, self._mine)
        return False

    def _do(self, number: int, kind: str, arguments: dict[str, Any]) -> None:
        log.info("asked for %s %s", kind, arguments)
        progress = _Progress(self._requests, number, self._stop)
        try:
            outcome = self._works[kind](arguments, progress.tell)
            progress.write()
            self._requests.move(number, "running", status="done", outcome=json.dumps(outcome))
        except _Stopped:
            self._requests.move(number, "running", status="stopped")
        except Exception as error:  # whatever it is, somebody waits to be told
            if isinstance(error, ScaffoldError):
                said, code = str(error), error.exit_code
            else:
                log.exception("%s failed", kind)
                said, code = f"The service failed ({type(error).__name__}); its log says more.", 1
            with suppress(SQLAlchemyError, IndexBusy):
                progress.write()
            failed = json.dumps({"error": said, "exit_code": code})
            self._requests.move(number, "running", status="failed", outcome=failed)


class _Stopped(BaseException):
    """The service is to end; no work catches this."""


class _Progress:
    """The lines that whoever asked is told, written now and then."""

    def __init__(self, requests: Requests, number: int, stop: threading.Event) -> None:
        self._requests, self._number, self._stop = requests, number, stop
        self._lines: deque[str] = deque(maxlen=LINES)
        self._count, self._written = 0, 0.0

    def tell(self, line: str) -> None:
        """Add a line. Ends the work where the service stops, or where whoever asked gave the service up."""
        if self._stop.is_set():
            raise _Stopped
        self._lines.append(line)
        self._count += 1
        if time.monotonic() - self._written >= POLL_SECONDS:
            self.write()

    def write(self) -> None:
        """Raises ``IndexBusy`` where the request is no longer this service's."""
        self._written = time.monotonic()
        progress = json.dumps([self._count, list(self._lines)])
        if not self._requests.move(self._number, "running", progress=progress):
            raise IndexBusy("Whoever asked for this took the service for dead, and does it without.")
