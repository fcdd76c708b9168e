"""Retrieval at size: ingest, search against an exact scan, search while a sync runs, and the stores side by side.

Runs with the Python of a generated project. Each figure stands beside what it is measured against, taken in the same
run, so that the ratios mean the same on another machine; times are medians where something is done more than once.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import yaml
from acme_assistant.scaffold.config import Settings
from acme_assistant.scaffold.governance.principal import Principal
from acme_assistant.scaffold.models.hashing import HashEmbeddings
from acme_assistant.scaffold.observability import Telemetry
from acme_assistant.scaffold.retrieval import Index
from acme_assistant.scaffold.retrieval.settings import RetrievalFile
from acme_assistant.scaffold.retrieval.stores import Point
from acme_assistant.scaffold.retrieval.stores.point import key_of
from acme_assistant.scaffold.state import open_state
from langchain_core.embeddings import Embeddings
from retrieval_corpus import CALLER, EVERYBODY, folders, write_documents, write_rules
from retrieval_exact import Exact, Given
from retrieval_load import load
from retrieval_measures import Memory, Table, megabytes, read_and_hash, seconds, work
from retrieval_search import K, compare_search, span

SEED_OF_QUESTIONS = 7


class Only:
    """One embedding, under its own name."""

    def __init__(self, embeddings: HashEmbeddings) -> None:
        self.embeddings = embeddings

    def named(self) -> str:
        return self.embeddings.label

    def get(self, name: str) -> Embeddings:
        return self.embeddings


class Bench:
    """A project of its own, with documents and what is asked of them."""

    def __init__(self, root: Path, given: argparse.Namespace) -> None:
        self.root, self.given, self.table = root, given, Table()
        self.documents = root / "data" / "documents"
        self.documents.mkdir(parents=True, exist_ok=True)
        (root / "config").mkdir(exist_ok=True)
        shipped = yaml.safe_load(Path("config", "retrieval.yaml").read_text("utf-8"))
        (root / "config" / "retrieval.yaml").write_text(yaml.safe_dump(shipped), "utf-8")
        write_rules(root)
        self.settings = RetrievalFile(**shipped)
        self.embeddings = HashEmbeddings(given.dimensions)
        self.project = Settings(root=root, offline=True)
        self.telemetry = Telemetry.start(self.project, "benchmark")
        self.state = open_state(self.project)
        self.index = Index.open(self.project, self.state, Only(self.embeddings), self.telemetry)

    def run(self) -> None:
        parts = self.given.parts.split(",")
        self.corpus()
        if "ingest" in parts:
            self.ingest()
        else:
            self.index.sync()
        exact = self.exact() if {"search", "load", "stores"} & set(parts) else None
        if exact and "search" in parts:
            self.search(exact)
        if exact and "stores" in parts:
            from retrieval_stores import compare

            compare(self)
        if exact and "load" in parts:
            load(self)

    def corpus(self) -> None:
        table, given = self.table, self.given
        table.title("Documents")
        if not any(self.documents.iterdir()):
            about = write_documents(self.documents, given.packages, given.chunks, self.settings)
            (self.root / "about.json").write_text(json.dumps(about), "utf-8")
        for kind, passages in json.loads((self.root / "about.json").read_text("utf-8")).items():
            table.add(f"about, of {kind}", passages, "passages")

    def ingest(self) -> None:
        table = self.table
        table.title("Ingest")
        size = read_and_hash(self.documents)
        once = median(seconds(lambda: read_and_hash(self.documents)) for _ in range(3))
        table.add("reading and hashing the same bytes in one pass", once, "s", once)
        with Memory() as memory:
            gc.collect()
            time.sleep(0.5)
        before = memory
        began = work()
        with Memory() as memory:
            took = seconds(lambda: setattr(self, "report", self.index.sync()))
        report = self.report  # type: ignore[attr-defined]
        table.add("first sync", took, "s", once)
        table.add("  processor time", work() - began, "s")
        table.add("  documents", report.documents, "")
        table.add("  skipped", report.counts["skipped"], "")
        table.add("  passages", report.chunks, "")
        table.add("  documents a second", report.documents / took, "/s")
        table.add("  passages a second", report.chunks / took, "/s")
        table.add("  megabytes a second", size / 1e6 / took, "MB/s", size / 1e6 / once)
        table.add("  peak memory, children included", memory.peak, "MB")
        table.add("    of it private", memory.private, "MB")
        table.add("    private before", before.private, "MB")
        table.add("  index on the disk", megabytes(self.root / "var" / "index"), "MB", size / 1e6)
        self.nothing_new("index closed before", close=True)
        self.nothing_new("index open, as in a service", close=False)

    def nothing_new(self, how: str, close: bool) -> None:
        """Syncs without any change, in turn with reading and hashing."""
        table = self.table
        again, once_more, worked = [], [], []
        for _ in range(self.given.rounds):
            if close:
                self.index.close()
            began = time.process_time()
            once_more.append(seconds(lambda: read_and_hash(self.documents)))
            between = time.process_time()
            again.append(seconds(lambda: setattr(self, "report", self.index.sync())))
            worked.append((between - began, time.process_time() - between))
            report = self.report  # type: ignore[attr-defined]
            if report.unchanged != report.documents:
                raise SystemExit(report.summary())
        hashed, synced = (median(each) for each in zip(*worked, strict=True))
        table.add("reading and hashing, once more", median(once_more), "s", median(once_more))
        table.add(f"sync that finds nothing new, {how}", median(again), "s", median(once_more), "goal: at most 2 x")
        table.add("  processor time, reading and hashing", hashed, "s", hashed)
        table.add("  processor time, sync", synced, "s", hashed)

    def exact(self) -> Exact:
        """The same passages, as the brute force scan holds them."""
        version = self.index.versions.live(now=True)
        assert version is not None
        store = self.index.store(version)
        self.store, count = store, store.count()
        lots = np.random.default_rng(SEED_OF_QUESTIONS)
        seen = {folder.name for folder in folders() if folder.seen_by(CALLER)}
        wanted = set(lots.choice(count, size=min(count, 8 * self.given.queries), replace=False).tolist())
        inside: list[str] = []
        outside: list[str] = []

        def noted() -> Iterator[Point]:
            for number, point in enumerate(store.points()):
                if number in wanted:
                    (inside if _folder(point) in seen else outside).append(point.text)
                yield point

        exact = Exact(self.given_of(noted()), count, self.given.dimensions)
        half = self.given.queries // 2
        self.asked = [span(text, lots) for pair in zip(inside[:half], outside[:half], strict=False) for text in pair]
        return exact

    def given_of(self, points: Iterable[Point]) -> Iterator[Given]:
        """What the exact scan is told of each passage."""
        for point in points:
            yield Given(point.id, key_of(point.id).int, _folder(point), dict(point.words), point.dense)

    def search(self, exact: Exact) -> None:
        self.table.title("Search")

        def measured(question: str, caller: Principal) -> list[str]:
            passages = self.index.search(question, caller, K)
            return [f"{passage.source}#{passage.chunk}" for passage in passages]

        compare_search(self, exact, {"index": measured}, CALLER, self.asked)
        self.table.title("Search by one who sees everything")
        compare_search(self, exact, {"index": measured}, EVERYBODY, self.asked[: len(self.asked) // 4])


def _folder(point: Point) -> str:
    return point.source.split("/", 1)[0]


@contextmanager
def somewhere(folder: Path | None) -> Iterator[Path]:
    """``folder``, which is kept, or one for now."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--chunks", type=int, default=100_000, help="passages, about")
    parser.add_argument("--chunks-of-stores", type=int, default=20_000, help="passages for the comparison of stores")
    parser.add_argument("--chunks-in-memory", type=int, default=2_000, help="passages for Qdrant within the client")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--packages", type=Path, help="unpacked documentation packages; without, all text is made up")
    parser.add_argument("--folder", type=Path, help="keeps the documents and the index there, and uses them again")
    parser.add_argument("--parts", default="ingest,search,stores,load")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--askers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also writes what was measured into this file")
    given = parser.parse_args()
    if "OPENBLAS_NUM_THREADS" not in os.environ:  # its threads go on spinning after a scan, while the index is timed
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start.")
    with somewhere(given.folder) as folder:
        bench = Bench(folder, given)
        try:
            bench.run()
        finally:
            bench.index.close()
            bench.telemetry.shutdown()
            bench.state.dispose()
    print(f"\nLoad {os.getloadavg()[0]:.1f} at the end.")
    if given.json:
        given.json.write_text(json.dumps(bench.table.rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
