"""How sure a number of cases makes us."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2_000
"""Samples of the bootstrap: its own error at the ends of a 95 % interval is then a few hundredths of its width."""
SEED = 20_01
"""Fixed, so that the same answers give the same verdict."""


def wilson(successes: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a rate, or of the mean of scores in 0..1: lower and upper bound, both in 0..1.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
    Statistical Association 22 (1927), 209-212. Nothing observed means nothing known: ``n`` = 0 gives (0, 1). Scores
    between 0 and 1 vary less than yes and no with the same mean (R. Bhatia, C. Davis, "A Better Bound on the Variance",
    American Mathematical Monthly 107 (2000), 353-357), so that for them the interval is wider than need be, never
    narrower.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie in 0..n, not {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    reach = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def mcnemar(worse: int, better: int) -> float:
    """How likely pure chance makes at least ``worse`` of all pairs that changed go the wrong way: one-sided p-value.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947), 153-157, exact: of n pairs that changed, each is as likely to go either way, a binomial
    distribution with 1/2. Nothing changed gives 1.
    """
    n = worse + better
    return float(sum(comb(n, k) for k in range(worse, n + 1)) / 2**n)


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of ``values``, in their unit; the same for the same values.

    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Empty ``values`` raise
    ``ValueError``.
    """
    if not len(values):
        raise ValueError("there is no mean of nothing")
    means = _resampled_means(values)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _resampled_means(values: Sequence[float]) -> np.ndarray:
    """Means of ``RESAMPLES`` samples of ``values`` with replacement; in parts, so that memory stays bounded."""
    given, lots = np.asarray(values, dtype=float), np.random.default_rng(SEED)
    parts = (given[lots.integers(len(given), size=(250, len(given)))].mean(axis=1) for _ in range(RESAMPLES // 250))
    return np.concatenate(list(parts))
