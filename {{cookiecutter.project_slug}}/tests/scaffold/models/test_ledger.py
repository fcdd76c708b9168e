"""The ledger: never over a cap, however many callers and processes; closed where a process died."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import LedgerError, LimitReached
from {{ cookiecutter.package_name }}.scaffold.models.ledger import LOST_AFTER, Booking, Ledger
from {{ cookiecutter.package_name }}.scaffold.models.limits import Cap
from {{ cookiecutter.package_name }}.scaffold.state import model_calls, model_spending, open_state

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
BOOKING = Booking("answer", "openai", "gpt", "anna", "api")
ESTIMATE = 10_000  # a hundredth of a dollar


def caps(dollars: float, scope: str = "project", month: bool = False) -> Callable[[str], list[Cap]]:
    """One budget, as ``Ledger.reserve`` asks for it."""
    return lambda day: [Cap(scope, day[:7] if month else day, dollars, "budget.day")]


def unlimited(_: str) -> list[Cap]:
    return []


@pytest.fixture
def at() -> list[datetime]:
    """The time that it is: a test sets it."""
    return [NOW]


@pytest.fixture
def ledger(state: Engine, at: list[datetime]) -> Ledger:
    return Ledger(state, lambda: at[0])


def tries(ledger: Ledger, dollars: float = 1.0) -> bool:
    """Whether a call goes through: reserved, and settled at what was estimated."""
    try:
        number = ledger.reserve(BOOKING, ESTIMATE, caps(dollars))
    except LimitReached:
        return False
    ledger.settle(number, "answered", cost=ESTIMATE, input_tokens=1, output_tokens=1)
    return True


def project(state: Engine) -> int:
    """What is spent and reserved of the project, by the totals; the rows of the ledger must add up to it."""
    with state.begin() as connection:
        total = connection.execute(
            select(model_spending.c.cost).where(
                model_spending.c.scope == "project", model_spending.c.period == "2026-11"
            )
        ).scalar_one()
        assert total == connection.execute(select(func.sum(model_calls.c.cost))).scalar_one()
    return int(total)


def test_two_hundred_callers_at_once_never_overspend(ledger: Ledger, state: Engine) -> None:
    with ThreadPoolExecutor(200) as pool:
        through = list(pool.map(lambda _: tries(ledger), range(200)))
    assert sum(through) == 100
    assert project(state) == 1_000_000


def _try_often(root: Path, times: int) -> None:
    ledger = Ledger(open_state(Settings(root=root)), lambda: NOW)
    os._exit(sum(tries(ledger) for _ in range(times)))


def test_two_processes_together_never_overspend(root: Path, state: Engine) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_try_often, args=(root, 80)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(worker.exitcode or 0 for worker in workers) == 100
    assert project(state) == 1_000_000


def _die_in_the_midst(root: Path) -> None:
    Ledger(open_state(Settings(root=root)), lambda: NOW).reserve(BOOKING, ESTIMATE, unlimited)
    os._exit(9)


def test_what_a_dead_process_reserved_counts_until_it_is_old(
    root: Path, state: Engine, ledger: Ledger, at: list[datetime]
) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_die_in_the_midst, args=(root,))
    worker.start()
    worker.join()
    assert worker.exitcode == 9
    assert not tries(ledger, dollars=0.01)
    at[0] += LOST_AFTER
    assert not [row for row in ledger.rows(2) if row["unknown"]]
    at[0] += timedelta(seconds=1)
    assert tries(ledger, dollars=0.01)  # by now it is another day, which it never counted on
    assert project(state) == ESTIMATE
    assert [(row["calls"], row["unknown"], row["cost"]) for row in ledger.rows(2)] == [(1, 0, ESTIMATE), (1, 1, 0)]


def test_a_call_that_comes_back_after_it_was_given_up_counts_again(
    ledger: Ledger, state: Engine, at: list[datetime]
) -> None:
    number = ledger.reserve(BOOKING, ESTIMATE, unlimited)
    at[0] += LOST_AFTER + timedelta(seconds=1)
    ledger.reserve(BOOKING, 0, unlimited)
    assert project(state) == 0
    ledger.settle(number, "answered", cost=700, input_tokens=1, output_tokens=1)
    assert project(state) == 700


@pytest.mark.parametrize("scope", ["project", "role:answer", "caller:anna"])
@pytest.mark.parametrize("month", [False, True])
def test_each_scope_and_period_has_its_own_budget(scope: str, month: bool, ledger: Ledger, at: list[datetime]) -> None:
    ledger.reserve(Booking("other", "openai", "gpt", "ben", None), ESTIMATE, unlimited)
    limit = caps(0.02 if scope == "project" else 0.01, scope, month)
    ledger.reserve(BOOKING, ESTIMATE, limit)
    with pytest.raises(LimitReached, match=r"is reached: of 0\.0\d USD 0\.0\d00 are spent or reserved") as caught:
        ledger.reserve(BOOKING, ESTIMATE, limit)
    assert f"free again on {'2026-12-01' if month else '2026-11-22'} 00:00 UTC" in str(caught.value)
    assert caught.value.after == (9 * 24 * 60 * 60 if month else 0) + 30 * 60
    at[0] = datetime(2026, 12, 1, tzinfo=UTC) if month else NOW + timedelta(hours=1)
    ledger.reserve(BOOKING, ESTIMATE, limit)


def test_the_real_cost_takes_the_place_of_the_estimate_on_the_day_of_the_call(
    ledger: Ledger, state: Engine, at: list[datetime]
) -> None:
    first = ledger.reserve(BOOKING, ESTIMATE, unlimited)
    second = ledger.reserve(BOOKING, ESTIMATE, unlimited)
    at[0] = NOW + timedelta(minutes=40)
    ledger.settle(first, "answered", cost=123, input_tokens=4, output_tokens=5)
    ledger.settle(second, "abandoned")
    assert project(state) == ESTIMATE + 123
    (row,) = ledger.rows(2)
    assert (row["day"], row["input_tokens"], row["output_tokens"], row["estimated"]) == ("2026-11-21", 4, 5, 1)
    assert ledger.rows(1) == []


def test_a_free_call_goes_through_whatever_is_spent(ledger: Ledger) -> None:
    ledger.reserve(BOOKING, ESTIMATE, unlimited)
    with pytest.raises(LimitReached):
        ledger.reserve(BOOKING, 1, caps(0))
    ledger.reserve(BOOKING, 0, caps(0))


def test_an_unknown_price_is_refused_where_there_is_a_budget_and_is_no_zero_where_there_is_none(ledger: Ledger) -> None:
    with pytest.raises(LimitReached, match=r"No price is known for openai/gpt.*under prices, the line 'openai/gpt'"):
        ledger.reserve(BOOKING, None, caps(100))
    ledger.settle(ledger.reserve(BOOKING, None, unlimited), "answered", cost=None, input_tokens=7, output_tokens=5)
    (row,) = ledger.rows(1)
    assert (row["calls"], row["unknown"], row["input_tokens"]) == (1, 1, 7)


def test_no_call_goes_out_where_it_cannot_be_accounted_for(ledger: Ledger, state: Engine) -> None:
    with state.begin() as connection:
        connection.execute(text("DROP TABLE model_spending"))
    with pytest.raises(LedgerError, match="mend the state database"):
        ledger.reserve(BOOKING, ESTIMATE, unlimited)
    assert ledger.rows(1) == []
