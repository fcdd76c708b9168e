"""Intervals and tests against published and hand-checked values, and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.evaluation.statistics import (
    holm,
    mcnemar,
    paired_bounds,
    quantile_bounds,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (95, 100, 0.888, 0.978),
        (475, 500, 0.927, 0.966),
        (1900, 2000, 0.940, 0.959),
        (81, 263, 0.255, 0.366),  # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
        (15, 148, 0.062, 0.160),  # the same
        (0, 20, 0.000, 0.161),  # the same
        (1, 29, 0.006, 0.172),  # the same
        (20, 20, 0.839, 1.000),
        (0, 0, 0.000, 1.000),
    ],
)
def test_the_interval_is_wilsons(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_more_successes_than_trials_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=r"successes must lie in 0\.\.n"):
        wilson(successes, n)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate_and_narrows_with_more_of_the_same(observed: tuple[int, int]) -> None:
    successes, n = observed
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1
    wider_low, wider_high = wilson(successes * 4, n * 4)
    assert wider_high - wider_low < high - low


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [
        (0, 0, 1.0),
        (0, 5, 1.0),
        (1, 1, 0.75),
        (5, 0, 1 / 32),
        (7, 0, 1 / 128),
        (10, 2, 79 / 4096),  # counted by hand: (1 + 12 + 66) / 2**12
        (15, 5, 21700 / 1048576),  # (1 + 20 + 190 + 1140 + 4845 + 15504) / 2**20
    ],
)
def test_the_p_value_is_the_binomial_tail(worse: int, better: int, p: float) -> None:
    assert mcnemar(worse, better) == pytest.approx(p)


@given(st.integers(0, 300), st.integers(0, 300))
def test_more_for_the_worse_is_never_likelier_by_chance(worse: int, better: int) -> None:
    assert mcnemar(worse + 1, better) <= mcnemar(worse, better) <= mcnemar(worse, better + 1) <= 1


@pytest.mark.parametrize(
    ("differences", "low", "high"),
    [
        ([0.0] * 59, -0.0495, 0.0495),  # nothing changed: 1 - 0.05^(1/59) can hide
        ([-1.0] * 25 + [0.0] * 475, -0.068, -0.034),  # exact: 0.0694 at most (Clopper, Pearson 1934), 25 of 500
        ([0.5] * 10, 0.2, 0.7589),
        ([-1.0], -1, 1),  # one case knows nothing
    ],
)
def test_the_bounds_of_a_mean_difference(differences: list[float], low: float, high: float) -> None:
    assert paired_bounds(differences) == pytest.approx((low, high), abs=2e-3)


def test_the_bounds_are_mirrored_repeatable_and_the_same_on_both_ways_of_resampling() -> None:
    given = np.random.default_rng(1).choice([-1, -0.5, 0, 0, 0, 1], size=300)
    low, high = paired_bounds(given)
    assert paired_bounds(-given) == pytest.approx((-high, -low))
    assert paired_bounds(given) == (low, high)
    many = given + np.arange(300) * 1e-9  # as many different values as cases
    assert paired_bounds(many) == pytest.approx((low, high), abs=0.01)
    with pytest.raises(ValueError, match="no mean of nothing"):
        paired_bounds([])


@pytest.mark.parametrize(
    ("p_values", "rejected"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # 0.005 ≤ 1/80, 0.01 ≤ 1/60, 0.03 > 1/40
        ([0.03, 0.03], [False, False]),
        ([0.024, 0.05], [True, True]),
        ([0.2, 0.0], [False, True]),
    ],
)
def test_holm_stops_at_the_first_that_is_not_significant(p_values: list[float], rejected: list[bool]) -> None:
    assert holm(p_values) == rejected


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(1, None, None), (10, 8, None), (58, 52, None), (59, 53, 59), (92, 84, 92), (93, 85, 92), (500, 467, 484)],
)
def test_the_bounds_of_a_quantile_are_certain_values(n: int, low: int | None, high: int | None) -> None:
    assert quantile_bounds(range(n, 0, -1)) == (low, high)


@pytest.mark.parametrize("n", [59, 100, 300])
def test_the_bounds_of_a_quantile_are_wrong_one_time_in_twenty(n: int) -> None:
    """Of log-normal times, as latencies are: neither bound is on the wrong side more often, nor hardly ever."""
    found = [quantile_bounds(times) for times in np.random.default_rng(1).lognormal(0, 1, (4000, n)).tolist()]
    true = np.exp(1.6449)
    too_high = np.mean([low is not None and low > true for low, _ in found])
    too_low = np.mean([high is not None and high < true for _, high in found])
    assert 0.01 < too_high < 0.06
    assert 0.01 < too_low < 0.06
