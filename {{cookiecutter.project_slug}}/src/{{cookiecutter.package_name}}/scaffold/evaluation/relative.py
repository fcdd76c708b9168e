"""How much more a measure came to than in the baseline: time, cost and tokens, of which less is better.

Tokens are counted and costs follow from them by a price list, so that both can be compared wherever they were measured.
Times can not: they are the machine's and the moment's as well.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from math import inf, isinf
from statistics import fmean

from pydantic import Field

from ..config import Strict
from .graders import MEASURES
from .statistics import ratio_bounds, rise

TIMED = tuple(name for name, unit in MEASURES.items() if unit == "s")
REPLAYED = "replayed"
NAMED = 5
"""Cases that rose most, named for each measure."""


class Change(Strict):
    """One measure of a run and of the baseline, over the cases of which both have it."""

    n: int
    before: float = Field(description="Mean, in the unit of graders.MEASURES.")
    after: float
    low: float = Field(description="One-sided 95 % bounds of the change, as a share of ``before``.")
    high: float | None = Field(description="None where nothing bounds it: ``before`` is 0, or the cases are too few.")
    rose: list[str] = Field(description="Ids of the few cases that rose most, most first.")
    margin: float = Field(default=0, description="The rise that is allowed over all cases, as a share.")
    p: float = Field(description="How likely chance alone makes it rise so much where it truly rose by the margin.")

    @property
    def share(self) -> float:
        """The change as a share of ``before``; infinite where something comes of nothing."""
        return self.after / self.before - 1 if self.before else inf if self.after else 0.0


def changes(
    old: Mapping[str, Mapping[str, float]],
    new: Mapping[str, Mapping[str, float]],
    ids: Iterable[str],
    margins: Mapping[str, float],
) -> dict[str, Change]:
    """Every measure that both have of some of the cases ``ids``; ``margins`` by measure, where one is set."""
    return {name: change(before, after, margins.get(name, 0)) for name, before, after in on_both_sides(old, new, ids)}


def on_both_sides(
    old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]], ids: Iterable[str]
) -> Iterator[tuple[str, dict[str, float], dict[str, float]]]:
    """Each name that both have of some of the cases ``ids``, with its values by case on either side."""
    shared: dict[str, list[str]] = {}
    for id_ in ids:
        for name in new[id_].keys() & old[id_].keys():
            shared.setdefault(name, []).append(id_)
    for name, having in sorted(shared.items()):
        yield name, {i: old[i][name] for i in having}, {i: new[i][name] for i in having}


def change(before: Mapping[str, float], after: Mapping[str, float], margin: float) -> Change:
    """One measure by case, on both sides."""
    values = list(before.values()), [after[case] for case in before]
    low, high = ratio_bounds(*values)
    rose = sorted((case for case in before if after[case] > before[case]), key=lambda case: before[case] - after[case])
    return Change(
        n=len(before),
        before=fmean(values[0]),
        after=fmean(values[1]),
        low=low,
        high=None if isinf(high) else high,
        rose=rose[:NAMED],
        margin=margin,
        p=rise([(1 + margin) * value for value in values[0]], values[1]),
    )


def times(calls: str, concurrency: int) -> str:
    """Where and how a run's times are taken: those of two runs are comparable where this is the same.

    The machine's name is hashed, since baselines are shown around.
    """
    if calls == REPLAYED:
        return REPLAYED
    machine = f"{platform.node()} {platform.machine()} {os.cpu_count()}"
    return f"{concurrency} at a time on machine {hashlib.sha256(machine.encode()).hexdigest()[:12]}"


def incomparable(before: str, now: str) -> str:
    """Why times of the baseline and of a run say nothing about each other; empty where they do."""
    if before == now and now not in ("", REPLAYED):
        return ""
    then, here = (side or "nobody knows where" for side in (before, now))
    return f"times of the baseline were taken {then}, those of now {here}, so that they say nothing about each other"
