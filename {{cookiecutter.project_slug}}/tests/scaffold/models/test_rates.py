"""Rates: never over a limit, however many callers and processes, in the state database and in Redis."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fakeredis import TcpFakeServer
from sqlalchemy import Engine, text

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, LedgerError
from {{ cookiecutter.package_name }}.scaffold.models.limits import RoleLimits
from {{ cookiecutter.package_name }}.scaffold.models.rates import InRedis, Rates, Window, open_rates
from {{ cookiecutter.package_name }}.scaffold.state import open_state

from tests.scaffold.models.vendors import nobody_there


class _Server(TcpFakeServer):
    daemon_threads = True

    def get_request(self) -> Any:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its answers come in several writes
        return connection, address


FIVE = RoleLimits(requests_per_minute=5)
HUNDRED = RoleLimits(requests_per_minute=100, tokens_per_minute=100_000)


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    """The address of a server that speaks Redis' protocol, on loopback."""
    server = _Server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["state", "redis"])
def settings(request: pytest.FixtureRequest, root: Path) -> Settings:
    """A project that keeps its rates in one place or the other."""
    if request.param == "state":
        return Settings(root=root)
    url = request.getfixturevalue("redis")
    InRedis(url)._redis.flushall()
    return Settings(root=root, rate_url=url)


@pytest.fixture
def at() -> list[float]:
    """The time that it is: a test sets it."""
    return [0.0]


@pytest.fixture
def rates(settings: Settings, state: Engine, at: list[float]) -> Rates:
    return open_rates(settings, state, lambda: at[0])


REQUESTS, TOKENS = RoleLimits(requests_per_minute=10), RoleLimits(tokens_per_minute=1000)
WAITS = [
    ("nothing was sent", REQUESTS, Window(1), 0, 0, 0.0),
    ("the last that fits", REQUESTS, Window(1, 9), 0, 0, 0.0),
    ("this minute is used up", REQUESTS, Window(1, 10), 0, 20, 40 + 6),
    ("of the minute before all still counts", REQUESTS, Window(1, 0, 0, 10), 0, 0, 6.0),
    ("half of it counts", REQUESTS, Window(1, 4, 0, 10), 0, 30, 0.0),
    ("half of it counts and one is too much", REQUESTS, Window(1, 5, 0, 10), 0, 30, 6.0),
    ("the minute before was much too much", REQUESTS, Window(1, 0, 0, 100), 0, 0, 54.6),
    ("this minute was much too much", REQUESTS, Window(1, 100), 0, 0, 60 + 54.6),
    ("tokens fit", TOKENS, Window(1, 99, 500), 500, 0, 0.0),
    ("tokens do not fit", TOKENS, Window(1, 0, 600, 0, 800), 400, 0, 60.0),
    ("the longer of both waits", RoleLimits(requests_per_minute=10, tokens_per_minute=10), Window(1, 0, 0, 10, 10), 5, 0, 30.0),
    ("no limit", RoleLimits(), Window(1, 99, 99, 99, 99), 99, 0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "window", "tokens", "elapsed", "wait"), [row[1:] for row in WAITS], ids=[row[0] for row in WAITS])  # fmt: skip
def test_the_wait_is_as_long_as_it_has_to_be(
    limits: RoleLimits, window: Window, tokens: int, elapsed: float, wait: float
) -> None:
    now = 60 + elapsed
    assert window.wait(limits, tokens, now) == pytest.approx(wait)

    def room(at: float) -> bool:
        return window.at(int(at // 60)).wait(limits, tokens, at) == 0

    assert room(now + wait)
    assert not wait or not room(now + wait - 0.1)


def test_two_hundred_callers_at_once_stay_within_the_rate(rates: Rates) -> None:
    with ThreadPoolExecutor(200) as pool:
        rooms = list(pool.map(lambda _: rates.take("answer", 10, HUNDRED), range(200)))
    assert sum(not room.wait for room in rooms) == 100


def _take_often(root: Path, rate_url: str, times: int) -> None:
    settings = Settings(root=root, rate_url=rate_url)
    rates = open_rates(settings, open_state(settings), lambda: 0.0)
    os._exit(sum(not rates.take("answer", 10, HUNDRED).wait for _ in range(times)))


def test_two_processes_together_stay_within_the_rate(settings: Settings, rates: Rates) -> None:
    spawn = multiprocessing.get_context("spawn")
    given = (settings.root, settings.rate_url, 80)
    workers = [spawn.Process(target=_take_often, args=given) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(worker.exitcode or 0 for worker in workers) == 100
    assert rates.take("answer", 10, HUNDRED).wait


def test_room_comes_back_as_the_minute_before_fades(rates: Rates, at: list[float]) -> None:
    taken = []
    for at[0] in range(0, 240, 2):  # far more tries than there is room for
        taken += [at[0]] if not rates.take("answer", 0, FIVE).wait else []
    assert taken[:5] == [0, 2, 4, 6, 8]
    assert [moment for moment in taken if 60 <= moment < 120] == [72, 84, 96, 108]
    assert len(taken) == 5 + 4 + 4 + 4


def test_each_role_has_a_rate_of_its_own(rates: Rates) -> None:
    assert [rates.take(role, 0, FIVE).wait > 0 for role in ["answer"] * 6 + ["judge"]] == [False] * 5 + [True, False]


@pytest.mark.parametrize(("requests", "tokens", "fits"), [(-1, -100, True), (0, -60, False), (0, 0, False)])
@pytest.mark.parametrize("later", [0, 60])
def test_what_was_taken_is_settled_in_its_own_minute(
    later: int, requests: int, tokens: int, fits: bool, rates: Rates, at: list[float]
) -> None:
    limits = RoleLimits(requests_per_minute=1, tokens_per_minute=100)
    room = rates.take("answer", 100, limits)
    at[0] = later
    rates.settle("answer", room, requests, tokens)
    assert (rates.take("answer", 40, limits).wait == 0) == fits


def test_what_is_settled_too_late_changes_nothing(rates: Rates, at: list[float]) -> None:
    room = rates.take("answer", 100, FIVE)
    at[0] = 120
    rates.take("answer", 1, FIVE)
    rates.settle("answer", room, 0, 10_000)
    assert rates.take("answer", 1, RoleLimits(tokens_per_minute=2)).wait == 0


def test_a_clock_that_is_behind_counts_in_the_newest_minute(rates: Rates, at: list[float]) -> None:
    at[0] = 60
    assert [rates.take("answer", 0, FIVE).wait for _ in range(5)] == [0] * 5
    at[0] = 59
    assert rates.take("answer", 0, FIVE).wait


def test_no_call_goes_out_where_it_cannot_be_counted(root: Path, state: Engine) -> None:
    with state.begin() as connection:
        connection.execute(text("DROP TABLE model_rates"))
    unreachable = nobody_there().replace("http", "redis")
    for settings in (Settings(root=root), Settings(root=root, rate_url=unreachable)):
        with pytest.raises(LedgerError, match="The rates of model calls cannot be counted"):
            open_rates(settings, state, lambda: 0.0).take("answer", 0, FIVE)


def test_a_wrong_address_or_a_missing_package_is_told_at_the_start(
    root: Path, state: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="APP_RATE_URL is no address of a Redis"):
        open_rates(Settings(root=root, rate_url="localhost:6379"), state, lambda: 0.0)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match="redis among the EXTRAS of make setup"):
        open_rates(Settings(root=root, rate_url="redis://localhost"), state, lambda: 0.0)
