"""Records that broke the contract of their source: set aside as they came, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, insert, select, update

from ..state import quarantine as table
from .connectors import Entry


def set_aside(state: Engine, origin: str, entry: Entry) -> None:
    """Keep ``entry`` with its reason; how often it was set aside is counted."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    values = {"reason": entry.problem, "payload": entry.payload, "last_at": now}
    with state.begin() as connection:
        known = update(table).where(table.c.origin == origin, table.c.id == entry.id)
        if not connection.execute(known.values(**values, attempts=table.c.attempts + 1)).rowcount:
            connection.execute(insert(table).values(origin=origin, id=entry.id, first_at=now, attempts=1, **values))


def release(state: Engine, records: Iterable[tuple[str, str]]) -> None:
    """Forget these records (source, id), which are indexed now."""
    with state.execution_options(reading=True).connect() as connection:
        held = {(row.origin, row.id) for row in connection.execute(select(table.c.origin, table.c.id))}
    if good := held.intersection(records):
        with state.begin() as connection:
            for origin, record in good:
                connection.execute(delete(table).where(table.c.origin == origin, table.c.id == record))
