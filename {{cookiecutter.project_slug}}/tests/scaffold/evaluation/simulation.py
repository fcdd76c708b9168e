"""Invented pairs of runs of which the truth is known, decided by the code that decides real ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import compared, decide
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import Against, Verdict

STEADY = 0.8
"""Share of the cases that always pass, of those that always do the same."""

TOPICS, LEVELS, LOCALES = 6, 3, 2
"""Every case has one of each, and a caller who follows from its topic: 14 slices that overlap."""


def suite(margin: float) -> SuiteFile:
    thresholds = {"correctness": {"margin": margin}}
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
        topic, level, locale = (lots.integers(parts, size=n) for parts in (TOPICS, LEVELS, LOCALES))
        losing = (chance == 1) & ((topic == 0) if in_one_topic else True)
        hit = loss / ((1 - 2 * discordance) * STEADY / (TOPICS if in_one_topic else 1))
        after = np.where(losing & (lots.random(n) < hit), 0.0, chance)
        old, new = (
            {str(i): {"correctness": float(score)} for i, score in enumerate(lots.binomial(repeat, chances) / repeat)}
            for chances in (chance, after)
        )
        slices: dict[str, list[str]] = {}
        for i, (a, b, c) in enumerate(zip(topic, level, locale, strict=True)):
            for label in (f"topic:{a}", f"caller:{a % 3}", f"level:{b}", f"locale:{c}"):
                slices.setdefault(label, []).append(str(i))
        found = Against(
            baseline="invented",
            accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
            left_out=[],
            changed=[],
            metrics=compared(old, new, list(old)),
            slices={label: compared(old, new, slices[label]) for label in sorted(slices)},
        )
        yield list(decide(found, demanded))


def share_red(verdicts: list[list[Verdict]]) -> float:
    """Share of the runs that did not pass."""
    return float(np.mean([not all(verdict.passed for verdict in each) for each in verdicts]))


def share_missed(verdicts: list[list[Verdict]]) -> float:
    """Share of the runs of which it is said that they lost, rather than that the evidence is not enough."""
    return float(np.mean([any(verdict.outcome == "missed" for verdict in each) for each in verdicts]))
