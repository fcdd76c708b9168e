"""How many cases it takes: the power of the test and of the bound that decide on a margin, for scores of yes and no.

Both look at the cases that changed. Of ``n`` cases a number changes that is binomial with the ``discordance``, of these
a number for the worse that is binomial as well: S. W. Duffy, "Asymptotic and Exact Power for the McNemar Test and Its
Analogue with R Controls per Case", Biometrics 40 (1984), 1005-1015. Summed over both, this is exact; formulas for great
numbers (Connor 1987, Lu and Bean 1995) promise too few cases.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor, sqrt
from statistics import NormalDist

import numpy as np

from .statistics import SIGNIFICANCE, binomial

REACH = 6
"""Standard deviations from the mean, beyond which nothing is summed."""
STEPS = 200
"""So many numbers of changed cases are looked at, evenly spread, where there are more."""


@lru_cache
def cases_to_see(drop: float, discordance: float, power: float = 0.8) -> int:
    """So many cases show a loss of ``drop`` with probability ``power``, by McNemar's exact test, one-sided at 5 %.

    ``discordance``: the share of the cases that change though nothing got worse, as many either way; those that are
    lost come on top.
    """
    return _least(lambda n: chance_to_see(n, drop, discordance) >= power)


@lru_cache
def cases_to_hold(margin: float, discordance: float, power: float = 0.95) -> int:
    """So many cases pass a ``margin`` with probability ``power`` where as many get better as get worse.

    ``discordance``: the share of the cases that change; of scores between yes and no their mean squared change.
    """
    return _least(lambda n: chance_to_hold(n, margin, discordance) >= power)


def drop_seen(cases: int, discordance: float, power: float = 0.8) -> float:
    """The smallest loss, in thousandths, that ``cases`` show with probability ``power``; 1 where none is seen."""
    seen = _least(lambda drop: drop > 999 or chance_to_see(cases, drop / 1000, discordance) >= power)
    return min(seen, 1000) / 1000


def chance_to_see(n: int, drop: float, discordance: float) -> float:
    """Probability that McNemar's exact test, one-sided at 5 %, shows a true loss of ``drop`` in ``n`` cases."""
    change = min(discordance + drop, 1)
    changed, worse, chances = _ways_to_change(n, change, (change + drop) / 2 / change)
    by_chance = binomial(changed, worse, 0.5)
    at_least = by_chance[:, ::-1].cumsum(axis=1)[:, ::-1]
    return float(chances[at_least <= SIGNIFICANCE].sum())


def chance_to_hold(n: int, margin: float, discordance: float) -> float:
    """Probability that ``statistics.paired_bounds`` keeps ``margin`` in ``n`` cases of which none truly got worse."""
    changed, worse, chances = _ways_to_change(n, discordance, 0.5)
    return float(chances[_lower_bound(n, changed, worse) > -margin].sum())


def _lower_bound(n: int, changed: np.ndarray, worse: np.ndarray) -> np.ndarray:
    """What ``statistics.paired_bounds`` answers, without resampling: with half a case more, and nothing closer than
    what can hide.

    E. A. Cornish, R. A. Fisher, "Moments and Cumulants in the Specification of Distributions", Revue de l'Institut
    International de Statistique 5 (1938), 307-320, to the skewness, of a sum of whole numbers.
    """
    better, size = changed - worse, 2 * n + 1
    mean, square = (2 * (better - worse) - 1) / size, (2 * changed + 1) / size
    variance = np.maximum(n * (square - mean**2), 1e-9)
    third = n * (mean - 3 * mean * square + 2 * mean**3)
    z = NormalDist().inv_cdf(SIGNIFICANCE)
    quantile = n * mean + z * np.sqrt(variance) + (z * z - 1) / 6 * third / variance
    hidden = 1 - SIGNIFICANCE ** (1 / n)
    return np.asarray(np.minimum(np.floor(quantile + 0.5) / n, (better - worse) / n - hidden))


def _ways_to_change(n: int, change: float, to_the_worse: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of changed cases (a column), of those for the worse (a row), and how likely each pair is (a table)."""
    low, high = _range(n, change)
    changed = np.arange(low, high + 1, 1 + (high - low) // STEPS)
    some = binomial(np.array([n]), changed, change)[0]
    (least, _), (_, most) = _range(low, min(to_the_worse, 0.5)), _range(high, max(to_the_worse, 0.5))
    worse = np.arange(least, most + 1)
    return changed[:, None], worse, (some / some.sum())[:, None] * binomial(changed, worse, to_the_worse)


def _range(n: int, share: float) -> tuple[int, int]:
    """Between which two numbers a binomial variable lies, but for a chance in a thousand million."""
    reach = REACH * sqrt(n * share * (1 - share)) + REACH
    return max(0, floor(n * share - reach)), min(n, ceil(n * share + reach))


def _least(enough: Callable[[int], bool]) -> int:
    """The smallest number that is enough, from 1."""
    few, many = 0, 1
    while not enough(many):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many
