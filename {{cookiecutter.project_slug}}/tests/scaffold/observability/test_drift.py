"""Drift is told from chance: named where it is there, and seldom where it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.scaffold.observability.drift import (
    Compared,
    Value,
    chi_square_tail,
    compare,
    pooled,
    statistic,
)

LEAST, FALSE_ALARMS, MINOR, MAJOR = 50, 0.01, 0.01, 0.25


def compared(before: Sequence[Value], now: Sequence[Value]) -> Compared:
    [found] = compare({"f": before}, {"f": now}, LEAST, FALSE_ALARMS, MINOR, MAJOR)
    return found


def numbers(seed: int, n: int, shift: float = 0) -> list[Value]:
    lots = Random(seed)
    return [lots.gauss(shift, 1) for _ in range(n)]


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [
        (3.841, 1, 0.05),
        (5.991, 2, 0.05),
        (7.815, 3, 0.05),
        (16.919, 9, 0.05),
        (21.666, 9, 0.01),
        (29.588, 10, 0.001),
        (0, 4, 1),
    ],
)
def test_the_tail_is_that_of_the_tables(value: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(tail, rel=1e-3)


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [
        (1, 1, 0.31731050786291115),
        (300, 343, 0.9544975147254339),
        (400, 344, 0.01998239824396629),
        (400, 345, 0.021851200786276056),
        (1000, 999, 0.48513148927490146),
        (2000, 1001, 5.867332807196935e-69),
        (10200, 10001, 0.08037517563898351),
        (20600, 20000, 0.0014704948963856813),
        (99000, 100001, 0.9875938708790054),
    ],
)
def test_the_tail_of_many_degrees_is_scipys(value: float, degrees: int, tail: float) -> None:
    """``scipy.stats.chi2.sf`` of scipy 1.17.1."""
    assert chi_square_tail(value, degrees) == pytest.approx(tail, rel=1e-10)


def test_a_question_with_hundreds_of_categories_is_compared() -> None:
    names = [str(n) for n in range(500)] * 20
    assert (compared(names, names).outcome, compared(names, names).p) == ("steady", 1)


def test_the_psi_is_the_textbooks_less_its_bias() -> None:
    psi, p = statistic([(5000, 4000), (5000, 6000)], 10_000, 10_000)
    raw = (0.4 - 0.5) * math.log(0.4 / 0.5) + (0.6 - 0.5) * math.log(0.6 / 0.5)
    assert psi == pytest.approx(raw - 2 / 10_000, rel=1e-3)
    assert p < 1e-40


def test_without_drift_the_psi_is_around_nought_and_its_tail_is_a_probability() -> None:
    found = [compared(numbers(2 * seed, 1000), numbers(2 * seed + 1, 200)) for seed in range(300)]
    mean = sum(each.psi or 0 for each in found) / len(found)
    assert abs(mean) < 0.1 * 9 * (1 / 1000 + 1 / 200)  # the bias that was taken off
    assert sum((each.p or 0) < 0.05 for each in found) / len(found) == pytest.approx(0.05, abs=0.035)


def test_chance_raises_an_alarm_over_all_features_as_seldom_as_is_configured() -> None:
    alarms = 0
    for seed in range(200):
        before = {str(each): numbers(100 * seed + each, 600) for each in range(12)}
        now = {str(each): numbers(100 * seed + 50 + each, 100) for each in range(12)}
        alarms += any(each.drifts for each in compare(before, now, LEAST, 0.05, 0, MAJOR))
    assert alarms / 200 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize(
    ("before", "now", "outcome"),
    [
        (["en"] * 1000, ["en"] * 450 + ["fr"] * 50, "major"),  # a language that nobody has seen before
        (["refused"] * 50 + ["answered"] * 950, ["refused"] * 75 + ["answered"] * 425, "minor"),
        (numbers(1, 1000), numbers(2, 500, shift=1), "major"),
        (numbers(1, 1000), numbers(2, 500), "steady"),
        ([0.0] * 1000, [0.0] * 400 + [0.02] * 100, "major"),  # what never cost anything
        ([0.0] * 1000, [0.0] * 500, "steady"),
        (["a"] * 1000, ["a"] * 49, "unclear"),
        ([], ["a"] * 500, "unclear"),
    ],
)
def test_drift_is_named_and_too_few_values_are_neither(before: list[Value], now: list[Value], outcome: str) -> None:
    assert compared(before, now).outcome == outcome


def test_what_is_certain_and_too_small_to_matter_is_no_alarm() -> None:
    before, now = ["a"] * 50_000 + ["b"] * 50_000, ["a"] * 51_000 + ["b"] * 49_000
    [tiny] = compare({"f": before}, {"f": now}, LEAST, FALSE_ALARMS, MINOR, MAJOR)
    assert (tiny.outcome, (tiny.p or 1) < 1e-4) == ("steady", True)


def test_both_distributions_are_shown_as_they_are() -> None:
    found = compared(["en"] * 90 + ["de"] * 10, ["en"] * 60 + ["fr"] * 40)
    assert {(each.label, each.before, each.now) for each in found.bins} == {
        ("en", 0.9, 0.6),
        ("de", 0.1, 0),
        ("fr", 0, 0.4),
    }
    labels = [each.label for each in compared(numbers(1, 1000), numbers(2, 500)).bins]
    assert (len(labels), labels[0][:5], labels[-1][:5]) == (10, "up to", "above")


def test_rare_categories_are_judged_together() -> None:
    assert pooled([(900, 90), (50, 4), (12, 2), (10, 4)], 1000, 100) == [(900, 90), (50, 4), (22, 6)]
    assert pooled([(990, 99), (10, 1)], 1000, 100) == [(1000, 100)]


@pytest.mark.parametrize(
    ("before", "now", "answers", "seen"),
    [
        ((0.6, 0.3, 0.1), (0.54, 0.27, 0.09, 0.1), 500, 0.95),  # a tenth in a language that is new
        ((0.945, 0.05, 0.005), (0.895, 0.1, 0.005), 500, 0.6),  # twice as many refusals
        ((0.945, 0.05, 0.005), (0.895, 0.1, 0.005), 1000, 0.9),
    ],
)
def test_shifts_that_matter_are_seen_as_often_as_is_documented(
    before: tuple[float, ...], now: tuple[float, ...], answers: int, seen: float
) -> None:
    lots, level, windows = np.random.default_rng(7), FALSE_ALARMS / 17, 300
    old = lots.multinomial(5000, (*before, *[0.0] * (len(now) - len(before))), windows)
    new = lots.multinomial(answers, now, windows)
    tails = [
        statistic(list(zip(*map(np.ndarray.tolist, pair), strict=True)), 5000, answers)[1]
        for pair in zip(old, new, strict=True)
    ]
    assert sum(p <= level for p in tails) / windows >= seen
