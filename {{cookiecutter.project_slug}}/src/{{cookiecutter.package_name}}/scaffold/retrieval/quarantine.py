"""Control: records that broke the contract of their source are set aside as they came, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine, delete, func, insert, select, update

from ..state import quarantine as table
from .connectors import Entry

AT_ONCE = 500
"""Rows that are held at a time."""


@dataclass(frozen=True)
class Held:
    """A record that is set aside. ``attempts``: how often it was looked at and broke its contract."""

    origin: str
    id: str
    reason: str
    payload: bytes
    first_at: str
    last_at: str
    attempts: int


def set_aside(state: Engine, origin: str, entries: Sequence[Entry], at: str) -> None:
    """Keep ``entries``, which have a problem, as they are at the time ``at`` (ISO 8601)."""
    with state.execution_options(durable=False).begin() as connection:
        for entry in entries:
            values = {"reason": entry.problem, "payload": entry.payload, "last_at": at}
            known = update(table).where(table.c.origin == origin, table.c.id == entry.id)
            if not connection.execute(known.values(**values, attempts=table.c.attempts + 1)).rowcount:
                connection.execute(insert(table).values(origin=origin, id=entry.id, first_at=at, attempts=1, **values))


def release(state: Engine, origin: str, records: Sequence[str]) -> int:
    """Forget these records, which are good now or not wanted; how many there were."""
    count = 0
    with state.execution_options(reading=True).connect() as connection:
        if not connection.execute(select(table.c.id).where(table.c.origin == origin).limit(1)).first():
            return 0
    for start in range(0, len(records), AT_ONCE):
        mine = (table.c.origin == origin) & table.c.id.in_(records[start : start + AT_ONCE])
        with state.execution_options(reading=True).connect() as connection:
            if not connection.execute(select(table.c.id).where(mine).limit(1)).first():
                continue  # nearly always: nothing is locked for it
        with state.execution_options(durable=False).begin() as connection:
            count += connection.execute(delete(table).where(mine)).rowcount
    return count


def settle(state: Engine, origin: str, before: str) -> None:
    """Forget what a listing of the whole source that began then did not find broken any more: mended, or gone."""
    with state.execution_options(durable=False).begin() as connection:
        connection.execute(delete(table).where(table.c.origin == origin, table.c.last_at < before))


def held(state: Engine, origin: str = "") -> Iterator[Held]:
    """What is set aside of ``origin``, or of all sources, by name; some at a time."""
    last = ("", "")
    while True:
        query = select(table).where((table.c.origin > last[0]) | ((table.c.origin == last[0]) & (table.c.id > last[1])))
        if origin:
            query = query.where(table.c.origin == origin)
        with state.execution_options(reading=True).connect() as connection:
            rows = connection.execute(query.order_by(table.c.origin, table.c.id).limit(AT_ONCE)).all()
        if not rows:
            return
        yield from (Held(*row) for row in rows)
        last = (rows[-1].origin, rows[-1].id)


def reviewed(
    state: Engine, origin: str, again: Callable[[bytes], Entry], known: Callable[[str], bool]
) -> Iterator[tuple[Entry, str]]:
    """What each record of ``origin`` is by now, and the id that it was set aside under. ``known``: ids in the index."""
    for each in held(state, origin):
        entry = again(each.payload)
        if entry.problem:
            entry = replace(entry, id=each.id)
        elif entry.id != each.id and known(entry.id):  # its id could not be read then, and is another record's
            entry = replace(entry, id=each.id, problem=each.reason, payload=each.payload)
        yield entry, each.id


def counts(state: Engine) -> Iterable[tuple[str, str, int]]:
    """How many records of each source are set aside for each reason; most first."""
    number = func.count()
    query = select(table.c.origin, table.c.reason, number).group_by(table.c.origin, table.c.reason)
    with state.execution_options(reading=True).connect() as connection:
        rows = connection.execute(query.order_by(table.c.origin, number.desc(), table.c.reason)).all()
    return [(row[0], row[1], row[2]) for row in rows]
