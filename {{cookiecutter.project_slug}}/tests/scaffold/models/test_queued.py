"""Places: so many calls of a role at once, the others in line, first come first served."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ModelError, RateLimited
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.models import Models
from {{ cookiecutter.package_name }}.scaffold.models.limits import Limits
from {{ cookiecutter.package_name }}.scaffold.models.queued import Places
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models.calls import WAYS, Way, ainvoked, invoked
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.vendors import Vendor

Written = Callable[[str], None]
At = Callable[..., str]


@pytest.fixture
def limits(root: Path) -> Written:
    """Writes the limits of the role answer."""

    def written(text: str) -> None:
        (root / "config" / "limits.yaml").write_text("roles: {answer: {" + text + "}}", "utf-8")

    return written


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells when a call has got in line
            await asyncio.sleep(0.001)


def line(models: Models) -> int:
    return models._places["answer"].waiting


async def hanging(way: Way, models: Models, vendor: Vendor) -> asyncio.Future[Any]:
    """A call that has its place until the vendor lets go; it fails then."""
    vendor.fault = "hang"
    vendor.arrived.clear()
    call = asyncio.ensure_future(way(models.get("answer"), "first"))
    await asyncio.to_thread(vendor.arrived.wait)
    vendor.fault = None
    return call


def texts(vendor: Vendor) -> list[str]:
    return [request.body["messages"][-1]["content"] for request in vendor.requests]


async def test_who_came_first_goes_first_whichever_way_they_call(
    limits: Written, vendor: Vendor, at: At, open_models: Open, telemetry: Telemetry
) -> None:
    limits("concurrent: 1")
    models = open_models(at("openai"))
    first = await hanging(invoked, models, vendor)
    others: list[asyncio.Future[Any]] = []
    for number, way in enumerate(WAYS):
        others.append(asyncio.ensure_future(way(models.get("answer"), str(number))))
        await until(lambda: line(models) == len(others))
    models.measure()
    assert 'app_model_calls_waiting{role="answer"} 4.0' in telemetry.metrics_page().decode()
    assert texts(vendor) == ["first"]
    vendor.release.set()
    with pytest.raises(ModelError):
        await first
    assert [(await other).text for other in others] == [f"You wrote: {number}" for number in range(4)]
    assert texts(vendor) == ["first", "0", "1", "2", "3"]
    models.measure()
    page = telemetry.metrics_page().decode()
    assert 'app_model_calls_waiting{role="answer"} 0.0' in page
    assert 'app_model_wait_duration_seconds_count{reason="concurrent",role="answer"} 5.0' in page


@pytest.mark.parametrize("way", WAYS)
async def test_behind_a_full_queue_a_call_is_refused_and_nothing_is_sent(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, audit: AuditLog
) -> None:
    limits("concurrent: 1, queue: 1")
    models = open_models(at("openai"))
    first = await hanging(ainvoked, models, vendor)
    second = asyncio.create_task(models.get("answer").ainvoke("second"))
    await until(lambda: line(models) == 1)
    with pytest.raises(
        RateLimited, match=r"All 1 calls that roles\.answer\.concurrent of .* are, and 1 more wait"
    ) as caught:
        await way(models.get("answer"), "third")
    assert caught.value.after >= 1
    assert [(record["outcome"], record["attempts"]) for record in audit.records()] == [("throttled", [])]
    vendor.release.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert texts(vendor) == ["first", "second"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_waits_no_longer_than_its_deadline(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    limits("concurrent: 1")
    models = open_models(at("openai"))
    first = await hanging(ainvoked, models, vendor)
    quick = models.get("answer").model_copy(update={"seconds": 0.1})
    with pytest.raises(RateLimited, match="none of them ended before the deadline"):
        await way(quick, "second")
    assert line(models) == 0
    vendor.release.set()
    await asyncio.gather(first, return_exceptions=True)
    await way(models.get("answer"), "third")
    assert texts(vendor) == ["first", "third"]


async def test_who_goes_away_leaves_the_line_and_the_place(
    limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    limits("concurrent: 1")
    models = open_models(at("openai"))
    first = await hanging(ainvoked, models, vendor)
    second, third = (asyncio.create_task(models.get("answer").ainvoke(text)) for text in ("second", "third"))
    await until(lambda: line(models) == 2)
    second.cancel()
    await until(lambda: line(models) == 1)
    first.cancel()
    assert (await third).text == "You wrote: third"
    assert texts(vendor) == ["first", "third"]


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_stream_has_its_place_until_it_ends_or_is_left(
    way: str, limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    limits("concurrent: 1, queue: 0")
    model = open_models(at("openai")).get("answer")
    if way == "stream":
        pieces = model.stream("first")
        next(pieces)
    else:
        apieces = model.astream("first")
        await anext(apieces)
    with pytest.raises(RateLimited):
        await model.ainvoke("second")
    if way == "stream":
        pieces.close()  # type: ignore[attr-defined]
    else:
        await apieces.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        while True:  # the event loop closes the generators inside once it comes to it
            try:
                assert (await model.ainvoke("third")).text == "You wrote: third"
                break
            except RateLimited:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("text", ["concurrent: 2", ""])
async def test_a_limit_that_changes_holds_for_calls_that_run_already(
    text: str, limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    models = open_models(at("openai"))
    first = await hanging(ainvoked, models, vendor)
    limits("concurrent: 1")
    second = asyncio.create_task(models.get("answer").ainvoke("second"))
    await until(lambda: line(models) == 1)
    limits(text)
    assert (await models.get("answer").ainvoke("third")).text == "You wrote: third"
    assert (await second).text == "You wrote: second"
    vendor.release.set()
    await asyncio.gather(first, return_exceptions=True)


def test_two_hundred_threads_never_have_more_places_than_there_are(limits: Written, root: Path) -> None:
    limits("concurrent: 3, queue: 200")
    places, lock, busy, most = Places(Limits(Settings(root=root)), "answer"), threading.Lock(), 0, 0

    def call(_: int) -> None:
        nonlocal busy, most
        place = places.ask()
        place.result(10)
        with lock:
            busy += 1
            most = max(most, busy)
        with lock:
            busy -= 1
        places.leave(place)

    with ThreadPoolExecutor(200) as pool:
        list(pool.map(call, range(1000)))
    assert most <= 3
    assert (places.waiting, places._busy) == (0, 0)


async def test_a_place_that_comes_just_when_the_call_is_cancelled_is_given_on(limits: Written, root: Path) -> None:
    limits("concurrent: 1")
    places = Places(Limits(Settings(root=root)), "answer")
    first, second = places.ask(), places.ask()
    waiting = asyncio.ensure_future(asyncio.wrap_future(second))
    await asyncio.sleep(0)
    places.leave(first)  # the second has it now
    waiting.cancel()
    places.leave(second)
    assert places.ask().done()
