"""Budgets round the model: reserved before, settled after, however the call ends."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from {{ cookiecutter.package_name }}.scaffold.errors import LimitReached, ModelError, PolicyViolation
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.observability import Call, Telemetry, calling
from {{ cookiecutter.package_name }}.scaffold.state import model_calls

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.two import Steps
from tests.scaffold.models.vendors import MODEL, Vendor, nobody_there

PRICED = """\
assumed_output_tokens: 100
prices:
  openai/loopback-1: {input_per_million: 1000, output_per_million: 10000}
  ollama/loopback-1: {input_per_million: 1000, output_per_million: 10000}
"""
COST = 7 * 1000 + 5 * 10000
"""Of the vendor's answer: 7 tokens read and 5 written."""


def rows(state: Engine) -> list[dict[str, Any]]:
    with state.begin() as connection:
        return [dict(row) for row in connection.execute(select(model_calls).order_by(model_calls.c.id)).mappings()]


@pytest.fixture
def limits(root: Path) -> Callable[[str], None]:
    def written(text: str = "") -> None:
        (root / "config" / "limits.yaml").write_text(PRICED + text, "utf-8")

    written()
    return written


Written = Callable[[str], None]


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_call_is_settled_at_its_real_usage(
    provider: str,
    way: Way,
    limits: Written,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
    audit: AuditLog,
    telemetry: Telemetry,
) -> None:
    with calling(Call("anna", "api")):
        await way(open_models(at(provider)).get("answer"), "Hello")
    (row,) = rows(state)
    assert {key: row[key] for key in ("role", "provider", "model", "caller", "channel", "status", "estimated")} == {
        "role": "answer",
        "provider": provider,
        "model": MODEL,
        "caller": "anna",
        "channel": "api",
        "status": "answered",
        "estimated": 0,
    }
    assert (row["input_tokens"], row["output_tokens"], row["cost"]) == (7, 5, COST)
    assert [record["cost_micro_usd"] for record in audit.records()] == [COST]
    labels = f'provider="{provider}",role="answer"'
    assert "app_model_cost_usd_total{" + labels + "} 0.057" in telemetry.metrics_page().decode()


@pytest.mark.parametrize("way", WAYS)
async def test_at_the_cap_the_call_is_refused_and_nothing_is_sent(
    way: Way,
    limits: Written,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
    audit: AuditLog,
    telemetry: Telemetry,
) -> None:
    model = open_models(at("openai")).get("answer")
    await way(model, "Hello")
    limits("budget: {day: 0.057}")  # what the first one cost
    with pytest.raises(LimitReached, match=r"The budget budget\.day of config/limits\.yaml is reached") as caught:
        await way(model, "Hello")
    assert 0 < caught.value.after <= 24 * 60 * 60
    assert (len(vendor.requests), len(rows(state))) == (1, 1)
    last = list(audit.records())[-1]
    assert (last["outcome"], last["error"], last["cost_micro_usd"]) == ("limited", "LimitReached", None)
    line = 'app_model_calls_total{outcome="limited",provider="openai",role="answer"} 1.0'
    assert line in telemetry.metrics_page().decode()


async def test_while_a_call_is_under_way_what_it_may_cost_is_taken(
    limits: Written, vendor: Vendor, at: Callable[..., str], open_models: Open, state: Engine
) -> None:
    vendor.fault = "hang"
    limits("budget: {day: 1.5}")  # room for one answer of 100 tokens, but not for two
    model = open_models(at("openai")).get("answer")
    call = asyncio.create_task(model.ainvoke("Hello"))
    await asyncio.to_thread(vendor.arrived.wait)
    (row,) = rows(state)
    assert (row["status"], row["estimated"]) == ("reserved", 1)
    assert row["cost"] > 100 * 10_000
    with pytest.raises(LimitReached):
        await model.ainvoke("Hello")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(vendor.requests) == 1
    (row,) = rows(state)
    assert (row["status"], row["estimated"]) == ("abandoned", 1)
    assert row["cost"] > 100 * 10_000


async def test_two_hundred_calls_at_once_send_no_more_than_the_budget_has_room_for(
    limits: Written, vendor: Vendor, at: Callable[..., str], open_models: Open, state: Engine
) -> None:
    limits("budget: {day: 12}")
    model = open_models(at("openai")).get("answer")
    ended = await asyncio.gather(*(model.ainvoke("Hello") for _ in range(200)), return_exceptions=True)
    answered = [each for each in ended if not isinstance(each, BaseException)]
    assert {type(each) for each in ended if isinstance(each, BaseException)} == {LimitReached}
    assert len(vendor.requests) == len(answered) == len(rows(state))
    assert len(answered) >= 11
    assert sum(row["cost"] for row in rows(state)) <= 12_000_000


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [MODEL, "loopback-2"], ids=["priced", "without a price"])
async def test_what_an_answer_cost_after_a_failed_attempt_is_what_is_booked(
    model: str,
    way: Way,
    limits: Written,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
) -> None:
    vendor.fault, vendor.recovers = 500, 1
    text = at("openai", retries=1).replace(f"model: {MODEL}", f"model: {model}", 1)
    call = Call("anna", "api")
    with calling(call):
        await way(open_models(text, pace=Steps().pace).get("answer"), "Hello")
    failed, answered = rows(state)
    assert (failed["estimated"], answered["estimated"], call.meter.calls) == (1, 0, 2)
    if model == MODEL:
        assert (failed["cost"] > 100 * 10_000, answered["cost"]) == (True, COST)
        assert call.meter.dollars == (failed["cost"] + COST) / 1_000_000
    else:
        assert (failed["cost"], answered["cost"], call.meter.dollars) == (None, None, None)
        assert call.meter.unpriced == {"openai/loopback-2"}


FAULTS: list[tuple[int | str, bool]] = [
    (429, True),
    (401, True),
    (500, False),
    ("cut off", False),
    ("malformed", False),
]


@pytest.mark.parametrize(("fault", "free"), FAULTS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_failed_call_costs_nothing_where_it_surely_did_and_else_what_was_reserved(
    fault: int | str,
    free: bool,
    way: Way,
    limits: Written,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
) -> None:
    vendor.fault = fault
    with pytest.raises(ModelError):
        await way(open_models(at("openai")).get("answer"), "Hello, this is long enough to be cut off")
    (row,) = rows(state)
    assert (row["status"], row["cost"] == 0, row["estimated"]) == ("failed", free, int(not free))


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_a_vendor_that_was_never_reached_charged_nothing(
    provider: str, limits: Written, at: Callable[..., str], open_models: Open, state: Engine
) -> None:
    with pytest.raises(ModelError):
        open_models(at(provider, base_url=nobody_there())).get("answer").invoke("Hello")
    assert [(row["cost"], row["estimated"]) for row in rows(state)] == [(0, 0)]


def test_a_call_that_the_policy_stops_reserves_nothing(
    limits: Written, at: Callable[..., str], open_models: Open, state: Engine, root: Path
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("pseudonymise", "block"), "utf-8")
    with pytest.raises(PolicyViolation):
        open_models(at("openai")).get("answer").invoke("Mail anna@example.org")
    assert rows(state) == []


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_stream_that_is_left_half_way_keeps_its_estimate(
    way: str, limits: Written, at: Callable[..., str], open_models: Open, state: Engine
) -> None:
    model = open_models(at("openai")).get("answer")
    if way == "stream":
        pieces = model.stream("Hello")
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
    else:
        apieces = model.astream("Hello")
        await anext(apieces)
        await apieces.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):  # the event loop closes the generators inside once it comes to it
        while (row := rows(state)[0])["status"] == "reserved":  # noqa: ASYNC110 - nothing tells when it is settled
            await asyncio.sleep(0)
    assert (row["status"], row["estimated"]) == ("abandoned", 1)
    assert row["cost"] > 100 * 10_000


async def test_a_call_that_is_cancelled_while_it_reserves_gives_it_back(
    limits: Written,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = open_models(at("openai"))
    reserve, begun, go_on = models.spending.ledger.reserve, threading.Event(), threading.Event()

    def held_up(*given: Any) -> int:
        begun.set()
        go_on.wait()
        return reserve(*given)

    monkeypatch.setattr(models.spending.ledger, "reserve", held_up)
    call = asyncio.create_task(models.get("answer").ainvoke("Hello"))
    await asyncio.to_thread(begun.wait)
    call.cancel()
    await asyncio.sleep(0)  # the call notices before its reservation is made
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert vendor.requests == []
    assert [(row["status"], row["cost"]) for row in rows(state)] == [("abandoned", 0)]


@pytest.mark.parametrize(
    ("options", "most"),
    [({}, 100), ({"max_tokens": 50}, 50), ({"max_completion_tokens": 9, "n": 3}, 27)],
)
def test_the_longest_answer_is_what_the_call_allows(
    options: dict[str, int],
    most: int,
    limits: Written,
    at: Callable[..., str],
    open_models: Open,
    state: Engine,
    vendor: Vendor,
) -> None:
    vendor.fault = 500
    with pytest.raises(ModelError):
        open_models(at("openai")).get("answer").bind(**options).invoke("Hello")
    (row,) = rows(state)
    assert most * 10_000 < row["cost"] < 2 * most * 10_000


def test_as_long_an_answer_is_asked_for_as_is_reserved_where_the_vendor_must_be_told_one(
    limits: Written, at: Callable[..., str], open_models: Open, state: Engine, vendor: Vendor
) -> None:
    limits("  anthropic/loopback-1: {input_per_million: 0, output_per_million: 10000}\n")
    vendor.fault = 500
    with pytest.raises(ModelError):
        open_models(at("anthropic")).get("answer").invoke("Hello")
    (row,) = rows(state)
    assert row["cost"] == vendor.requests[0].body["max_tokens"] * 10_000 == 40_960_000


def test_a_model_without_a_price_is_refused_under_a_budget_and_unknown_without_one(
    limits: Written, vendor: Vendor, at: Callable[..., str], open_models: Open, state: Engine, audit: AuditLog
) -> None:
    model = open_models(at("openai")).get("answer").bind(model="loopback-2")
    model.invoke("Hello")
    assert [(row["model"], row["cost"], row["input_tokens"]) for row in rows(state)] == [("loopback-2", None, 7)]
    assert [record["cost_micro_usd"] for record in audit.records()] == [None]
    limits("roles: {answer: {budget: {month: 1000}}}")
    with pytest.raises(LimitReached, match="No price is known for openai/loopback-2"):
        model.invoke("Hello")
    assert len(vendor.requests) == 1


def test_one_caller_reaches_a_budget_and_another_goes_on(
    limits: Written, at: Callable[..., str], open_models: Open, vendor: Vendor
) -> None:
    limits("each_caller: {day: 0}\ncallers: {ben: {day: 100}}")
    model = open_models(at("openai")).get("answer")
    with calling(Call("ben", "api")):
        model.invoke("Hello")
    with calling(Call("anna", "api")), pytest.raises(LimitReached, match=r"The budget each_caller\.day"):
        model.invoke("Hello")
    assert len(vendor.requests) == 1


def test_the_gauge_shows_what_is_used_of_each_budget_and_names_no_caller(
    limits: Written, at: Callable[..., str], open_models: Open, telemetry: Telemetry
) -> None:
    limits("budget: {day: 0.1, month: 0}\nroles: {answer: {budget: {day: 0.5}}}\ncallers: {anna: {day: 5}}")
    models = open_models(at("ollama"))

    def ratios() -> dict[str, float]:
        models.measure()
        page = telemetry.metrics_page().decode()
        return {
            name: float(value)
            for name, value in re.findall(r'app_model_budget_used_ratio\{setting="(.+)"\} (.+)', page)
        }

    assert ratios() == {"budget.day": 0, "budget.month": 1, "roles.answer.budget.day": 0}
    limits("budget: {day: 2.28}\nroles: {answer: {budget: {day: 5.7}}}\ncallers: {anna: {day: 5}}")
    with calling(Call("anna", "api")):
        models.get("answer").invoke("Hello")
    used = {"budget.day": COST / 2_280_000, "budget.month": 0, "roles.answer.budget.day": COST / 5_700_000}
    assert ratios() == pytest.approx(used)  # 0 for the budget that was taken out


def test_embeddings_count_what_they_cost_at_most(
    limits: Written, vendor: Vendor, at: Callable[..., str], open_models: Open, state: Engine
) -> None:
    models = open_models(at("openai"))
    models.embeddings().embed_documents(["one", "two"])
    assert [(row["role"], row["status"], row["cost"], row["estimated"]) for row in rows(state)] == [
        ("embed", "answered", 6000, 1)
    ]
    limits("budget: {day: 0.006}")
    with pytest.raises(LimitReached):
        models.embeddings().embed_query("one")
    assert len(vendor.requests) == 1
