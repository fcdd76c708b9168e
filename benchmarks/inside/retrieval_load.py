"""Questions while a sync goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from retrieval_corpus import CALLER
from retrieval_measures import PERCENTILES, seconds
from retrieval_search import K

if TYPE_CHECKING:
    from retrieval import Bench

PACE = 10
"""Questions a second of a service that is in use."""


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


def load(bench: Bench) -> None:
    """A tenth of the documents changes, with nobody asking and then with somebody."""
    table = bench.table
    table.title(f"Sync of a tenth of the documents, while {bench.given.askers} ask one question after another")
    files = sorted(path for path in bench.documents.rglob("*") if path.is_file())

    def change(turn: int) -> None:
        for path in files[turn::10]:
            path.write_bytes(path.read_bytes() + f"\n\nAmended in turn {turn}.\n".encode())

    change(1)
    alone = seconds(bench.index.sync)
    table.add("sync alone", alone, "s", alone)
    idle = _asking(bench, lambda: time.sleep(min(20.0, alone)))
    change(2)
    busy = _asking(bench, bench.index.sync)
    change(3)
    paced = _asking(bench, bench.index.sync, bench.given.askers / PACE)
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


def _asking(bench: Bench, do: Callable[[], object], pause: float = 0.0) -> Asked:
    """What askers see while ``do`` runs; each asks again at once, or every ``pause`` seconds."""
    asked, stop = Asked(), threading.Event()

    def ask(offset: int) -> None:
        turn = offset
        while not stop.is_set():
            began = time.perf_counter()
            try:
                bench.index.search(bench.asked[turn % len(bench.asked)], CALLER, K)
            except Exception as error:  # noqa: BLE001  whatever it is, it is a failed question
                asked.failed.append(f"{type(error).__name__}: {error}")
            asked.times.append(time.perf_counter() - began)
            turn += 1
            stop.wait(max(0.0, began + pause - time.perf_counter()))

    threads = [threading.Thread(target=ask, args=(97 * number,)) for number in range(bench.given.askers)]
    for thread in threads:
        thread.start()
    asked.seconds = seconds(do)
    stop.set()
    for thread in threads:
        thread.join()
    return asked
