"""What happened to the system as a whole, in the table ``events``: gates, accepted periods, drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from ..state import events

GATE = "gate"
"""A gate was decided: ``stage``, ``passed``."""
ACCEPTED = "drift accepted"
"""Answers were accepted as the reference: ``since``, ``until``, ``answers``."""
DRIFT = "drift"
"""Other features drift than did before: ``features``; none where it is over."""


@dataclass(frozen=True)
class Event:
    """One row."""

    at: datetime
    kind: str
    details: Mapping[str, Any]


def record(state: Engine, kind: str, details: Mapping[str, Any]) -> None:
    """Write that it happened now."""
    row = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": kind, "details": dict(details)}
    with state.begin() as connection:
        connection.execute(insert(events).values(row))


def latest(state: Engine, kind: str) -> Event | None:
    """The newest of its kind."""
    query = select(events).where(events.c.kind == kind).order_by(events.c.id.desc()).limit(1)
    with state.connect() as connection:
        row = connection.execute(query).first()
    return Event(datetime.fromisoformat(row.at), row.kind, row.details) if row else None


def every(state: Engine) -> list[Event]:
    """All of them, oldest first."""
    with state.connect() as connection:
        rows = connection.execute(select(events).order_by(events.c.at, events.c.id)).all()
    return [Event(datetime.fromisoformat(row.at), row.kind, row.details) for row in rows]
