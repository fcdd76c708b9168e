"""One process at a time, and never none for long."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import IndexBusy
from {{ cookiecutter.package_name }}.scaffold.retrieval import leases as module
from {{ cookiecutter.package_name }}.scaffold.retrieval.leases import SECONDS, Leases, database_clock, new_holder
from {{ cookiecutter.package_name }}.scaffold.state import open_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Engine]:
    state = open_state(Settings(root=tmp_path))
    yield state
    state.dispose()


def test_a_lease_is_one_holders_until_it_ends_or_is_given_back(state: Engine) -> None:
    now = [1000.0]
    leases = Leases(state, lambda _: now[0])
    one, two = new_holder(), new_holder()
    assert (leases.holder("sync"), leases.take("sync", one)) == (None, None)
    assert (leases.take("sync", two), leases.holder("sync")) == (one, one)
    assert leases.take("other", two) is None, "under another name it is another lease"
    now[0] += SECONDS - 1
    assert leases.renew("sync", one)
    now[0] += SECONDS - 1
    assert leases.take("sync", two) == one, "renewed in time"
    now[0] += 2
    assert (leases.holder("sync"), leases.take("sync", two)) == (None, None)
    assert not leases.renew("sync", one), "it was lost"
    leases.give_back("sync", one)
    assert leases.holder("sync") == two, "what one does not hold one cannot give back"
    leases.give_back("sync", two)
    assert leases.holder("sync") is None


def test_time_is_the_databases(state: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real + 3600)  # the clock of this host is an hour ahead
    with state.begin() as connection:
        assert database_clock(connection) == pytest.approx(real, abs=60)


KILLED = """
import os, signal, sys
from pathlib import Path
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.retrieval.leases import Leases, new_holder
from {{ cookiecutter.package_name }}.scaffold.state import open_state

assert Leases(open_state(Settings(root=Path(sys.argv[1])))).take("sync", new_holder()) is None
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="whether a process lives is looked up in /proc")
def test_a_killed_process_of_this_machine_keeps_nobody_waiting(state: Engine, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    leases = Leases(state)
    with state.connect() as connection:
        [(holder, until)] = connection.exec_driver_sql("SELECT holder, until FROM leases").all()
        assert until > database_clock(connection), "it has not ended by its time"
    assert leases.holder("sync") is None
    elsewhere = holder.replace(" ", " elsewhere/", 1)
    with state.begin() as connection:
        connection.exec_driver_sql("UPDATE leases SET holder = ?", (elsewhere,))
    assert leases.holder("sync") == elsewhere, "a number of another machine says nothing"
    with state.begin() as connection:
        connection.exec_driver_sql("UPDATE leases SET holder = ?", (holder,))
    assert leases.take("sync", new_holder()) is None


def test_whoever_comes_second_waits_and_then_says_who_is_there(state: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    leases, told, order = Leases(state), threading.Event(), list[str]()

    def second() -> None:
        with leases.held("sync", lambda _: told.set()):
            order.append("second")

    waiting = threading.Thread(target=second)
    with leases.held("sync"):
        waiting.start()
        assert told.wait(30)
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
        with pytest.raises(IndexBusy, match=rf"at work on the index \(sync: .*:{os.getpid()}\)"), leases.held("sync"):
            order.append("third")
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert leases.holder("sync") is None


def test_who_lost_a_lease_stops(state: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    leases = Leases(state)
    with leases.held("sync") as lease:
        tell = lease.watched(lambda line: None)
        tell("fine")
        with state.begin() as connection:  # as if this process had stood still, and another taken over
            connection.exec_driver_sql("UPDATE leases SET holder = 'other:1 - x'")
        assert lease.lost.wait(30)
        with pytest.raises(IndexBusy, match="another one took its place"):
            tell("too late")
    assert leases.holder("sync") == "other:1 - x"
