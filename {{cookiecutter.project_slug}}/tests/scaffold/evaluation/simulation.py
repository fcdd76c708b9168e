"""Invented pairs of runs of which the truth is known, decided by the code that decides real ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile
from {{ cookiecutter.package_name }}.scaffold.evaluation.margins import compared, decide
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import Against, Verdict
from {{ cookiecutter.package_name }}.scaffold.evaluation.relative import changes

STEADY = 0.8
"""Share of the cases that always pass, of those that always do the same."""

TOPICS, LEVELS, LOCALES = 6, 3, 2
"""Every case has one of each, and a caller who follows from its topic: 14 slices that overlap."""


Scores = dict[str, dict[str, float]]


def suite(margin: float, metric: str = "correctness") -> SuiteFile:
    thresholds = {metric: {"margin": margin}}
    return SuiteFile.model_validate({"name": "invented", "dataset": "d", "thresholds": thresholds})


def pairs_of_runs(
    times: int,
    n: int,
    discordance: float,
    repeat: int = 1,
    loss: float = 0,
    in_one_topic: bool = False,
    margin: float = 0.05,
    seed: int = 1,
) -> Iterator[list[Verdict]]:
    """The verdicts on ``times`` pairs of runs with ``n`` cases, each asked ``repeat`` times.

    ``discordance``: share of the cases that end otherwise when they are asked once more while nothing changed. They
    come from cases that are answered rightly every second time. ``loss``: share of the cases that are answered rightly
    before and never after, spread over all cases or all in one topic.
    """
    lots, demanded = np.random.default_rng(seed), suite(margin)
    for _ in range(times):
        kind = lots.random(n)
        chance = np.where(kind < 2 * discordance, 0.5, np.where(lots.random(n) < STEADY, 1.0, 0.0))
        labels = sliced(lots, n)
        topic = labels[0]
        losing = (chance == 1) & ((topic == 0) if in_one_topic else True)
        hit = loss / ((1 - 2 * discordance) * STEADY / (TOPICS if in_one_topic else 1))
        after = np.where(losing & (lots.random(n) < hit), 0.0, chance)
        old, new = (
            {str(i): {"correctness": float(score)} for i, score in enumerate(lots.binomial(repeat, chances) / repeat)}
            for chances in (chance, after)
        )
        yield decided(old, new, labels, demanded)


def pairs_of_costs(
    times: int, n: int, noise: float, rise: float = 0, in_few: bool = False, margin: float = 0.1, seed: int = 1
) -> Iterator[list[Verdict]]:
    """The verdicts on ``times`` pairs of runs in which each of ``n`` cases costs something.

    What a case costs by its nature is log-normal (sigma 0.8: the dearest of 20 costs five times the median), and so is
    ``noise``, by which it costs more or less each time that it is asked. ``rise``: so much more all of them cost, or in
    the mean, where it is one in twenty that costs more (``in_few``), as a retry or a loop would.
    """
    lots, demanded = np.random.default_rng(seed), suite(margin, "cost")
    for _ in range(times):
        labels = sliced(lots, n)
        nature = lots.lognormal(0, 0.8, n)
        factor = np.where(lots.random(n) < 0.05, 1 + rise / 0.05, 1) if in_few else np.full(n, 1 + rise)
        old, new = (
            {str(i): {"cost": float(cost)} for i, cost in enumerate(costs * lots.lognormal(0, noise, n))}
            for costs in (nature, nature * factor)
        )
        yield decided(old, new, labels, demanded)


def sliced(lots: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Topic, level and locale of each case."""
    topic, level, locale = (lots.integers(parts, size=n) for parts in (TOPICS, LEVELS, LOCALES))
    return topic, level, locale


def decided(old: Scores, new: Scores, labels: tuple[np.ndarray, ...], demanded: SuiteFile) -> list[Verdict]:
    """What the code says of the pair; scores or measures, as the suite demands."""
    slices: dict[str, list[str]] = {}
    for i, (a, b, c) in enumerate(zip(*labels, strict=True)):
        for label in (f"topic:{a}", f"caller:{a % 3}", f"level:{b}", f"locale:{c}"):
            slices.setdefault(label, []).append(str(i))
    measured = "cost" in demanded.thresholds
    margins = {name: each.margin or 0 for name, each in demanded.thresholds.items()}

    def compare(old: Scores, new: Scores, ids: list[str]) -> dict[str, Any]:
        return changes(old, new, ids, margins) if measured else compared(old, new, ids)

    whole, parts = compare(old, new, list(old)), {label: compare(old, new, slices[label]) for label in sorted(slices)}
    found = Against(
        baseline="invented",
        accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
        left_out=[],
        changed=[],
        metrics={} if measured else whole,
        slices={label: {} for label in parts} if measured else parts,
        measures=whole if measured else {},
        measure_slices=parts if measured else {},
    )
    return list(decide(found, demanded))


def share_red(verdicts: list[list[Verdict]]) -> float:
    """Share of the runs that did not pass."""
    return float(np.mean([not all(verdict.passed for verdict in each) for each in verdicts]))


def share_missed(verdicts: list[list[Verdict]]) -> float:
    """Share of the runs of which it is said that they lost, rather than that the evidence is not enough."""
    return float(np.mean([any(verdict.outcome == "missed" for verdict in each) for each in verdicts]))
