"""The state database: migrated on opening, equal to the tables in code, safe between processes."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update

from {{ cookiecutter.package_name }}.scaffold import state
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.models.ledger import Booking, Ledger
from {{ cookiecutter.package_name }}.scaffold.state import audit_heads, metadata, open_state


def test_the_migrations_make_exactly_the_tables_that_the_code_declares(tmp_path: Path) -> None:
    with open_state(Settings(root=tmp_path)).begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_ledger_from_before_use_cases_keeps_its_calls(tmp_path: Path) -> None:
    engine = open_state(Settings(root=tmp_path))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(state.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO model_calls (at, day, role, provider, model, cost, estimated, status) VALUES "
                "('2026-11-20T10:00:00', '2026-11-20', 'answer', 'openai', 'gpt', 7, 0, 'answered')"
            )
        )
    engine.dispose()
    ledger = Ledger(open_state(Settings(root=tmp_path)), lambda: datetime(2026, 11, 21, tzinfo=UTC))
    ledger.reserve(Booking("answer", "openai", "gpt", "anna", "api", "Reports"), 5, lambda _: [])
    assert [(row["use_case"], row["cost"]) for row in ledger.rows(2)] == [("Reports", 5), (None, 7)]


def test_opening_twice_keeps_what_is_there(tmp_path: Path) -> None:
    with open_state(Settings(root=tmp_path)).begin() as connection:
        connection.execute(audit_heads.insert().values(log="x", sequence=1, mac="m", offset=0))
    with open_state(Settings(root=tmp_path)).begin() as connection:
        assert connection.execute(select(audit_heads.c.sequence)).scalar_one() == 1


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/state.db", "nodialect://host/db", "sqlite://a:b/c"])
def test_a_database_that_cannot_be_opened_is_a_clear_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="check APP_STATE_URL"):
        open_state(Settings(root=tmp_path, state_url=url))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError, match="in memory, which forgets; name a file"):
        open_state(Settings(root=tmp_path, state_url=url))


@pytest.mark.parametrize(
    ("spoilt", "content", "reason"),
    [("var", b"", "File exists"), ("var/state.db", b"no database" * 99, "file is not a database")],
)
def test_the_projects_own_database_that_cannot_be_opened_is_named(
    tmp_path: Path, spoilt: str, content: bytes, reason: str
) -> None:
    (tmp_path / spoilt).parent.mkdir(exist_ok=True)
    (tmp_path / spoilt).write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"{reason}.*; see that .*var can be written .* backup\.$"):
        open_state(Settings(root=tmp_path))


def test_a_database_of_a_newer_version_is_a_clear_error(tmp_path: Path) -> None:
    with open_state(Settings(root=tmp_path)).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="made by a newer version"):
        open_state(Settings(root=tmp_path))


def _count(root: Path, times: int) -> None:
    engine = open_state(Settings(root=root))
    for _ in range(times):
        with engine.begin() as connection:
            before = connection.execute(select(audit_heads.c.sequence)).scalar_one()
            connection.execute(update(audit_heads).values(sequence=before + 1))


def test_processes_that_read_and_then_write_do_not_lose_updates(tmp_path: Path) -> None:
    with open_state(Settings(root=tmp_path)).begin() as connection:
        connection.execute(audit_heads.insert().values(log="x", sequence=0, mac="m", offset=0))
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_count, args=(tmp_path, 50)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    with open_state(Settings(root=tmp_path)).begin() as connection:
        assert connection.execute(select(audit_heads.c.sequence)).scalar_one() == 100
