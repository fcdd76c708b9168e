"""Search against an exact scan of the same passages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from acme_assistant.scaffold.governance.principal import Principal
from retrieval_corpus import folders
from retrieval_exact import Exact
from retrieval_measures import PERCENTILES

if TYPE_CHECKING:
    from retrieval import Bench

K = 10
"""Passages that are asked for."""


def span(text: str, lots: np.random.Generator) -> str:
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
