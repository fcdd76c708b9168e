"""F03: quota, rate limits and outages of the vendor."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ModelError, RateLimited
from {{ cookiecutter.package_name }}.scaffold.models import Models
from {{ cookiecutter.package_name }}.scaffold.serving import create_api
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.models import vendors
from tests.scaffold.models.two import Steps

QUESTION = "How long may a remote session last?"
FILE = """\
models:
  gateway:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
    timeout: {timeout}
    breaker:
      failures: 4
  extractive:
    provider: offline
    model: extractive-1
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer:
    use: gateway
    fallback: [{fallback}]
    retries: 1
    deadline: {deadline}
  embed: hashing
"""
FAULTS = [429, 500, "hang", "cut off"]


def answering(
    application: Application,
    url: str,
    fallback: str = "",
    timeout: float = 10,
    deadline: float = 30,
    steps: Steps | None = None,
) -> Application:
    """The application with its models as written here, and a pace that waits for nothing."""
    root = application.settings.root
    text = FILE.format(url=url, fallback=fallback, timeout=timeout, deadline=deadline)
    (root / "config" / "models.yaml").write_text(text, "utf-8")
    settings = Settings(root=root)
    models = Models(
        settings,
        application.policy,
        application.audit,
        application.telemetry,
        application.state,
        (steps or Steps()).pace,
    )
    parts = replace(application, models=models)
    return replace(parts, usecase=type(application.usecase)(parts))  # type: ignore[call-arg]


async def ask(application: Application) -> Answer | ModelError:
    try:
        return await application.ask(QUESTION, application.index.directory.get("anna"))
    except ModelError as error:
        return error


def calls(application: Application) -> list[dict[str, Any]]:
    return [record for record in application.audit.records() if record["event"] == "model_call"]


@pytest.mark.drill("F03")
@pytest.mark.parametrize("fault", FAULTS)
async def test_an_answer_survives_the_vendor(
    fault: int | str, application: Application, vendor: vendors.Vendor
) -> None:
    """Staged: the vendor throttles, fails, never answers, or sends half an answer.
    Caught by: the fallback answers, and answer and audit record say that it did, after which attempts.
    """
    vendor.fault = fault
    asked = answering(application, vendor.openai, "extractive", timeout=0.3 if fault == "hang" else 10)
    answer = await ask(asked)
    assert isinstance(answer, Answer), f"assert it was answered: {answer}"
    assert (answer.model, answer.refused) == ("offline/extractive-1", False)
    assert answer.citations
    (record,) = calls(application)
    attempts = [(attempt["model"], attempt["outcome"]) for attempt in record["attempts"]]
    assert attempts == [("loopback-1", "failed")] * len(vendor.requests) + [("extractive-1", "answered")]


@pytest.mark.drill("F03")
@pytest.mark.parametrize("fault", FAULTS)
async def test_without_a_fallback_it_fails_clearly_and_in_time(
    fault: int | str, application: Application, vendor: vendors.Vendor
) -> None:
    """Staged: the same, and no other model stands by.
    Caught by: one clear error within the deadline, whatever the model's own timeout, and one audit record.
    """
    vendor.fault = fault
    deadline = 0.3 if fault == "hang" else 30
    error = await ask(answering(application, vendor.openai, timeout=2, deadline=deadline))
    assert isinstance(error, ModelError)
    assert (error.http_status, "openai-compatible/loopback-1" in str(error)) == (503, True)
    assert ("the deadline left it" in str(error)) == (fault == "hang")
    (record,) = calls(application)
    assert record["outcome"] == "failed"


@pytest.mark.drill("F03")
@pytest.mark.parametrize("fault", [429, 500, "cut off"])
async def test_a_fault_that_passes_is_not_noticed(
    fault: int | str, application: Application, vendor: vendors.Vendor
) -> None:
    """Staged: the vendor fails once, and is back.
    Caught by: the call is tried again; no other model is asked.
    """
    vendor.fault, vendor.recovers = fault, 1
    answer = await ask(answering(application, vendor.openai, "extractive"))
    assert isinstance(answer, Answer)
    assert (answer.model, len(vendor.requests)) == ("openai-compatible/loopback-1", 2)


@pytest.mark.drill("F03")
async def test_a_vendor_that_is_down_is_left_alone(application: Application, vendor: vendors.Vendor) -> None:
    """Staged: the vendor is down for longer, and questions keep coming.
    Caught by: its circuit opens; further questions go to the fallback at once, and nothing is sent to the vendor.
    """
    vendor.fault = 500
    asked = answering(application, vendor.openai, "extractive")
    answers = [await ask(asked) for _ in range(5)]
    assert [answer.model for answer in answers if isinstance(answer, Answer)] == ["offline/extractive-1"] * 5
    assert len(vendor.requests) == 4
    assert calls(application)[-1]["attempts"][0]["error"] == "CircuitOpen"


@pytest.mark.drill("F03")
def test_a_role_at_its_rate_waits_or_is_refused(application: Application, vendor: vendors.Vendor) -> None:
    """Staged: more questions come in a minute than the vendor grants calls.
    Caught by: the rate of the role; a call waits as long as its deadline allows, else it is refused, nothing sent.
    """
    limits, steps = application.settings.path("config", "limits.yaml"), Steps(time=58)
    limits.write_text("roles: {answer: {requests_per_minute: 3}}", "utf-8")
    client = TestClient(
        create_api(answering(application, vendor.openai, steps=steps)), "http://127.0.0.1", client=("127.0.0.1", 5000)
    )
    body = {"question": QUESTION, "caller": "anna"}
    assert [client.post("/api/ask", json=body).status_code for _ in range(4)] == [200] * 4
    assert steps.waits == [pytest.approx(2 + 20 + 0.5)]

    limits.write_text("roles: {answer: {requests_per_minute: 1}}", "utf-8")
    refused = client.post("/api/ask", json=body)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "RateLimited")
    assert 30 < int(refused.headers["retry-after"]) <= 120
    assert len(vendor.requests) == 4
    assert calls(application)[-1]["outcome"] == "throttled"


@pytest.mark.drill("F03")
async def test_a_slow_vendor_does_not_pile_up_calls(application: Application, vendor: vendors.Vendor) -> None:
    """Staged: the vendor has become slow, and questions keep coming.
    Caught by: no more calls are under way than the role has places; behind a full queue nothing is sent.
    """
    limits = application.settings.path("config", "limits.yaml")
    limits.write_text("roles: {answer: {concurrent: 1, queue: 0}}", "utf-8")
    asked, vendor.fault = answering(application, vendor.openai), "hang"
    slow = asyncio.create_task(ask(asked))
    await asyncio.to_thread(vendor.arrived.wait)
    vendor.fault = None
    with pytest.raises(RateLimited, match="nothing was sent"):
        await ask(asked)
    assert len(vendor.requests) == 1
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert isinstance(await ask(asked), Answer)
