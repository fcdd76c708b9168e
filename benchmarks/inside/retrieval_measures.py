"""How the benchmarks of retrieval measure, and how they tell."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
