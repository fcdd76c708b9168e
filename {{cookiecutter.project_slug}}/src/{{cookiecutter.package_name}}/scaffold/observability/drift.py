"""Whether a window of answers is distributed as a reference was: the population stability index, less its bias.

PSI = sum over bins of (now - before) * ln(now / before), of the shares in each bin; S. Kullback, R. A. Leibler, "On
Information and Sufficiency", Annals of Mathematical Statistics 22 (1951), 79-86, know it as the divergence J. Of two
samples it is above 0 also where nothing drifts: with n and m values in B bins, PSI / (1/n + 1/m) is then distributed as
chi-square with B - 1 degrees of freedom (B. Yurdakul, "Statistical Properties of Population Stability Index",
dissertation, Western Michigan University, 2018). Its mean, (B - 1)(1/n + 1/m), is taken off what is shown, and its tail
gives the p-value. The usual limits 0.1 and 0.25, whatever n and B, cry wolf in small windows and sleep in large ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import erfc, exp, fsum, lgamma, log, sqrt
from typing import Literal

import numpy as np

BINS = 10
"""Of a number: between the reference's deciles."""
EXPECTED = 2
"""Least count to expect in a bin of either window; rarer categories are thrown together. With 1, 3 or the usual 5 the
p-value is no better (simulated: 20,000 pairs of windows for each of six distributions), and with 5 less is seen."""

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
    counts = _categories(before, now) if _named(before) else _ranges(before, now)
    psi, p = statistic([(old, new) for _, old, new in counts], m, n)
    return Compared(name, "steady", n, m, psi, p, tuple(Bin(label, old / m, new / n) for label, old, new in counts))


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

    M. Abramowitz, I. A. Stegun, "Handbook of Mathematical Functions" (1964), 26.4.4 and 26.4.5. Each term is computed
    by its logarithm: of some hundred degrees, its power and its gamma function are beyond what a number can hold.
    """
    if value <= 0:
        return 1.0
    half = value / 2
    scale, odd = log(half), degrees % 2
    terms = fsum(exp((k + odd / 2) * scale - half - lgamma(k + 1 + odd / 2)) for k in range(degrees // 2))
    return min(1.0, erfc(sqrt(half)) + terms if odd else terms)


def _named(before: Sequence[Value]) -> bool:
    """Whether values are categories: names, and numbers that take few values."""
    return isinstance(before[0], str) or len(set(before)) <= BINS


def _categories(before: Sequence[Value], now: Sequence[Value]) -> list[tuple[str, int, int]]:
    """Name, and count in either window; the most frequent of the reference first, unseen ones last."""
    old, new = Counter(before), Counter(now)
    names = sorted(old | new, key=lambda value: (-old[value], -new[value]))
    return [(value if isinstance(value, str) else f"{value:g}", old[value], new[value]) for value in names]


def _ranges(before: Sequence[Value], now: Sequence[Value]) -> list[tuple[str, int, int]]:
    """The same between the deciles of ``before``, in their order."""
    old, new = np.asarray(before, dtype=float), np.asarray(now, dtype=float)
    edges = np.unique(np.quantile(old, np.arange(1, BINS) / BINS))
    shown = [f"{edge:.3g}" if abs(edge) < 1000 else f"{edge:.0f}" for edge in edges]
    labels = [f"up to {shown[0]}", *(f"to {each}" for each in shown[1:]), f"above {shown[-1]}"]
    counts = [np.bincount(np.searchsorted(edges, values), minlength=len(labels)).tolist() for values in (old, new)]
    return list(zip(labels, *counts, strict=True))
