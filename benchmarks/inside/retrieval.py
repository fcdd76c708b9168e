"""Retrieval at size: ingest, search against an exact scan, search while a sync runs, and the stores side by side.

Runs with the Python of a generated project. Each figure stands beside what it is measured against, taken in the same
run, so that the ratios mean the same on another machine; times are medians where something is done more than once.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

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

K = 10
PACE = 10
"""Questions a second of a service that is in use."""
PERCENTILES = (50, 95, 99)


@dataclass
class Table:
    """What was measured: lines of name, value, unit, and what it is so many times of."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    group: str = ""

    def title(self, group: str) -> None:
        self.group = group
        print(f"\n{group}", flush=True)

    def add(self, name: str, value: float, unit: str, reference: float | None = None, goal: str = "") -> None:
        ratio = value / reference if reference else None
        self.rows.append({"group": self.group, "name": name, "value": value, "unit": unit, "ratio": ratio})
        shown = f"{value:>12,.0f}" if abs(value) >= 1000 else f"{value:>12.3g}"
        print(f"  {name:<58}{shown} {unit:<12}{f'{ratio:.2f} x' if ratio else '':>10}  {goal}".rstrip(), flush=True)


class Only:
    """One embedding, under its own name."""

    def __init__(self, embeddings: HashEmbeddings) -> None:
        self.embeddings = embeddings

    def named(self) -> str:
        return self.embeddings.label

    def get(self, name: str) -> Embeddings:
        return self.embeddings


class Memory:
    """The most that this process and its children held at once, in MB: all of it, and what is not files of theirs."""

    def __enter__(self) -> Memory:
        self.peak = self.private = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            held = [_memory(process) for process in _family(os.getpid())]
            self.peak = max(self.peak, sum(each[0] for each in held))
            self.private = max(self.private, sum(each[1] for each in held))


def _family(process: int) -> Iterator[int]:
    yield process
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                yield from _family(int(child))
        except OSError:  # gone meanwhile
            continue


def _memory(process: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split()[0]: int(line.split()[1]) / 1000 for line in lines if "Rss" in line or "VmRSS" in line}
    return sizes.get("VmRSS:", 0.0), sizes.get("RssAnon:", 0.0)


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def work() -> float:
    """Seconds of processor time so far, of this process, all its threads, and children that ended.

    What else the machine does hardly changes it, while it makes everything take longer.
    """
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def read_and_hash(folder: Path) -> int:
    """Every byte below ``folder``, once; how many there are."""
    total = 0
    for name, _, files in os.walk(folder):
        for file in files:
            data = Path(name, file).read_bytes()
            hashlib.sha256(data).hexdigest()
            total += len(data)
    return total


def megabytes(folder: Path) -> float:
    """What is taken of the disk: an index's files are sparse."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 1e6


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
            self.load()

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
        self.asked = [_span(text, lots) for pair in zip(inside[:half], outside[:half], strict=False) for text in pair]
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

    def load(self) -> None:
        """A tenth of the documents changes, with nobody asking and then with somebody."""
        table = self.table
        table.title(f"Sync of a tenth of the documents, while {self.given.askers} ask one question after another")
        files = sorted(path for path in self.documents.rglob("*") if path.is_file())

        def change(turn: int) -> None:
            for path in files[turn::10]:
                path.write_bytes(path.read_bytes() + f"\n\nAmended in turn {turn}.\n".encode())

        change(1)
        alone = seconds(self.index.sync)
        table.add("sync alone", alone, "s", alone)
        idle = self._asking(lambda: time.sleep(min(20.0, alone)))
        change(2)
        busy = self._asking(self.index.sync)
        change(3)
        paced = self._asking(self.index.sync, self.given.askers / PACE)
        table.add("sync while they ask", busy.seconds, "s", alone)
        table.add(f"sync while they ask {PACE} a second", paced.seconds, "s", alone)
        table.add("questions a second without a sync", idle.rate, "/s", idle.rate)
        table.add("questions a second during it", busy.rate, "/s", idle.rate)
        for percent in PERCENTILES:
            reference = idle.percentile(percent)
            table.add(f"p{percent} without a sync", reference, "ms", reference)
            table.add(f"p{percent} during it", busy.percentile(percent), "ms", reference)
            table.add(f"p{percent} during it, {PACE} a second", paced.percentile(percent), "ms", reference)
        failed = [*idle.failed, *busy.failed, *paced.failed]
        table.add("questions that failed", len(failed), "", None, "goal: 0")
        for failure in failed[:3]:
            print(f"    {failure}")

    def _asking(self, do: Callable[[], object], pause: float = 0.0) -> Asked:
        """What askers see while ``do`` runs; each asks again at once, or every ``pause`` seconds."""
        asked, stop = Asked(), threading.Event()

        def ask(offset: int) -> None:
            turn = offset
            while not stop.is_set():
                began = time.perf_counter()
                try:
                    self.index.search(self.asked[turn % len(self.asked)], CALLER, K)
                except Exception as error:  # noqa: BLE001  whatever it is, it is a failed question
                    asked.failed.append(f"{type(error).__name__}: {error}")
                asked.times.append(time.perf_counter() - began)
                turn += 1
                stop.wait(max(0.0, began + pause - time.perf_counter()))

        threads = [threading.Thread(target=ask, args=(97 * number,)) for number in range(self.given.askers)]
        for thread in threads:
            thread.start()
        asked.seconds = seconds(do)
        stop.set()
        for thread in threads:
            thread.join()
        return asked


SEED_OF_QUESTIONS = 7


@dataclass
class Asked:
    """What askers saw while something went on for ``seconds``."""

    times: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, percent: int) -> float:
        return float(np.percentile(self.times, percent)) * 1000


def _span(text: str, lots: np.random.Generator) -> str:
    """Seven words in a row."""
    words = text.split()
    start = int(lots.integers(max(1, len(words) - 7)))
    return " ".join(words[start : start + 7])


def compare_search(
    bench: Bench,
    exact: Exact,
    searches: dict[str, Callable[[str, Principal], list[str]]],
    caller: Principal,
    questions: Sequence[str],
) -> None:
    """Each of ``searches`` and the exact scan, asked in turn, so that what else the machine does falls on all alike."""
    table, weight = bench.table, bench.settings.words_weight
    visible = exact.visible({folder.name for folder in folders() if folder.seen_by(caller)})

    def scan(question: str, _: Principal) -> list[str]:
        words = bench.store.analyser.question(question)
        tokens = sorted({token for word in words for token in word})
        return exact.search(tokens, bench.embeddings.embed_query(question), visible, K, weight)

    every = {"exact scan": scan, **searches}
    table.add("questions, all different", len(questions), "")
    table.add("passages", len(visible), "")
    table.add("  of them the caller may see", 100 * float(visible.mean()), "%")
    times: dict[str, list[float]] = {name: [] for name in every}
    worked: dict[str, list[float]] = {name: [] for name in every}
    recalls: dict[str, list[float]] = {name: [] for name in searches}
    for number, question in enumerate([*questions[:20], *questions]):
        found = {}
        for name, search in every.items():
            began, busy = time.perf_counter(), time.process_time()
            found[name] = search(question, caller)
            if number >= len(questions[:20]):
                times[name].append(time.perf_counter() - began)
                worked[name].append(time.process_time() - busy)
        right = set(found["exact scan"])
        for name in searches:
            if number >= len(questions[:20]) and right:
                recalls[name].append(len(right & set(found[name])) / len(right))
    for percent in PERCENTILES:
        reference = float(np.percentile(times["exact scan"], percent)) * 1000
        for name, taken in times.items():
            goal = "goal: at most 20 ms" if percent == 95 and name != "exact scan" else ""
            table.add(f"p{percent}, {name}", float(np.percentile(taken, percent)) * 1000, "ms", reference, goal)
    for name, busy_times in worked.items():
        table.add(f"processor time, p50, {name}", median(busy_times) * 1000, "ms", median(worked["exact scan"]) * 1000)
    for name, shares in recalls.items():
        table.add(f"recall@{K}, {name}", sum(shares) / len(shares), "", None, "goal: at least 0.95")


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
