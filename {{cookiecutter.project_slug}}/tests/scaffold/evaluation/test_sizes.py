"""How many cases are promised to be enough, against the test and the bound that decide, computed and simulated."""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.scaffold.evaluation.sizes import (
    cases_to_hold,
    cases_to_see,
    chance_to_hold,
    chance_to_see,
    drop_seen,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation.statistics import mcnemar, paired_bounds

RARE = 1e-9


def exact(n: int, drop: float, discordance: float) -> float:
    """The chance that McNemar's exact test shows the loss: every outcome with whole numbers, none left out but rare."""
    change, total = drop + discordance, 0.0
    share = (change + drop) / 2 / change
    for changed in range(n + 1):
        some = comb(n, changed) * change**changed * (1 - change) ** (n - changed)
        if some > RARE:
            least = next(k for k in range(changed + 2) if mcnemar(k, changed - k) <= 0.05 or k > changed)
            worse = (comb(changed, k) * share**k * (1 - share) ** (changed - k) for k in range(least, changed + 1))
            total += some * sum(worse)
    return total


def simulated(n: int, margin: float, discordance: float) -> float:
    """The share of 4,000 pairs of runs without a change, of which the gate's bound keeps the margin."""

    @cache
    def kept(worse: int, better: int) -> bool:
        return paired_bounds(np.repeat([-1.0, 1.0, 0.0], [worse, better, n - worse - better]))[0] > -margin

    lots = np.random.default_rng(3).multinomial(n, [discordance / 2, discordance / 2, 1 - discordance], size=4000)
    return float(np.mean([kept(worse, better) for worse, better, _ in lots.tolist()]))


@pytest.mark.parametrize("power", [0.8, 0.95])
@pytest.mark.parametrize(("drop", "discordance"), [(0.05, 0.05), (0.05, 0.1), (0.1, 0.2), (0.1, 0.1), (0.2, 0.0)])
def test_so_many_cases_see_the_loss_as_often_as_promised(drop: float, discordance: float, power: float) -> None:
    n = cases_to_see(drop, discordance, power)
    assert exact(n, drop, discordance) == pytest.approx(chance_to_see(n, drop, discordance), abs=1e-6)
    assert exact(n, drop, discordance) >= power > exact(n - 1, drop, discordance) - 0.01
    assert all(chance_to_see(more, drop, discordance) > power - 0.01 for more in range(n, 2 * n, 3))


@pytest.mark.parametrize("power", [0.8, 0.95])
@pytest.mark.parametrize(("margin", "discordance"), [(0.05, 0.0), (0.05, 0.02), (0.05, 0.05), (0.05, 0.1), (0.1, 0.2)])
def test_so_many_cases_pass_a_margin_as_often_as_promised(margin: float, discordance: float, power: float) -> None:
    n = cases_to_hold(margin, discordance, power)
    assert simulated(n, margin, discordance) > power - 0.015  # of which 0.01 is the simulation's own error
    assert simulated(n, margin, discordance) == pytest.approx(chance_to_hold(n, margin, discordance), abs=0.03)
    assert all(chance_to_hold(more, margin, discordance) > power - 0.01 for more in range(n, 2 * n, 3))


@pytest.mark.parametrize(
    ("drop", "discordance", "see", "hold"),
    [
        (0.05, 0.0, 134, 59),  # up to the last, the table in docs/baselines.md
        (0.05, 0.02, 189, 141),
        (0.05, 0.05, 268, 261),
        (0.05, 0.1, 398, 461),
        (0.05, 0.2, 651, 901),
        (0.02, 0.1, 1940, 2751),
    ],
)
def test_power_of_some_sizes(drop: float, discordance: float, see: int, hold: int) -> None:
    assert (cases_to_see(drop, discordance), cases_to_hold(drop, discordance)) == (see, hold)
    assert drop_seen(see, discordance) <= drop < drop_seen(see - 5, discordance) + 0.001
    assert drop_seen(1, discordance) == 1


@pytest.mark.parametrize("asked", [1, 3])
def test_a_loss_is_seen_as_often_as_promised_where_scores_lie_between_yes_and_no(asked: int) -> None:
    """Cases that are answered rightly every second time, asked once or three times; then one in twenty never is."""
    lots = np.random.default_rng(3)

    def differences(n: int, loss: float) -> np.ndarray:
        before, after = lots.binomial(asked, 0.5, size=(2, n)) / asked
        return np.where(lots.random(n) < loss, -1.0, np.where(lots.random(n) < 0.2, after - before, 0.0))

    n = cases_to_see(0.05, float(np.mean(differences(100_000, loss=0) != 0)))
    runs = (differences(n, loss=0.05) for _ in range(1000))
    seen = [mcnemar(int((run < 0).sum()), int((run > 0).sum())) <= 0.05 for run in runs]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.03)


def test_small_losses_are_answered_too() -> None:
    """So many cases that not every number of them is looked at: the formulas for great numbers are right there."""
    assert cases_to_see(0.004, 0.2) == pytest.approx(0.204 * (1.6449 + 0.8416) ** 2 / 0.004**2, rel=0.01)
    assert cases_to_hold(0.004, 0.2) == pytest.approx(0.2 * (2 * 1.6449) ** 2 / 0.004**2, rel=0.01)
