"""How sure a number of cases makes us."""

from __future__ import annotations

from math import comb, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson(successes: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a rate: lower and upper bound, both in 0..1.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
    Statistical Association 22 (1927), 209-212. Nothing observed means nothing known: ``n`` = 0 gives (0, 1).
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
