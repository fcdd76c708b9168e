"""One audit record per call, however it ended, and no text in it; one span, one count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from {{ cookiecutter.package_name }}.scaffold.errors import AuditError, ModelError, PolicyViolation
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.observability import Call, Telemetry, calling

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.vendors import MODEL, Vendor

PROMPT = {"prompt": "answer.en@1", "prompt_sha256": "ab" * 32}
OURS = {
    "role",
    "provider",
    "model",
    "prompt",
    "prompt_sha256",
    "caller",
    "channel",
    "outcome",
    "error",
    "finish_reason",
}


def only(audit: AuditLog) -> dict[str, Any]:
    (record,) = audit.records()
    return record


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_call_is_on_record_with_caller_prompt_and_usage(
    provider: str, way: Way, at: Callable[..., str], open_models: Open, audit: AuditLog, vendor: Vendor
) -> None:
    with calling(Call("anna", "api")):
        await way(open_models(at(provider)).get("answer"), "a question of anna@example.org", metadata=PROMPT)
    record = only(audit)
    assert {key: record[key] for key in OURS} == {
        "role": "answer",
        "provider": provider,
        "model": MODEL,
        **PROMPT,
        "caller": "anna",
        "channel": "api",
        "outcome": "answered",
        "error": None,
        "finish_reason": "stop",
    }
    assert (record["event"], record["input_tokens"], record["output_tokens"]) == ("model_call", 7, 5)
    assert len(record["messages_sha256"]) == len(record["answer_sha256"]) == 64
    assert "question" not in str(record)
    assert audit.verify().ok


@pytest.mark.parametrize("way", WAYS)
async def test_a_failed_call_is_on_record(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = 429
    with pytest.raises(ModelError):
        await way(open_models(at("openai")).get("answer"), "Hello", metadata=PROMPT)
    record = only(audit)
    assert (record["outcome"], record["error"], record["prompt"]) == ("failed", "ModelUnavailable", "answer.en@1")


@pytest.mark.parametrize("way", WAYS)
async def test_a_refused_call_is_on_record(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog, root: Path
) -> None:
    model = open_models(at("openai")).get("answer")
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("openai, ", ""), "utf-8")
    with pytest.raises(PolicyViolation, match=f"does not allow openai/{MODEL}"):
        await way(model, "Hello")
    assert (only(audit)["outcome"], only(audit)["error"]) == ("denied", "PolicyViolation")
    assert vendor.requests == []


def test_another_model_in_the_call_is_what_the_policy_and_the_record_see(
    at: Callable[..., str], open_models: Open, audit: AuditLog, vendor: Vendor
) -> None:
    open_models(at("openai")).get("answer").bind(model="loopback-2").invoke("Hello")
    assert only(audit)["model"] == vendor.requests[0].body["model"] == "loopback-2"


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS[2:])
async def test_a_stream_that_breaks_is_on_record_with_what_came(
    provider: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = "cut off"
    with pytest.raises(ModelError):
        await way(open_models(at(provider)).get("answer"), "Hello, this is long enough to be cut off", metadata=PROMPT)
    record = only(audit)
    assert (record["outcome"], record["prompt"]) == ("failed", "answer.en@1")
    assert record["answer_characters"] > 0


@pytest.mark.parametrize("provider", ["openai", "ollama"])
async def test_a_stream_that_is_left_half_way_is_on_record(
    provider: str, at: Callable[..., str], open_models: Open, audit: AuditLog, vendor: Vendor
) -> None:
    model = open_models(at(provider)).get("answer")
    with calling(Call("anna", "page")):
        pieces = model.stream("Hello")
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        apieces = model.astream("Hello")
        await anext(apieces)
        await apieces.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(10):  # the event loop closes the generators inside once it comes to it
        while len(records := list(audit.records())) < 2:  # noqa: ASYNC110 - nothing tells when a record is there
            await asyncio.sleep(0)
    assert [(record["outcome"], record["caller"]) for record in records] == [("abandoned", "anna")] * 2


async def test_a_cancelled_call_is_on_record(
    vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = "hang"
    call = asyncio.create_task(open_models(at("openai")).get("answer").ainvoke("Hello"))
    await asyncio.to_thread(vendor.arrived.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert only(audit)["outcome"] == "abandoned"


@pytest.mark.parametrize("way", WAYS)
async def test_no_answer_comes_back_from_a_call_that_cannot_be_recorded(
    way: Way,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    audit: AuditLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise AuditError("The disk is full.")

    monkeypatch.setattr(audit, "append", full)
    with pytest.raises(AuditError, match="The disk is full"):
        await way(open_models(at("openai")).get("answer"), "Hello")


def test_a_batch_of_texts_to_embed_is_one_record(
    at: Callable[..., str], open_models: Open, audit: AuditLog, vendor: Vendor
) -> None:
    open_models(at("openai")).embeddings().embed_documents(["one", "anna@example.org"])
    record = only(audit)
    assert (record["event"], record["role"], record["texts"], record["outcome"]) == (
        "embedding_call",
        "embed",
        2,
        "answered",
    )


def test_a_failed_embedding_is_on_record(
    at: Callable[..., str], open_models: Open, audit: AuditLog, vendor: Vendor
) -> None:
    vendor.fault = 500
    with pytest.raises(ModelError):
        open_models(at("openai")).embeddings().embed_query("one")
    assert (only(audit)["outcome"], only(audit)["error"]) == ("failed", "ModelUnavailable")


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_is_one_span_without_content(
    way: Way, at: Callable[..., str], open_models: Open, spans: InMemorySpanExporter, vendor: Vendor
) -> None:
    await way(open_models(at("openai")).get("answer"), "a confidential question")
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["gen_ai.request.model"] == MODEL
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.usage.output_tokens"] == 5
    assert "confidential" not in span.to_json()


async def test_calls_tokens_and_seconds_are_counted_by_role_and_provider(
    at: Callable[..., str], open_models: Open, telemetry: Telemetry, vendor: Vendor
) -> None:
    model = open_models(at("openai")).get("answer")
    for way in WAYS:
        await way(model, "Hello")
    vendor.fault = 500
    with pytest.raises(ModelError):
        model.invoke("Hello")
    page = telemetry.metrics_page().decode()
    for line in (
        'app_model_calls_total{outcome="answered",provider="openai",role="answer"} 4.0',
        'app_model_calls_total{outcome="failed",provider="openai",role="answer"} 1.0',
        'app_tokens_total{direction="input",provider="openai",role="answer"} 28.0',
        'app_tokens_total{direction="output",provider="openai",role="answer"} 20.0',
        'app_model_call_duration_seconds_count{provider="openai",role="answer"} 5.0',
    ):
        assert line in page
