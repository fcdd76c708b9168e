"""Control: a model that keeps failing is left alone for a while, then asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import CircuitOpen

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way, ainvoked, invoked
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import FIRST, SECOND, Steps, outcome, two
from tests.scaffold.models.vendors import Vendor

ALONE = "{use: first, retries: 0}"


@pytest.fixture
def second() -> Iterator[Vendor]:
    with vendors.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)


@pytest.mark.parametrize("way", WAYS)
async def test_after_faults_in_a_row_nothing_is_sent_until_one_call_has_shown_that_it_is_back(
    way: Way, vendor: Vendor, second: Vendor, open_models: Open
) -> None:
    steps = Steps()
    model = open_models(two(vendor, second, ALONE, failures=2), pace=steps.pace).get("answer")
    vendor.fault = 500
    assert [await outcome(way, model) for _ in range(4)] == ["ModelUnavailable"] * 2 + ["CircuitOpen"] * 2
    assert len(vendor.requests) == 2

    steps.time = 30  # half open: the probe fails
    assert [await outcome(way, model) for _ in range(2)] == ["ModelUnavailable", "CircuitOpen"]
    assert len(vendor.requests) == 3

    steps.time, vendor.fault = 60, None
    assert [await outcome(way, model) for _ in range(2)] == [FIRST, FIRST]

    vendor.fault = 500  # closed: it counts from the start
    assert [await outcome(way, model) for _ in range(2)] == ["ModelUnavailable"] * 2


async def test_only_one_call_probes(vendor: Vendor, second: Vendor, open_models: Open) -> None:
    steps = Steps()
    model = open_models(two(vendor, second, ALONE, failures=1), pace=steps.pace).get("answer")
    vendor.fault = 500
    await outcome(invoked, model)
    steps.time, vendor.fault = 30, "hang"
    vendor.arrived.clear()
    probe = asyncio.create_task(model.ainvoke("Hello"))
    await asyncio.to_thread(vendor.arrived.wait)
    assert [await outcome(ainvoked, model) for _ in range(3)] == ["CircuitOpen"] * 3
    probe.cancel()  # a caller who goes away has shown nothing, and leaves the probe to the next
    with pytest.raises(asyncio.CancelledError):
        await probe
    vendor.fault = None
    assert await outcome(ainvoked, model) == FIRST


async def test_an_open_circuit_is_passed_over_at_once(vendor: Vendor, second: Vendor, open_models: Open) -> None:
    steps = Steps()
    role = "{use: first, fallback: [second], retries: 1}"
    model = open_models(two(vendor, second, role, failures=2), pace=steps.pace).get("answer")
    vendor.fault = 500
    assert [await outcome(invoked, model) for _ in range(3)] == [SECOND] * 3
    assert (len(vendor.requests), steps.waits) == (2, [0.5])


@pytest.mark.parametrize("fault", [400, 401, "content_filter"])
async def test_what_is_not_the_vendors_fault_does_not_count(
    fault: int | str, vendor: Vendor, second: Vendor, open_models: Open
) -> None:
    model = open_models(two(vendor, second, ALONE, failures=2), pace=Steps().pace).get("answer")
    vendor.fault = fault
    assert [await outcome(invoked, model) for _ in range(3)] == ["ModelError"] * 3


async def test_what_we_hold_back_ourselves_says_nothing_of_the_vendor(
    vendor: Vendor, second: Vendor, open_models: Open, root: Path
) -> None:
    steps, limits = Steps(), root / "config" / "limits.yaml"
    model = open_models(two(vendor, second, ALONE, failures=2), pace=steps.pace).get("answer")
    vendor.fault = 500
    held_back = ["budget: {day: 0}", "roles: {answer: {tokens_per_minute: 1}}"]
    for text, errors in zip(["", *held_back], (["ModelUnavailable"], ["LimitReached"], ["RateLimited"]), strict=True):
        limits.write_text(text, "utf-8")
        assert [await outcome(invoked, model)] == errors
    limits.unlink()
    assert [await outcome(invoked, model) for _ in range(2)] == ["ModelUnavailable", "CircuitOpen"]

    steps.time = 30  # half open: a probe that is not sent leaves it so
    for text, error in zip(held_back, ("LimitReached", "RateLimited"), strict=True):
        limits.write_text(text, "utf-8")
        assert await outcome(invoked, model) == error
    limits.unlink()
    assert [await outcome(invoked, model) for _ in range(2)] == ["ModelUnavailable", "CircuitOpen"]
    with pytest.raises(CircuitOpen) as caught:
        model.invoke("Hello")
    assert caught.value.after == 30


async def test_roles_share_it_and_a_changed_file_keeps_it(
    vendor: Vendor, second: Vendor, open_models: Open, root: Path
) -> None:
    text = two(vendor, second, ALONE, failures=1)
    models = open_models(text, pace=Steps().pace)
    vendor.fault = 500
    assert await outcome(invoked, models.get("answer")) == "ModelUnavailable"
    assert await outcome(invoked, models.get("other")) == "CircuitOpen"
    (root / "config" / "models.yaml").write_text(text + "  third: first\n", "utf-8")
    with pytest.raises(CircuitOpen, match=r"openai/loopback-1 failed 1 times in a row .* until \d\d:\d\d:\d\d UTC"):
        models.get("third").invoke("Hello")
