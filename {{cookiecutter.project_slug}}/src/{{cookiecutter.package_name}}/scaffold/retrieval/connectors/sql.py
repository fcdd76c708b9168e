"""Rows of a database, as a query lists them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ...errors import SourceError
from ...models.request import Pace
from ..documents import Raw
from .place import Place
from .port import Entry
from .records import Progress, Records
from .settings import Sql


class Database:
    """A source of kind ``sql``."""

    def __init__(self, source: Sql, place: Place, pace: Pace) -> None:
        """Opens no connection."""
        self._source, self._place = source, place
        self._records = Records(source, place, pace)
        self._cursor: str | None = None
        self._written_as = ""

    def entries(self, since: str | None) -> Iterator[Entry]:
        """Every row, or those that changed."""
        self._cursor = since
        progress = Progress(self._source.since) if self._source.since else None
        changes = self._source.changes if since else None
        given = {"since": _given(since)} if changes and since else {}
        yield from self._records.listed(self._rows(changes or self._source.query, given), progress)
        if progress and progress.newest is not None:
            self._cursor = json.dumps([self._written_as, progress.newest])

    def cursor(self) -> str | None:
        """The newest value of the column ``since`` and what it is, as JSON."""
        return self._cursor

    def read(self, entry: Entry) -> Raw:
        """The row's text, which was listed with it."""
        return self._records.read(entry)

    def again(self, payload: bytes) -> Entry:
        """What a row that was set aside is under the present contract."""
        return self._records.again(payload)

    def close(self) -> None:
        """No connection outlives a listing."""

    def _rows(self, query: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Row by row: the database keeps the rest (a cursor of the server's, where its driver has one)."""
        engine, url = self._engine()
        try:
            with engine.connect() as connection:
                _read_only(connection)
                streamed = connection.execution_options(stream_results=True, yield_per=self._source.rows_at_once)
                for row in streamed.execute(text(query), given).mappings():
                    self._written_as = type(row.get(self._source.since or "")).__name__
                    yield _jsonable(row)
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
            secret = str(url.password or "")
            reason = said[0].replace(secret, "***") if secret else said[0]
            raise SourceError(f"{self._place('query')}: the database says: {reason[:300]}") from None
        finally:
            engine.dispose()

    def _engine(self) -> tuple[Engine, URL]:
        where, variable = self._place("url_env"), self._source.url_env
        address = self._place.secret(variable, "url_env")
        try:
            url = make_url(address)
            return create_engine(url, poolclass=NullPool), url
        except NoSuchModuleError:
            sentence = f"{variable} names a kind of database that SQLAlchemy does not know"
        except (ArgumentError, ValueError):  # ValueError: a port that is no number
            sentence = f"{variable} holds no address such as postgresql+psycopg://user:password@host/database"
        except ImportError as error:
            sentence = f"{variable} names a database whose driver is not installed ({error.name}); install it"
        raise SourceError(f"{where}: {sentence}.")


def _read_only(connection: Connection) -> None:
    """Where the database can be told. Else the query is one that reads, and nothing is ever committed."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    elif kind == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _jsonable(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row as JSON holds it. What is bytes is no text, so that it is left out and noticed as missing."""
    values = {str(name): value for name, value in row.items() if not isinstance(value, (bytes, memoryview))}
    jsonable: dict[str, Any] = to_jsonable_python(values, fallback=str)
    return jsonable


def _given(cursor: str) -> Any:
    """The value that the cursor stands for, of the type that the driver gave: databases compare by type."""
    kind, value = json.loads(cursor)
    reads: dict[str, Callable[[str], Any]] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat}
    return reads[kind](value) if kind in reads else value
