"""Rates round the model: a call waits for room until its deadline, or is refused with nothing sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from sqlalchemy import Engine, select

from {{ cookiecutter.package_name }}.scaffold.errors import LimitReached, ModelError, RateLimited
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.models import Models
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.state import model_rates

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import Steps
from tests.scaffold.models.vendors import Vendor

Written = Callable[[str], None]
At = Callable[..., str]


@pytest.fixture
def limits(root: Path) -> Written:
    """Writes the limits of the roles."""

    def written(text: str) -> None:
        (root / "config" / "limits.yaml").write_text(f"roles: {text}", "utf-8")

    return written


def sent(state: Engine) -> dict[str, tuple[int, int]]:
    """Requests and tokens of each role in its newest minute."""
    with state.begin() as connection:
        return {row.role: (row.requests, row.tokens) for row in connection.execute(select(model_rates))}


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_waits_for_room(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, telemetry: Telemetry
) -> None:
    limits("{answer: {requests_per_minute: 2}}")
    steps = Steps(time=50)
    model = open_models(at("openai"), pace=steps.pace).get("answer")
    for _ in range(3):
        await way(model, "Hello")
    assert steps.waits == [pytest.approx(10 + 30 + 0.5)]  # the next minute, half of it, and what chance adds
    assert len(vendor.requests) == 3
    page = telemetry.metrics_page().decode()
    assert 'app_model_wait_duration_seconds_count{reason="rate",role="answer"} 3.0' in page
    assert 'app_model_wait_duration_seconds_sum{reason="rate",role="answer"} 40.5' in page


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_that_cannot_wait_so_long_is_refused_and_nothing_is_sent(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, audit: AuditLog, telemetry: Telemetry
) -> None:
    limits("{answer: {requests_per_minute: 2}}")
    steps = Steps(time=0)
    model = open_models(at("openai"), pace=steps.pace).get("answer")
    for _ in range(2):
        await way(model, "Hello")
    with pytest.raises(
        RateLimited, match=r"at its rate: config/limits\.yaml allows 2 calls a minute.* in 90 sec"
    ) as caught:
        await way(model, "Hello")
    assert caught.value.after == pytest.approx(90)
    assert (len(vendor.requests), steps.waits) == (2, [])
    last = list(audit.records())[-1]
    assert (last["outcome"], last["error"]) == ("throttled", "RateLimited")
    line = 'app_model_calls_total{outcome="throttled",provider="openai",role="answer"} 1.0'
    assert line in telemetry.metrics_page().decode()


@pytest.mark.parametrize("way", WAYS)
async def test_tokens_are_estimated_and_then_settled_at_what_was_used(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {tokens_per_minute: 1000}}")
    models = open_models(at("openai"), pace=Steps().pace)
    await way(models.get("answer"), "x" * 400)
    assert sent(state) == {"answer": (1, 7 + 5)}
    vendor.fault = 500
    with pytest.raises(ModelError):
        await way(models.get("answer"), "x" * 401)
    assert sent(state) == {"answer": (2, 12 + 101 + 100)}  # it may have worked: a tenth of a minute's for the answer
    vendor.fault = 429
    with pytest.raises(ModelError):
        await way(models.get("answer"), "Hello")
    assert sent(state) == {"answer": (3, 213)}


def test_what_alerts_look_at_begins_with_zero(at: At, open_models: Open, telemetry: Telemetry) -> None:
    open_models(at("openai"))
    page = telemetry.metrics_page().decode()
    for outcome in ("denied", "stopped", "limited", "throttled"):
        for role in ("answer", "embed"):
            assert f'outcome="{outcome}",provider="openai",role="{role}"' + "} 0.0" in page
    assert 'app_model_fallbacks_total{provider="openai",role="answer"} 0.0' in page


ESTIMATES: list[tuple[dict[str, Any], int]] = [
    ({}, 2 + 100),
    ({"max_tokens": 30}, 2 + 30),
    ({"max_tokens": 1_000_000}, 3 + 100),
]


@pytest.mark.parametrize(("options", "tokens"), ESTIMATES)
def test_a_generous_longest_answer_does_not_take_the_whole_rate(
    options: dict[str, Any], tokens: int, limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {tokens_per_minute: 1000}}")
    vendor.fault = 500
    with pytest.raises(ModelError):
        open_models(at("openai")).get("answer").bind(**options).invoke("Hello")
    assert sent(state) == {"answer": (1, tokens)}


def test_what_tools_were_told_is_counted(
    limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {tokens_per_minute: 1000}}")
    vendor.fault = 500
    called = AIMessage("", tool_calls=[{"name": "look", "args": {"text": "x" * 400}, "id": "1"}])
    with pytest.raises(ModelError):
        open_models(at("openai")).get("answer").invoke([called])
    assert sent(state)["answer"][1] > 100 + 100


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_that_can_never_fit_is_refused_at_once(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {tokens_per_minute: 1000}}")
    steps = Steps()
    with pytest.raises(RateLimited, match=r"may use 1100 tokens, more than roles\.answer\.tokens_per_minute") as caught:
        await way(open_models(at("openai"), pace=steps.pace).get("answer"), "x" * 4000)
    assert (caught.value.after, vendor.requests, steps.waits, sent(state)) == (0, [], [], {})


def test_without_a_rate_nothing_is_counted(limits: Written, at: At, open_models: Open, state: Engine) -> None:
    limits("{other: {requests_per_minute: 1}, answer: {concurrent: 3}}")
    open_models(at("openai")).get("answer").invoke("Hello")
    assert sent(state) == {}


@pytest.mark.parametrize("text", ["{answer: {requests_per_minute: 3}}", "{}"])
@pytest.mark.parametrize("way", WAYS)
async def test_who_waits_follows_the_file(
    way: Way, text: str, limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    class Changing(Steps):
        def _sleep(self, seconds: float) -> None:
            super()._sleep(0.1)
            limits(text)

    limits("{answer: {requests_per_minute: 2}}")
    steps = Changing(time=50)
    model = open_models(at("openai"), pace=steps.pace).get("answer")
    for _ in range(3):
        await way(model, "Hello")
    assert (len(vendor.requests), steps.waits) == (3, [0.1])


@pytest.mark.parametrize("way", WAYS)
async def test_each_try_counts(
    way: Way, limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {requests_per_minute: 100}}")
    vendor.fault, vendor.recovers = 503, 2
    await way(open_models(at("openai", retries=2), pace=Steps().pace).get("answer"), "Hello")
    assert sent(state)["answer"][0] == 3


def test_a_call_that_a_budget_refuses_gives_its_room_back(
    limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine
) -> None:
    limits("{answer: {requests_per_minute: 5, budget: {day: 0}}}")
    with pytest.raises(LimitReached):
        open_models(at("openai")).get("answer").invoke("Hello")
    assert (sent(state), vendor.requests) == ({"answer": (0, 0)}, [])


async def test_two_hundred_calls_at_once_send_no_more_than_the_rate(
    limits: Written, vendor: Vendor, at: At, open_models: Open
) -> None:
    limits("{answer: {requests_per_minute: 5}}")
    model = open_models(at("openai"), pace=Steps().pace).get("answer")
    ended = await asyncio.gather(*(model.ainvoke("Hello") for _ in range(200)), return_exceptions=True)
    assert {type(each) for each in ended if isinstance(each, BaseException)} == {RateLimited}
    assert len(vendor.requests) == 5


async def test_a_call_that_is_cancelled_while_it_is_counted_gives_it_back(
    limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits("{answer: {requests_per_minute: 1}}")
    models: Models = open_models(at("openai"))
    take, begun, go_on = models._rates.take, threading.Event(), threading.Event()

    def held_up(*given: Any) -> Any:
        begun.set()
        go_on.wait()
        return take(*given)

    monkeypatch.setattr(models._rates, "take", held_up)
    call = asyncio.create_task(models.get("answer").ainvoke("Hello"))
    assert await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    await asyncio.sleep(0)  # the call notices before it is counted
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (sent(state), vendor.requests) == ({"answer": (0, 0)}, [])


def test_embeddings_have_a_rate_too(limits: Written, vendor: Vendor, at: At, open_models: Open, state: Engine) -> None:
    limits("{embed: {requests_per_minute: 2, tokens_per_minute: 1000}}")
    embeddings = open_models(at("openai"), pace=Steps().pace).embeddings()
    embeddings.embed_documents(["x" * 200, "y" * 201])
    assert sent(state) == {"embed": (1, 101)}  # no usage is told: the estimate stays
    embeddings.embed_query("Hello")
    with pytest.raises(RateLimited):
        embeddings.embed_query("Hello")
    assert len(vendor.requests) == 2
