"""The service is asked, does it once, and is done without where it is gone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError, ScaffoldError
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, upkeep
from {{ cookiecutter.package_name }}.scaffold.retrieval.leases import Tell, new_holder
from {{ cookiecutter.package_name }}.scaffold.retrieval.upkeep import INDEX, Desk, Requests, Work, entrust

from .conftest import STAFF, Project


def syncing(index: Index) -> dict[str, Work]:
    return {"sync": lambda asked, tell: index.sync(tell, **asked).as_dict()}


def never(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
    raise AssertionError("the service was to do it")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "POLL_SECONDS", 0.01)


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


def state_of(index: Index) -> Engine:
    return index._state


def test_a_command_has_the_service_do_it_and_ends_as_if_it_had(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", b"\0")
    service, command = documents.index(), documents.index()
    told: list[str] = []
    with Desk(service, state_of(service), syncing(service)):
        wait_for(lambda: command.leases.holder(INDEX))
        outcome = entrust(command, state_of(command), "sync", {"access_only": False}, told.append, never)
        assert (outcome["added"], outcome["documents"]) == (["a.md"], 1)
        assert told[0].startswith("asking   the service (")
        assert "indexed  a.md (1 passages)" in told
        assert [passage.source for passage in service.search("harbour", STAFF)] == ["a.md"]
    assert command.leases.holder(INDEX) is None
    alone = entrust(command, state_of(command), "sync", {}, told.append, syncing(command)["sync"])
    assert alone["unchanged"] == 1


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (DocumentError("Not one document can be read."), "Not one document can be read.", 1),
        (ValueError("secret"), r"The service failed \(ValueError\); its log says more", 1),
    ],
)
def test_what_went_wrong_there_is_told_here(documents: Project, error: Exception, said: str, code: int) -> None:
    def fails(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
        tell("begun")
        raise error

    index, told = documents.index(), list[str]()
    with Desk(index, state_of(index), {"sync": fails}):
        wait_for(lambda: index.leases.holder(INDEX))
        with pytest.raises(ScaffoldError, match=said) as refused:
            entrust(index, state_of(index), "sync", {}, told.append, never)
    assert (refused.value.exit_code, told[1:]) == (code, ["begun"])


def test_every_request_is_done_once_whoever_looks_for_them(documents: Project) -> None:
    index, done, lock = documents.index(), Counter[str](), threading.Lock()

    def count(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
        with lock:
            done[asked["name"]] += 1
        return {}

    with ExitStack() as desks:
        for _ in range(3):
            desks.enter_context(Desk(index, state_of(index), {"sync": count}))
        wait_for(lambda: index.leases.holder(INDEX))
        requests = Requests(state_of(index))
        numbers = [requests.file("sync", {"name": str(name)}) for name in range(20)]
        wait_for(lambda: all(requests.look(number).status == "done" for number in numbers))
    assert done == Counter(map(str, range(20)))


def test_a_service_that_stops_leaves_off_and_the_command_goes_on(documents: Project) -> None:
    begun, index = threading.Event(), documents.index()

    def endless(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
        while True:
            tell("at it")
            begun.set()

    outcome: list[dict[str, Any]] = []
    told: list[str] = []
    with Desk(index, state_of(index), {"sync": endless}):
        wait_for(lambda: index.leases.holder(INDEX))
        command = threading.Thread(
            target=lambda: outcome.append(
                entrust(index, state_of(index), "sync", {}, told.append, lambda asked, tell: {"by": "itself"})
            )
        )
        command.start()
        assert begun.wait(30)
    command.join(60)
    assert outcome == [{"by": "itself"}]
    assert "alone    the service did not get through with it; this command goes on by itself" in told
    assert any("more" in line or line == "at it" for line in told)


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_service_that_dies_before_or_while_it_works_is_done_without(documents: Project, when: str) -> None:
    index = documents.index()
    state, service, told = state_of(index), new_holder(), list[str]()
    assert index.leases.take(INDEX, service) is None
    requests = Requests(state)

    def dies(line: str) -> None:
        told.append(line)
        if line.startswith("asking"):
            threading.Thread(target=taken).start()

    def taken() -> None:
        if when == "while":
            wait_for(lambda: requests.claim(service))
        index.leases.give_back(INDEX, service)
        if when == "while":  # and another service is there at once: it does not take up what it did not begin
            assert index.leases.take(INDEX, new_holder()) is None

    assert entrust(index, state, "sync", {}, dies, lambda asked, tell: {"by": "itself"}) == {"by": "itself"}
    assert requests.look(1).status == {"before": "withdrawn", "while": "lost"}[when]
    assert requests.claim(new_holder()) is None


def test_a_service_that_was_taken_for_dead_stops_its_work(documents: Project) -> None:
    index = documents.index()
    requests, stopped = Requests(state_of(index)), list[str]()

    def taken_for_dead(asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
        assert requests.move(asked["number"], "running", status="lost")
        try:
            for _ in range(1000):
                tell("at it")
                threading.Event().wait(0.01)
        except ScaffoldError as error:
            stopped.append(str(error))
            raise
        return {}

    with Desk(index, state_of(index), {"sync": taken_for_dead}):
        wait_for(lambda: index.leases.holder(INDEX))
        requests.file("sync", {"number": 1})
        wait_for(lambda: stopped)
    assert (stopped, requests.look(1).status) == (
        ["Whoever asked for this took the service for dead, and does it without."],
        "lost",
    )


def test_an_old_request_is_not_taken(documents: Project) -> None:
    requests = Requests(state_of(documents.index()))
    number = requests.file("sync", {})
    with state_of(documents.index()).begin() as connection:
        connection.exec_driver_sql("UPDATE sync_requests SET asked_at = asked_at - 61")
    assert (requests.claim(new_holder()), requests.look(number).status) == (None, "withdrawn")
