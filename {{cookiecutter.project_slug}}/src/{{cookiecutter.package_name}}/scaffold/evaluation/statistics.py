"""How sure a number of cases makes us."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, copysign, exp, inf, log1p, sqrt
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2_000
"""Samples of the bootstrap: its own error at the ends of a 95 % interval is then a few hundredths of its width."""
SIGNIFICANCE = 1 - CONFIDENCE
"""Level of every one-sided test and bound."""
LATTICE = 60
"""Scores are mostly yes and no, or simple fractions; their differences are so many parts of 1."""
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
    means = _resampled_means(values, len(values))
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def quantile_bounds(values: Sequence[float], share: float = 0.95) -> tuple[float | None, float | None]:
    """One-sided 95 % bounds of what a ``share`` of all values stays below, whatever their distribution.

    Each is one of ``values``, by its rank: G. J. Hahn, W. Q. Meeker, "Statistical Intervals" (1991), section 5.2. None
    where there are too few of them: an upper bound of 95 in 100 takes 59 values.
    """
    ranked, n = sorted(values), len(values)
    below = binomial(np.array([n]), np.arange(n), share)[0].cumsum()
    low, high = int(np.searchsorted(below, SIGNIFICANCE, "right")) - 1, int(np.searchsorted(below, CONFIDENCE))
    return ranked[low] if low >= 0 else None, ranked[high] if high < n else None


def paired_bounds(differences: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """One-sided 95 % bounds of the mean of ``differences``, a case each, in -1..1; the same for the same values.

    The percentile bootstrap over cases (Efron, Tibshirani 1993, chapter 13), so that the attempts of a case, of which
    ``differences`` hold the mean, stay together (A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their
    Application" (1997), section 3.8). What was never seen is never resampled: half a case that changed as much as can
    be is added to the side that is bounded, and the bound is never closer than what can hide where nothing changed,
    1 - 0.05^(1/n) (J. A. Hanley, A. Lippman-Hand, "If Nothing Goes Wrong, Is Everything All Right?", JAMA 249 (1983),
    1743-1745). ``benchmarks`` of the template measure how often the bound is wrong.
    """
    if not len(differences):
        raise ValueError("there is no mean of nothing")
    given = np.asarray(differences, dtype=float)
    return _lower_bound(given), -_lower_bound(-given)


def _lower_bound(given: np.ndarray) -> float:
    n, halves = len(given), np.append(np.repeat(given, 2), -1.0)
    steps = np.rint(halves * LATTICE).astype(int)
    if np.allclose(steps, halves * LATTICE, atol=1e-9):
        low = _quantile_of_sum(steps, n) / LATTICE / n
    else:
        low = float(np.quantile(_resampled_means(halves, n), SIGNIFICANCE))
    hidden = 1 - SIGNIFICANCE ** (1 / n)
    return float(max(-1.0, min(low, given.mean() - hidden)))


def _quantile_of_sum(steps: np.ndarray, n: int) -> int:
    """The 5 % quantile of the sum of ``n`` draws from the whole numbers ``steps``: the bootstrap without its noise.

    The distribution of a sum is the n-fold convolution, a power of the Fourier transform.
    """
    unit = int(np.gcd.reduce(steps))
    size = 1 << (2 * n * (LATTICE // unit)).bit_length()
    chances = np.bincount(steps // unit % size, minlength=size) / len(steps)
    mass = np.fft.irfft(np.fft.rfft(chances) ** n, size)
    below = np.cumsum(np.roll(mass, size // 2))
    return (int(np.searchsorted(below, SIGNIFICANCE)) - size // 2) * unit


def ratio_bounds(before: Sequence[float] | np.ndarray, after: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """One-sided 95 % bounds of the mean of ``after`` by the mean of ``before``, less 1; a case each, none below 0.

    E. C. Fieller, "Some Problems in Interval Estimation", Journal of the Royal Statistical Society B 16 (1954),
    175-185, with the quantile of Student's distribution. The upper bound is infinite where the mean of ``before`` is
    not known well enough to divide by. What was never seen has no spread: of n cases that all stayed alike, a share of
    1 - 0.05^(1/n) may still change (see ``paired_bounds``). Each of those is taken to double; no bound is closer.
    """
    old, new = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    n, x, y = len(old), float(old.mean()), float(new.mean())
    if x == 0 < y:
        return 0.0, inf
    change, hidden = y / x - 1 if x else 0.0, 1 - SIGNIFICANCE ** (1 / n)
    low, high = (change, change) if n > 1 or x == 0 else (-1.0, inf)
    if n > 1 and x:
        square = _student_quantile(n - 1) ** 2 / n
        (xx, xy), (_, yy) = (np.cov(old, new) * square).tolist()
        a, b, c = x * x - xx, x * y - xy, y * y - yy
        reach = sqrt(max(0.0, b * b - a * c))
        low, high = ((b - reach) / a - 1, (b + reach) / a - 1) if a > 0 else (-1.0, inf)
    return max(-1.0, min(low, change - hidden)), max(high, change + hidden)


def rise(before: Sequence[float] | np.ndarray, after: Sequence[float] | np.ndarray) -> float:
    """How likely chance alone makes the mean rise so much from ``before`` to ``after``: one-sided p-value, paired.

    Student's test of the differences ("The probable error of a mean", Biometrika 6 (1908), 1-25), but never below what
    the sign test can say of so few: 0.5^n.
    """
    differences = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    n, mean = len(differences), float(differences.mean())
    spread = float(differences.std(ddof=1)) / sqrt(n) if n > 1 else inf
    if spread:
        return max(_student_tail(mean / spread, n - 1), 0.5**n) if n > 1 else 1.0
    return 0.5**n if mean > 0 else 1.0


def _student_tail(t: float, freedom: int) -> float:
    """Probability of more than ``t`` by Student's distribution.

    D. L. Wallace, "Bounds on Normal Approximations to Student's and the Chi-Square Distributions", Annals of
    Mathematical Statistics 30 (1959), 1121-1130: off by less than 0.001 from 3 degrees of freedom on.
    """
    shrink = (8 * freedom + 1) / (8 * freedom + 3)
    return NormalDist().cdf(-copysign(shrink * sqrt(freedom * log1p(t * t / freedom)), t))


def _student_quantile(freedom: int) -> float:
    """What Student's distribution exceeds with a probability of 5 %: ``_student_tail`` inverted."""
    z = NormalDist().inv_cdf(CONFIDENCE) * (8 * freedom + 3) / (8 * freedom + 1)
    return sqrt(freedom * (exp(z * z / freedom) - 1))


def holm(p_values: Sequence[float], level: float = SIGNIFICANCE) -> list[bool]:
    """Which of several null hypotheses are rejected, so that any is wrongly with a probability of ``level`` at most.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979),
    65-70: the smallest p-value against ``level`` / m, the next against ``level`` / (m - 1), up to the first that is
    greater. It holds however the hypotheses depend on each other; slices overlap.
    """
    rejected = [False] * len(p_values)
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[at] > level / (len(p_values) - rank):
            break
        rejected[at] = True
    return rejected


def binomial(n: np.ndarray, k: np.ndarray, share: float) -> np.ndarray:
    """Probability of ``k`` (along a row) of ``n`` (along a column), by logarithms, since the factorials are huge."""
    trials, hits = np.broadcast_arrays(n.reshape(-1, 1), k)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n.max() + 1)))])
    within, share = hits <= trials, min(max(share, 1e-12), 1 - 1e-12)
    hits = np.where(within, hits, 0)
    ways = logs[trials] - logs[hits] - logs[trials - hits]
    return np.where(within, np.exp(ways + hits * np.log(share) + (trials - hits) * np.log1p(-share)), 0.0)


def _resampled_means(values: Sequence[float] | np.ndarray, size: int) -> np.ndarray:
    """Means of ``RESAMPLES`` samples of ``size`` from ``values``, with replacement; in parts, which bounds memory."""
    given, lots = np.asarray(values, dtype=float), np.random.default_rng(SEED)
    parts = (given[lots.integers(len(given), size=(250, size))].mean(axis=1) for _ in range(RESAMPLES // 250))
    return np.concatenate(list(parts))
