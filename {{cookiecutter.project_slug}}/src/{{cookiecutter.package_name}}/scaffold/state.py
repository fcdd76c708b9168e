"""The state database: one URL, SQLite by default, schema by Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import SQLAlchemyError

from .config import Settings
from .errors import ConfigurationError

metadata = MetaData()

indexes = Table(
    "indexes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("store", Text, nullable=False),
    Column("embedding", String(200), nullable=False),
    Column("languages", String(100), nullable=False),
    Column("label", String(500), nullable=False),
    Column("configured", String(500), nullable=False),
    Column("status", String(20), nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("live_at", String(40)),
    sqlite_autoincrement=True,  # the number of an index that is gone names no other one
)
"""Every index that is kept, and which one is live: see ``retrieval.versions``."""

documents = Table(
    "documents",
    metadata,
    Column("index", Integer, primary_key=True),
    Column("source", String(500), primary_key=True),
    Column("origin", String(100), nullable=False),
    Column("version", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("how", String(64), nullable=False),
    Column("access", String(64), nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("own", Text),
    Column("updated", String(40)),
    Column("indexed_at", String(40), nullable=False),
    Column("seen", String(40), nullable=False),
    Index("documents_by_seen", "index", "origin", "seen"),
    Index("documents_by_sha256", "index", "sha256"),
)
"""What each index holds: one row a document.

``how`` and ``access`` are digests of how it is indexed and who sees it; ``own`` is what its source says of the latter.
"""

pending = Table(
    "pending_documents",
    metadata,
    Column("index", Integer, primary_key=True),
    Column("source", String(500), primary_key=True),
    Column("origin", String(100), nullable=False),
    Column("entry", JSON, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
"""Documents that were listed as new or changed and are not in the index yet."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("origin", String(100), primary_key=True),
    Column("id", String(500), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("first_at", String(40), nullable=False),
    Column("last_at", String(40), nullable=False),
    Column("attempts", Integer, nullable=False),
)
"""Records that broke the contract of their source, as they came."""

sources = Table(
    "sources",
    metadata,
    Column("index", Integer, primary_key=True),
    Column("origin", String(100), primary_key=True),
    Column("cursor", Text),
    Column("started_at", String(40), nullable=False),
    Column("complete_at", String(40)),
    Column("full_at", String(40)),
    Column("error", Text),
)
"""How each source was last read. ``complete_at`` and ``full_at`` are when a sync began that saw the whole of it."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until", Float, nullable=False),
)
"""Who has something that one process at a time may have, until when (seconds since 1970) unless it is renewed."""

sync_requests = Table(
    "sync_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asked", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("status", String(20), nullable=False),
    Column("progress", Text, nullable=False),
    Column("outcome", Text, nullable=False),
)
"""Syncs that the process which has the embedded index is asked for: see ``retrieval.upkeep``."""

answers = Table(
    "answers",
    metadata,
    Column("trace_id", String(32), primary_key=True),
    Column("at", String(40), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("use_case", String(200), nullable=False),
    Column("caller", String(200), nullable=False),
    Column("locale", String(20), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("features", JSON, nullable=False),
    Column("model", String(300)),
    Column("prompt", String(300)),
    Column("question_sha256", String(64), nullable=False),
    Column("answer_sha256", String(64)),
    Index("answers_by_time", "at"),
)
"""What became of each question, without its text: what feedback is matched with and drift is measured on.

``outcome`` is answered, refused or error; ``features`` are numbers and words by name: see ``observability.drift``.
"""

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trace_id", String(32), nullable=False),
    Column("at", String(40), nullable=False),
    Column("caller", String(200), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("correction", Text, nullable=False),
    Column("case_id", String(200)),
    Index("feedback_by_time", "at"),
    sqlite_autoincrement=True,
)
"""What people said of an answer, in their words and with personal data redacted; ``case_id`` once it became a case."""

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("details", JSON, nullable=False),
    Index("events_by_kind", "kind", "id"),
    sqlite_autoincrement=True,
)
"""What happened to the system as a whole, few rows a year; ``kind`` is one of ``evaluation.events``."""

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("log", String(100), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("mac", String(64), nullable=False),
    Column("offset", Integer, nullable=False),
)
"""The last record of each audit log: the anchor that a cut-off tail is noticed by."""

evaluation_runs = Table(
    "evaluation_runs",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("suite", String(100), nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("passed", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("digests", JSON, nullable=False),
    Column("record", Text, nullable=False),
)
"""History of evaluation runs; ``record`` is the path of the run record below the project's folder."""

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("day", String(10), nullable=False),
    Column("role", String(100), nullable=False),
    Column("provider", String(100), nullable=False),
    Column("model", String(200), nullable=False),
    Column("caller", String(200)),
    Column("channel", String(100)),
    Column("use_case", String(200)),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cost", BigInteger),
    Column("estimated", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Index("model_calls_by_day", "day"),
    Index("model_calls_by_status", "status", "at"),
)
"""The ledger: one row a call that was let through. ``cost`` is in millionths of a US dollar, null where unknown."""

model_spending = Table(
    "model_spending",
    metadata,
    Column("scope", String(300), primary_key=True),
    Column("period", String(10), primary_key=True),
    Column("cost", BigInteger, nullable=False),
)
"""What budgets are held against: the ledger's costs, reserved ones included, added up by scope and day or month."""


model_rates = Table(
    "model_rates",
    metadata,
    Column("role", String(100), primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("requests_before", BigInteger, nullable=False),
    Column("tokens_before", BigInteger, nullable=False),
)
"""What each role with a rate sent in its newest minute (since 1970), and in the one before."""


def open_state(settings: Settings) -> Engine:
    """The state database of the project, migrated to this version.

    Raises ``ConfigurationError`` where it cannot be opened.
    """
    url, where = settings.state_url, "check APP_STATE_URL"
    if not url:
        path = settings.var / "state.db"
        url = f"sqlite:///{path}"
        where = f"see that {settings.var} can be written and its disk has room, or restore {path.name} from a backup"
    try:
        if not settings.state_url:
            settings.var.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            if engine.url.database in (None, "", ":memory:"):
                raise ConfigurationError("APP_STATE_URL names a database in memory, which forgets; name a file.")
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        migrate(engine)
    except CommandError:
        raise ConfigurationError(
            "The state database was made by a newer version of this project; run that version, or restore a backup."
        ) from None
    except (SQLAlchemyError, OSError, ImportError, ValueError) as error:  # ValueError: a port that is no number
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"The state database cannot be opened: {reason}; {where}.") from None
    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; a no-op where it is."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _prepare_sqlite(connection: object, _: object) -> None:
    # The driver's own transaction handling is off, so that BEGIN IMMEDIATE takes the write lock before the first read:
    # two processes then queue instead of failing (SQLite documentation, "Database is locked").
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Without waiting for the disk a transaction is whole whatever happens, and outlives a crash of the process; a power
    # cut may take the newest (SQLite documentation, "PRAGMA synchronous").
    options = connection.get_execution_options()
    if options.get("reading"):  # sees one state of the database, and waits for nobody
        connection.exec_driver_sql("BEGIN")
        return
    wanted = "FULL" if options.get("durable", True) else "NORMAL"
    if connection.info.get("synchronous") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["synchronous"] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")
