"""Control: what passes by itself is tried again, after a pause that chance draws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import Steps, outcome
from tests.scaffold.models.vendors import MODEL, Vendor

ANSWERED = f"openai/{MODEL}"


@pytest.mark.parametrize("fault", [408, 429, 500, 502, 503, 504, "reset", "hang"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_fault_that_passes_is_not_seen(
    way: Way, fault: int | str, vendor: Vendor, at: Callable[..., str], open_models: Open, telemetry: Telemetry
) -> None:
    vendor.fault, vendor.recovers = fault, 1
    steps = Steps()
    text = at("openai", retries=2, timeout=1 if fault == "hang" else 10)
    assert await outcome(way, open_models(text, pace=steps.pace).get("answer")) == ANSWERED
    assert len(vendor.requests) == 2
    assert steps.waits == [0.5]
    assert 'app_model_retries_total{provider="openai",role="answer"} 1.0' in telemetry.metrics_page().decode()


@pytest.mark.parametrize(("drawn", "waits"), [(1.0, [0.5, 1, 2, 4, 8, 8]), (0.5, [0.25, 0.5, 1, 2, 4, 4])])
async def test_pauses_grow_up_to_a_limit_and_are_drawn_from_zero_up(
    drawn: float, waits: list[float], vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault = 503
    steps = Steps(drawn)
    text = at("openai", retries=6).replace("    timeout: 10", "    timeout: 10\n    breaker: {failures: 99}", 1)
    assert await outcome(WAYS[0], open_models(text, pace=steps.pace).get("answer")) == "ModelUnavailable"
    assert steps.waits == waits
    assert len(vendor.requests) == 7


SOON = format_datetime(datetime.now(UTC) - timedelta(minutes=5), usegmt=True)
LATE = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)


@pytest.mark.parametrize(
    ("said", "waits"),
    [("7", [7.5]), ("0.5", [1.0]), ("60", []), (SOON, [0.5]), (LATE, []), ("soon", [0.5])],
    ids=["seconds", "less than one", "beyond the deadline", "a date gone by", "a date too late", "no number"],
)
async def test_a_vendor_says_when_to_come_back(
    said: str, waits: list[float], vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault, vendor.retry_after = 429, said
    steps = Steps()
    text = at("openai", retries=1)
    assert await outcome(WAYS[1], open_models(text, pace=steps.pace).get("answer")) == "ModelUnavailable"
    assert steps.waits == waits
    assert len(vendor.requests) == 1 + len(waits)
