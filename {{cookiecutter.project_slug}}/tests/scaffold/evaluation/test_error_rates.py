"""How often the comparison with the baseline is wrong, by simulation; few rounds, so the limits are wider than the goal.

``make bench-evaluation`` of the template measures the same with many rounds and writes the table.
"""

from __future__ import annotations

import pytest

from tests.scaffold.evaluation.simulation import pairs_of_costs, pairs_of_runs, share_missed, share_red

ROUNDS = 60


@pytest.mark.parametrize(("discordance", "repeat"), [(0.0, 1), (0.05, 1), (0.1, 1), (0.2, 3)])
def test_where_nothing_changed_the_gate_is_rarely_red(discordance: float, repeat: int) -> None:
    found = list(pairs_of_runs(ROUNDS, 500, discordance, repeat))
    assert share_red(found) <= 0.12
    assert share_missed(found) <= 0.1


@pytest.mark.parametrize(("discordance", "repeat"), [(0.0, 1), (0.1, 1), (0.2, 1), (0.2, 3)])
def test_a_loss_of_five_points_in_500_cases_is_red(discordance: float, repeat: int) -> None:
    assert share_red(list(pairs_of_runs(ROUNDS, 500, discordance, repeat, loss=0.05))) >= 0.9


def test_few_cases_are_never_a_pass() -> None:
    assert share_red(list(pairs_of_runs(20, 50, 0.0))) == 1
    assert share_missed(list(pairs_of_runs(ROUNDS, 50, 0.2))) <= 0.1


def test_a_slice_that_loses_is_red_although_the_whole_keeps_its_margin() -> None:
    found = list(pairs_of_runs(ROUNDS, 1000, 0.05, loss=0.025, in_one_topic=True))
    whole = [verdict.passed for each in found for verdict in each if not verdict.slice]
    assert sum(whole) / len(whole) >= 0.8
    assert share_missed(found) >= 0.8


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_where_nothing_became_dearer_the_margin_of_a_measure_is_rarely_red(noise: float) -> None:
    found = list(pairs_of_costs(ROUNDS, 500, noise))
    assert share_red(found) <= 0.12
    assert share_missed(found) <= 0.05


@pytest.mark.parametrize(("noise", "in_few"), [(0.0, False), (0.1, False), (0.3, False), (0.0, True), (0.3, True)])
def test_a_fifth_more_in_500_cases_is_red(noise: float, in_few: bool) -> None:
    assert share_red(list(pairs_of_costs(ROUNDS, 500, noise, rise=0.2, in_few=in_few))) >= 0.9


def test_a_rise_as_great_as_the_margin_hardly_ever_passes() -> None:
    assert share_red(list(pairs_of_costs(2 * ROUNDS, 200, 0.3, rise=0.1))) >= 0.88
