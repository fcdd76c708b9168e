"""Whether a window of answers is distributed as a reference was: the population stability index, less its bias.

PSI = sum over bins of (now - before) * ln(now / before), of the shares in each bin; S. Kullback, R. A. Leibler, "On
Information and Sufficiency", Annals of Mathematical Statistics 22 (1951), 79-86, know it as the divergence J. Of two
samples it is above 0 also where nothing drifts: with n and m values in B bins, PSI / (1/n + 1/m) is then distributed as
chi-square with B - 1 degrees of freedom (B. Yurdakul, "Statistical Properties of Population Stability Index",
dissertation, Western Michigan University, 2018). Its mean, (B - 1)(1/n + 1/m), is taken off what is shown, and its tail
gives the p-value. The usual limits 0.1 and 0.25, whatever n and B, cry wolf in small windows and sleep in large ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import erfc, exp, fsum, gamma, log, sqrt
from typing import Literal

import numpy as np

BINS = 10
"""Of a number: between the reference's deciles."""
EXPECTED = 5
"""Least count to expect in a bin of either window (W. G. Cochran, "Some Methods for Strengthening the Common Chi-Square
Tests", Biometrics 10 (1954), 417-451); rarer categories are thrown together."""

Value = float | str
Columns = Mapping[str, Sequence[Value]]
"""Values by feature: numbers, or names of categories."""


@dataclass(frozen=True)
class Bin:
    """Shares of a bin, or of a category, in both windows."""

    label: str
    before: float
    now: float


@dataclass(frozen=True)
class Compared:
    """One feature. ``unclear``: fewer values than are needed, in one of the windows; no drift, and not none either."""

    feature: str
    outcome: Literal["steady", "minor", "major", "unclear"]
    n: int
    """Values in the recent window."""
    reference: int
    psi: float | None = None
    """Less its bias, so that it may be below 0; None where it is unclear."""
    p: float | None = None
    """How likely pure chance makes it this large."""
    bins: tuple[Bin, ...] = ()

    @property
    def drifts(self) -> bool:
        """Whether it is an alarm."""
        return self.outcome in ("minor", "major")


def compare(
    before: Columns, now: Columns, least: int, false_alarms: float, minor: float, major: float
) -> list[Compared]:
    """Every feature of ``before`` and ``now``, by name.

    Where nothing drifts there is an alarm, over all features together, with a probability of ``false_alarms`` at most:
    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979),
    65-70. What is certain, and smaller than ``minor``, is none either; from ``major`` on it is a major one.
    """
    names = sorted(before.keys() | now.keys())
    found = [_compared(name, before.get(name, ()), now.get(name, ()), least) for name in names]
    measured = sorted((each for each in found if each.p is not None), key=lambda each: each.p or 0)
    outcomes: dict[str, Literal["minor", "major"]] = {}
    for rank, each in enumerate(measured):
        if (each.p or 0) > level(false_alarms, len(measured) - rank):
            break
        if (each.psi or 0) >= minor:
            outcomes[each.feature] = "major" if (each.psi or 0) >= major else "minor"
    return [replace(each, outcome=outcomes.get(each.feature, each.outcome)) for each in found]


def level(false_alarms: float, left: int) -> float:
    """Holm's level for the most extreme of the features that are ``left``."""
    return false_alarms / left


def _compared(name: str, before: Sequence[Value], now: Sequence[Value], least: int) -> Compared:
    m, n = len(before), len(now)
    if min(m, n) < least:
        return Compared(name, "unclear", n, m)
    label = _binning(before)
    old, new = Counter(map(label, before)), Counter(map(label, now))
    psi, p = statistic([(old[each], new[each]) for each in old | new], m, n)
    order = sorted(old | new, key=lambda each: (each[0], -old[each], each[1]))
    return Compared(name, "steady", n, m, psi, p, tuple(Bin(key[1], old[key] / m, new[key] / n) for key in order))


def statistic(counts: Sequence[tuple[int, int]], before: int, now: int) -> tuple[float, float]:
    """PSI less its bias, and its p-value, of the counts per bin in windows of ``before`` and ``now`` values."""
    counts = pooled(counts, before, now)
    bins = len(counts)
    if bins < 2:
        return 0.0, 1.0
    psi = 0.0
    for old, new in counts:  # half a value more in each bin: the logarithm of none is not defined
        p, q = (old + 0.5) / (before + bins / 2), (new + 0.5) / (now + bins / 2)
        psi += (q - p) * log(q / p)
    spread = 1 / before + 1 / now
    return psi - (bins - 1) * spread, chi_square_tail(psi / spread, bins - 1)


def pooled(counts: Sequence[tuple[int, int]], before: int, now: int) -> list[tuple[int, int]]:
    """``counts`` with the bins that hold too few to be judged thrown together, and with the rarest of the others."""
    enough = EXPECTED * (before + now) / min(before, now)
    ordered = sorted(counts, key=sum, reverse=True)
    kept = [pair for pair in ordered if sum(pair) >= enough]
    rest = [pair for pair in ordered if sum(pair) < enough]
    if rest:
        together = (sum(old for old, _ in rest), sum(new for _, new in rest))
        if sum(together) < enough and kept:
            last = kept.pop()
            together = (together[0] + last[0], together[1] + last[1])
        kept.append(together)
    return kept


def chi_square_tail(value: float, degrees: int) -> float:
    """How likely a chi-square variable with so many degrees of freedom exceeds ``value``.

    M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions" (1964), 26.4.4 and 26.4.5.
    """
    if value <= 0:
        return 1.0
    half: float = value / 2
    if degrees % 2 == 0:
        return min(1.0, exp(-half) * fsum(half**k / gamma(k + 1) for k in range(degrees // 2)))
    terms = fsum(half ** (k + 0.5) / gamma(k + 1.5) for k in range((degrees - 1) // 2))
    return min(1.0, erfc(sqrt(half)) + exp(-half) * terms)


def _binning(before: Sequence[Value]) -> Callable[[Value], tuple[int, str]]:
    """Names the bin of a value, with its place in the order; numbers that take few values are categories."""
    if any(isinstance(value, str) for value in before) or len(set(before)) <= BINS:
        return lambda value: (0, value if isinstance(value, str) else f"{value:g}")
    edges = np.unique(np.quantile(np.asarray(before, dtype=float), np.arange(1, BINS) / BINS)).tolist()
    shown = [f"{edge:.3g}" if abs(edge) < 1000 else f"{edge:.0f}" for edge in edges]
    labels = [f"up to {shown[0]}", *(f"to {each}" for each in shown[1:]), f"above {shown[-1]}"]

    def bin_of(value: Value) -> tuple[int, str]:
        place = bisect_left(edges, float(value))
        return place, labels[place]

    return bin_of
