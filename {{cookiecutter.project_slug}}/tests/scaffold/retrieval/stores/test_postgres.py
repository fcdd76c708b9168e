"""PostgreSQL: narrow filters through the HNSW index, tables made once, faults in one sentence."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from langchain_core.documents import Document
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError, StoreUnavailable
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import postgres as module
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.postgres import PostgresStore

from .conftest import ANALYSER, ANN, Open

RARE = Principal("rare", frozenset({"rare"}))


def filled(store: PostgresStore, size: int = 2000) -> PostgresStore:
    """Of every hundred passages, group ``rare`` may see one."""
    draw = random.Random(1)
    words = [f"word{number}" for number in range(400)]
    store.add_documents(
        [
            Document(
                id=str(number),
                page_content=" ".join(draw.choices(words, k=20)),
                metadata={"allow": ["group:hr", "group:rare"] if number % 100 == 0 else ["group:hr"]},
            )
            for number in range(size)
        ]
    )
    store.flush()
    return store


@pytest.fixture
def store(open_kind: Open) -> PostgresStore:
    store = open_kind("pgvector", caller=ANN)
    assert isinstance(store, PostgresStore)
    return store


def test_a_narrow_filter_still_finds_enough_through_the_index(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXACT_BELOW", 0)
    plans: list[str] = []

    @event.listens_for(store._engine, "before_cursor_execute")
    def explain(connection: object, cursor: object, statement: str, given: object, *_: object) -> None:
        if "<=>" in statement:
            cursor.execute(f"EXPLAIN {statement}", given)  # type: ignore[attr-defined]
            plans.append(str(cursor.fetchall()))  # type: ignore[attr-defined]

    @event.listens_for(store._engine, "connect")
    def no_other_way(connection: object, _: object) -> None:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")

    filled(store)
    hits = store.hits("nothing that is a word of theirs", RARE, 10, words_weight=0)
    assert len(hits) == 10
    assert f"ix_{store._passages.name}_dense" in plans[-1]


def test_a_small_view_is_searched_one_by_one(store: PostgresStore) -> None:
    filled(store, 300)
    vectors = {point.id: point.dense for point in store.points()}
    asked = store.embeddings.embed_query("word1 word2")
    nearest = sorted(vectors, key=lambda name: -sum(a * b for a, b in zip(vectors[name], asked, strict=True)))
    found = store.hits("word1 word2", ANN, 20, words_weight=0)
    assert [hit.document.id for hit in found] == nearest[:20]


@pytest.mark.parametrize(("dimensions", "indexed"), [(8, "vector"), (3072, "halfvec"), (4001, None)])
def test_vectors_of_any_length_are_kept_and_found(
    open_kind: Open, monkeypatch: pytest.MonkeyPatch, dimensions: int, indexed: str | None
) -> None:
    monkeypatch.setattr(module, "EXACT_BELOW", 0)
    store = open_kind("pgvector", caller=ANN, embeddings=HashEmbeddings(dimensions))
    assert isinstance(store, PostgresStore)
    store.add_texts(["The harbour opens at six.", "Lunch is at noon."])
    store.flush()
    store.flush()
    assert store.similarity_search("harbour", k=1)[0].page_content == "The harbour opens at six."
    with store._engine.connect() as connection:
        made = connection.execute(
            text("SELECT indexdef FROM pg_indexes WHERE indexname = :name"),
            {"name": f"ix_{store._passages.name}_dense"},
        ).scalar()
    assert (f"{indexed}_cosine_ops" in str(made)) if indexed else made is None


def test_a_table_of_somebody_else_is_left_alone(store: PostgresStore) -> None:
    with store._engine.begin() as connection:
        connection.execute(text(f'CREATE TABLE "{store._passages.name}" (x int)'))
    for use in (lambda: store.similarity_search("x"), lambda: store.add_texts(["x"]), store.drop, store.sources):
        with pytest.raises(ConfigurationError, match="was not made by this project; set another prefix"):
            use()
    with store._engine.begin() as connection:
        connection.execute(text(f'DROP TABLE "{store._passages.name}"'))


def test_nothing_is_left_when_it_is_dropped(store: PostgresStore) -> None:
    filled(store, 10)
    store.drop()
    with store._engine.connect() as connection:
        left = connection.execute(
            text("SELECT relname FROM pg_class WHERE relname LIKE :name"), {"name": f"%{store._passages.name}%"}
        )
        assert left.all() == []


WRITER = """
import sys
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Analyser
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.postgres import PostgresStore
url, table, number = sys.argv[1:]
store = PostgresStore(url, table, HashEmbeddings(64), Analyser(["en", "de"]), Principal("ann"))
print("ready", flush=True)
sys.stdin.readline()
store.add_texts([f"harbour {n}" for n in range(50)], ids=[f"{number}-{n}" if n % 2 else f"both-{n}" for n in range(50)])
print(len(store.similarity_search("harbour", k=200)) >= 50, flush=True)
"""


def test_processes_that_begin_at_once_make_the_tables_once_and_lose_nothing(
    store: PostgresStore, postgres: str
) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, postgres, store._passages.name, str(number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.communicate(timeout=60) == ("True\n", "")
    assert store.sources() == {"": 25 + 3 * 25}


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"postgresql://me:secret@127.0.0.1:{taken.getsockname()[1]}/acme"


FAULTS: list[tuple[str, Callable[[str], str], type[ScaffoldError], str]] = [
    ("nobody listens", lambda _: closed_port(), StoreUnavailable, "cannot be reached or fails .*refused"),
    (
        "no such database",
        lambda url: str(make_url(url).set(database="nowhere")),
        StoreUnavailable,
        'database "nowhere" does not exist',
    ),
    (
        "no rights",
        lambda url: str(make_url(url).set(username="reader")),
        ConfigurationError,
        "cannot be used as it is .permission denied",
    ),
]


@pytest.mark.parametrize(("name", "address", "kind", "message"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_fault_is_one_sentence(
    store: PostgresStore,
    postgres: str,
    name: str,
    address: Callable[[str], str],
    kind: type[ScaffoldError],
    message: str,
) -> None:
    with store._engine.begin() as connection:
        there = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = 'reader'")).scalar()
        if not there:
            connection.execute(text("CREATE ROLE reader LOGIN"))
    filled(store, 10)
    other = PostgresStore(address(postgres), store._passages.name, HashEmbeddings(64), ANALYSER, ANN)
    with pytest.raises(kind, match=message) as raised:
        other.similarity_search("word1")
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)
    other.close()
