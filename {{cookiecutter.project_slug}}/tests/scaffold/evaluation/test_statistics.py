"""Wilson's interval against published and hand-checked values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.evaluation.statistics import wilson


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
