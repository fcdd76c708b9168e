"""The ledger of model calls: what each may cost is reserved before it goes out, and settled once it is known."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, Row, TextClause, bindparam, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from ..errors import LedgerError, LimitReached
from ..state import model_calls, model_spending
from .limits import MILLION, WHERE, Cap

SWEEP_EVERY = timedelta(seconds=1)
LOST_AFTER = timedelta(hours=1)
"""A reservation of this age belongs to a process that died in the midst of its call: it no longer counts."""

# Made once: building a statement takes longer than running it.
_BOOK = insert(model_calls).returning(model_calls)
_FIND = select(model_calls).where(model_calls.c.id == bindparam("number")).with_for_update()
_SETTLE = update(model_calls).where(model_calls.c.id == bindparam("number"))


@dataclass(frozen=True)
class Booking:
    """Whose call of which model."""

    role: str
    provider: str
    model: str
    caller: str | None
    channel: str | None
    use_case: str | None = None


def _clock() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Model calls and their costs, in millionths of a US dollar. Days are those of UTC.

    Each call is one transaction before and one after. The first adds the reservation to the totals of its scopes and
    then compares them with the caps, under the database's own lock: however many callers and processes there are,
    what is spent and reserved together never exceeds a cap. Raises ``LedgerError`` where the database fails.
    """

    def __init__(self, state: Engine, now: Callable[[], datetime] = _clock) -> None:
        # Not worth waiting for the disk, twice a call: a power cut may forget what the last moments cost.
        self._state, self._now = state.execution_options(durable=False), now
        self._swept = datetime.min.replace(tzinfo=UTC)
        self._turn = threading.Lock()  # callers of this process queue here in turn, rather than race for the database

    @property
    def day(self) -> str:
        """Today."""
        return self._now().date().isoformat()

    def reserve(self, booking: Booking, estimate: int | None, caps: Callable[[str], Iterable[Cap]]) -> int:
        """Count a call that is about to go out, at ``estimate``; answers the number to ``settle`` it by.

        ``caps`` answers the budgets that hold on a day. Raises ``LimitReached`` where one has no room for it, or where
        there is one and the price is unknown (``estimate`` is None); nothing is reserved then.
        """
        with self._transaction() as connection:
            at = self._now()
            day = at.date().isoformat()
            values = asdict(booking) | {"at": _stamp(at), "day": day, "cost": estimate}
            row = connection.execute(_BOOK, values | {"estimated": 1, "status": "reserved"}).one()
            sweep = at >= self._swept + SWEEP_EVERY
            changes = self._release_lost(connection, at - LOST_AFTER) if sweep else Counter[tuple[str, str]]()
            self._swept = at if sweep else self._swept
            changes.update(dict.fromkeys(_periods(row), estimate or 0))
            totals = _add(connection, changes)
            for cap in caps(day):
                self._hold(cap, booking, estimate, totals[cap.scope, cap.period])
            number: int = row.id
            return number

    def settle(self, number: int, status: str, **known: int | None) -> int | None:
        """The call is over. Without ``cost``, ``input_tokens`` and ``output_tokens`` the estimate stays.

        Answers the cost that the call counts with from now on; None where it is not known.
        """
        with self._transaction() as connection:
            row = connection.execute(_FIND, {"number": number}).one()
            values: dict[str, Any] = {"status": status} | ({**known, "estimated": 0} if known else {})
            connection.execute(_SETTLE, {"number": number} | values)
            if known:
                _add(connection, Counter(dict.fromkeys(_periods(row), (known["cost"] or 0) - (row.cost or 0))))
            cost: int | None = known["cost"] if known else row.cost
            return cost

    def spent(self, cap: Cap) -> int:
        """What is spent and reserved of a budget."""
        table = model_spending.c
        with self._transaction() as connection:
            chosen = select(table.cost).where(table.scope == cap.scope, table.period == cap.period)
            return connection.execute(chosen).scalar() or 0

    def rows(self, days: int) -> list[dict[str, Any]]:
        """Calls, tokens and cost of the last ``days`` by day, role, caller, use case and model; newest day first.

        ``unknown`` of the calls have no known cost; the cost of ``estimated`` is what was reserved.
        """
        table = model_calls.c
        since = (self._now().date() - timedelta(days=days - 1)).isoformat()
        groups = (table.day, table.role, table.caller, table.use_case, table.provider, table.model)
        query = (
            select(
                *groups,
                func.count().label("calls"),
                func.coalesce(func.sum(table.input_tokens), 0).label("input_tokens"),
                func.coalesce(func.sum(table.output_tokens), 0).label("output_tokens"),
                func.coalesce(func.sum(table.cost), 0).label("cost"),
                (func.count() - func.count(table.cost)).label("unknown"),
                func.sum(table.estimated).label("estimated"),
            )
            .where(table.day >= since)
            .group_by(*groups)
            .order_by(table.day.desc(), *groups[1:])
        )
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _hold(self, cap: Cap, booking: Booking, estimate: int | None, total: int) -> None:
        """Refuse a call with which ``total`` would be spent and reserved above the cap, unless the call is free."""
        if estimate is None:
            raise LimitReached(unpriced(booking, cap))
        if estimate and total > round(cap.dollars * MILLION):
            free = datetime.combine(ends(cap), time(), UTC)
            raise LimitReached(_full(cap, total - estimate, estimate), after=(free - self._now()).total_seconds())

    def _release_lost(self, connection: Connection, before: datetime) -> Counter[tuple[str, str]]:
        """Take what was reserved before then out of the totals; what it did cost is unknown from now on."""
        table, changes = model_calls.c, Counter[tuple[str, str]]()
        old = select(model_calls).where(table.status == "reserved", table.at < _stamp(before)).with_for_update()
        for row in connection.execute(old).all():
            lost = update(model_calls).where(table.id == row.id).values(status="lost", cost=None, estimated=0)
            connection.execute(lost)
            changes.subtract(dict.fromkeys(_periods(row), row.cost or 0))
        return changes

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._turn, self._state.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise LedgerError(
                f"The ledger of model calls cannot be used ({reason}); mend the state database."
            ) from error


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _periods(row: Row[Any]) -> list[tuple[str, str]]:
    """Every scope and period that a call counts in."""
    scopes = ["project", f"role:{row.role}", *([f"caller:{row.caller}"] if row.caller is not None else [])]
    return [(scope, period) for scope in scopes for period in (row.day, row.day[:7])]


def _add(connection: Connection, changes: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Change the totals, always in the same order so that two transactions cannot wait for each other; the new ones."""
    values: dict[str, Any] = {}
    for number, (scope, period) in enumerate(sorted(changes)):
        values |= {f"s{number}": scope, f"p{number}": period, f"c{number}": changes[scope, period]}
    rows = connection.execute(_adding(len(changes)), values)
    return {(row.scope, row.period): row.cost for row in rows}


@lru_cache
def _adding(totals: int) -> TextClause:
    rows = ", ".join(f"(:s{number}, :p{number}, :c{number})" for number in range(totals))
    return text(
        f"INSERT INTO model_spending (scope, period, cost) VALUES {rows} ON CONFLICT (scope, period) "  # noqa: S608 - names
        "DO UPDATE SET cost = model_spending.cost + excluded.cost RETURNING scope, period, cost"
    )


def unpriced(booking: Booking, cap: Cap) -> str:
    """Why a call of a model without a price is refused where there is a budget."""
    name = f"{booking.provider}/{booking.model}"
    return (
        f"No price is known for {name}, so that the budget {cap.setting} of {WHERE} cannot be held; nothing was sent. "
        f"Add it there: under prices, the line {name!r} with input_per_million and output_per_million in US dollars."
    )


def _full(cap: Cap, spent: int, estimate: int) -> str:
    return (
        f"The budget {cap.setting} of {WHERE} is reached: of {cap.dollars:.2f} USD {spent / MILLION:.4f} are spent or "
        f"reserved, and this call may cost {estimate / MILLION:.4f}; nothing was sent. It is free again on "
        f"{ends(cap)} 00:00 UTC; whoever answers for the spending can raise it there at once."
    )


def ends(cap: Cap) -> date:
    """The day on which the next period begins."""
    if len(cap.period) == len("2026-11-21"):
        return date.fromisoformat(cap.period) + timedelta(days=1)
    first = date.fromisoformat(f"{cap.period}-01")
    return (first + timedelta(days=31)).replace(day=1)
