"""What one index holds and what is still to be read into it, in the state database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, bindparam, delete, func, insert, select, update
from sqlalchemy import Table as SqlTable

from ..state import documents, pending, sources
from .access import Access
from .connectors import Entry

AT_ONCE = 500
"""Names in one statement: databases limit the number of bound values (SQLite 32,766, PostgreSQL 65,535)."""


@dataclass(frozen=True)
class Row:
    """A document that is indexed."""

    source: str
    origin: str
    """Name of its source in ``config/sources.yaml``."""
    version: str
    """As its source said, else the stamp or the SHA-256 of its bytes; empty where it is to be read whatever it is."""
    sha256: str
    how: str
    """Digest of how it is indexed."""
    access: str
    """Digest of who may see it."""
    chunks: int
    size: int
    """Bytes of its passages, as they are embedded."""
    own: str | None
    """Who may see it as its source says, as JSON; None where only the rules decide."""
    updated: str | None

    @property
    def own_access(self) -> Access | None:
        """What ``own`` says."""
        return Access.read(json.loads(self.own)) if self.own else None

    @staticmethod
    def written(own: Access | None) -> str | None:
        """``own`` for what a source says."""
        return json.dumps(own.lists) if own else None


@dataclass(frozen=True)
class Pending:
    """A document that is to be read."""

    source: str
    origin: str
    entry: Entry


@dataclass(frozen=True)
class SourceState:
    """How a source was last read."""

    origin: str
    cursor: str | None
    """Where its next listing of changes starts."""
    started_at: str
    complete_at: str | None
    """When the newest sync began that took in everything listed."""
    full_at: str | None
    """When the newest one of these began that listed all of it."""
    error: str | None


class Manifest:
    """The rows of one index. Memory is bounded by what is asked for at once, not by the number of documents."""

    def __init__(self, state: Engine, index: int) -> None:
        """``index``: the version's id."""
        self._state, self._index = state, index
        self._reading = state.execution_options(reading=True)

    def rows(self, names: Sequence[str]) -> dict[str, Row]:
        """Those of the documents ``names`` that are indexed."""
        columns = [documents.c[name] for name in Row.__dataclass_fields__]
        found: dict[str, Row] = {}
        with self._reading.connect() as connection:
            for some in _some(names):
                for row in connection.execute(
                    select(*columns).where(self._mine(documents), documents.c.source.in_(some))
                ):
                    found[row.source] = Row(*row)
        return found

    def all(self, origin: str | None = None) -> Iterator[Row]:
        """Every document, or those of one source, some at a time, in the order of names."""
        columns, last = [documents.c[name] for name in Row.__dataclass_fields__], ""
        while True:
            query = select(*columns).where(self._mine(documents), documents.c.source > last)
            if origin is not None:
                query = query.where(documents.c.origin == origin)
            with self._reading.connect() as connection:
                found = connection.execute(query.order_by(documents.c.source).limit(AT_ONCE)).all()
            if not found:
                return
            yield from (Row(*row) for row in found)
            last = found[-1].source

    def saw(self, names: Sequence[str], run: str) -> None:
        """Note that the run ``run`` saw these documents in their source."""
        with self._quick() as connection:
            for some in _some(names):
                mine = update(documents).where(self._mine(documents), documents.c.source.in_(some))
                connection.execute(mine.values(seen=run))

    def unseen(self, origin: str, run: str) -> list[str]:
        """Documents of ``origin`` that the run did not see, some at a time; ask again once these are removed."""
        return self._names(select(documents.c.source).where(documents.c.origin == origin, documents.c.seen != run))

    def foreign(self, origins: Iterable[str], run: str) -> list[str]:
        """As ``unseen``, of all sources but ``origins``: of those that are configured no longer."""
        others = documents.c.origin.not_in(list(origins))
        return self._names(select(documents.c.source).where(others, documents.c.seen != run))

    def _names(self, query: Any) -> list[str]:
        with self._reading.connect() as connection:
            found = connection.execute(query.where(self._mine(documents)).order_by(documents.c.source).limit(AT_ONCE))
            return list(found.scalars())

    def restricted(self, rows: Sequence[Row]) -> None:
        """Note that these documents are seen by others now."""
        values = [{"name": row.source, "names": row.access, "lists": row.own} for row in rows]
        mine = update(documents).where(self._mine(documents), documents.c.source == bindparam("name"))
        if values:
            with self._quick() as connection:
                connection.execute(mine.values(access=bindparam("names"), own=bindparam("lists")), values)

    def stamped(self, rows: Sequence[Row]) -> None:
        """Note that these documents go by another version now, and are what they were."""
        values = [{"name": row.source, "now": row.version} for row in rows]
        mine = update(documents).where(self._mine(documents), documents.c.source == bindparam("name"))
        if values:
            with self._quick() as connection:
                connection.execute(mine.values(version=bindparam("now")), values)

    def indexed(self, rows: Sequence[Row], run: str) -> None:
        """Note that these documents are indexed so, and wait no longer."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        names = [row.source for row in rows]
        with self._quick() as connection:
            for table in (documents, pending):
                for some in _some(names):
                    connection.execute(delete(table).where(self._mine(table), table.c.source.in_(some)))
            values = [{**vars(row), "index": self._index, "indexed_at": now, "seen": run} for row in rows]
            if values:
                connection.execute(insert(documents), values)

    def removed(self, names: Sequence[str]) -> None:
        """Note that these documents are not in the index."""
        with self._quick() as connection:
            for table in (documents, pending):
                for some in _some(names):
                    connection.execute(delete(table).where(self._mine(table), table.c.source.in_(some)))

    def wait(self, waiting: Sequence[Pending]) -> None:
        """Note that these documents are to be read; what waited under the same name no longer does."""
        with self._quick() as connection:
            for some in _some([each.source for each in waiting]):
                connection.execute(delete(pending).where(self._mine(pending), pending.c.source.in_(some)))
            values = [
                {
                    "index": self._index,
                    "source": each.source,
                    "origin": each.origin,
                    "entry": _written(each),
                    "payload": each.entry.payload,
                }
                for each in waiting
            ]
            if values:
                connection.execute(insert(pending), values)

    def doubt(self, names: Sequence[str] | None = None) -> None:
        """Have these documents read again, whatever their version; all that still wait, where none are named.

        Nobody knows how much of a document is in the index that was being read when a sync was cut off.
        """
        mine = update(documents).where(self._mine(documents)).values(version="")
        waiting = select(pending.c.source).where(self._mine(pending))
        with self._quick() as connection:
            if names is None:
                connection.execute(mine.where(documents.c.source.in_(waiting)))
            for some in _some(names or ()):
                connection.execute(mine.where(documents.c.source.in_(some)))

    def waiting(self, origin: str) -> Iterator[Pending]:
        """What is to be read of ``origin``, in the order of names; holds on to few at a time."""
        last = ""
        while True:
            query = select(pending).where(self._mine(pending), pending.c.origin == origin, pending.c.source > last)
            with self._reading.connect() as connection:
                found = connection.execute(query.order_by(pending.c.source).limit(64)).all()
            if not found:
                return
            for row in found:
                yield _read(row.source, row.origin, row.entry, row.payload)
            last = found[-1].source

    def drop_waiting(self, origin: str) -> None:
        """Forget what waited of ``origin``: it is listed as a whole anew."""
        with self._quick() as connection:
            connection.execute(delete(pending).where(self._mine(pending), pending.c.origin == origin))

    def counts(self) -> tuple[int, int]:
        """Documents and passages that should be in the index."""
        columns = func.count(), func.coalesce(func.sum(documents.c.chunks), 0)
        with self._reading.connect() as connection:
            count, chunks = connection.execute(select(*columns).where(self._mine(documents))).one()
        return int(count), int(chunks)

    def size(self) -> int:
        """Bytes of all passages, as they are embedded."""
        total = select(func.coalesce(func.sum(documents.c.size), 0)).where(self._mine(documents))
        with self._reading.connect() as connection:
            return int(connection.execute(total).scalar_one())

    def digest(self) -> str:
        """SHA-256 that names what is indexed: each document's name, bytes, and how and for whom it is indexed."""
        columns = (documents.c.source, documents.c.sha256, documents.c.how, documents.c.access)
        with self._reading.connect() as connection:
            rows = connection.execute(select(*columns).where(self._mine(documents))).all()
        # Sorted here, because databases sort text by different rules.
        return hashlib.sha256(json.dumps(sorted(list(row) for row in rows)).encode()).hexdigest()

    def sources(self) -> dict[str, SourceState]:
        """How each source was last read, by its name."""
        columns = [sources.c[name] for name in SourceState.__dataclass_fields__]
        with self._reading.connect() as connection:
            rows = connection.execute(select(*columns).where(self._mine(sources))).all()
        return {row.origin: SourceState(*row) for row in rows}

    def source_read(self, each: SourceState) -> None:
        """Note how a source was read; on the disk when this returns, and all that was noted before with it."""
        with self._state.begin() as connection:
            connection.execute(delete(sources).where(self._mine(sources), sources.c.origin == each.origin))
            connection.execute(insert(sources).values(index=self._index, **vars(each)))

    def _mine(self, table: SqlTable) -> Any:
        return table.c.index == self._index

    def _quick(self) -> Any:
        # What is lost in a power cut is found again by the next sync: the index itself is asked.
        return self._state.execution_options(durable=False).begin()


def _some(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]


def _written(waiting: Pending) -> dict[str, Any]:
    entry = waiting.entry
    return {
        "id": entry.id,
        "version": entry.version,
        "modified": entry.modified.isoformat() if entry.modified else None,
        "own": entry.access.lists if entry.access else None,
    }


def _read(source: str, origin: str, written: dict[str, Any], payload: bytes) -> Pending:
    entry = Entry(
        written["id"],
        written["version"],
        modified=datetime.fromisoformat(written["modified"]) if written["modified"] else None,
        access=Access.read(written["own"]) if written["own"] else None,
        payload=payload,
    )
    return Pending(source, origin, entry)
