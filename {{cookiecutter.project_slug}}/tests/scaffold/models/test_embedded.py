"""What comes of each fault of a vendor of embeddings: tried again, left alone, or told clearly; sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from langchain_core.embeddings import Embeddings

from {{ cookiecutter.package_name }}.scaffold.errors import CircuitOpen, ConfigurationError, ModelError, ModelTimeout, RateLimited
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import Steps
from tests.scaffold.models.vendors import MODEL, Vendor, nobody_there

TEXTS = ["one", "three"]
VECTORS = [[3.0, 1.0], [5.0, 1.0]]
Way = Callable[[Embeddings], Awaitable[list[list[float]]]]
At = Callable[..., str]


async def embedded(embeddings: Embeddings) -> list[list[float]]:
    return await asyncio.to_thread(embeddings.embed_documents, TEXTS)


async def aembedded(embeddings: Embeddings) -> list[list[float]]:
    return await embeddings.aembed_documents(TEXTS)


async def asked(embeddings: Embeddings) -> list[list[float]]:
    return [await asyncio.to_thread(embeddings.embed_query, text) for text in TEXTS]


async def aasked(embeddings: Embeddings) -> list[list[float]]:
    return [await embeddings.aembed_query(text) for text in TEXTS]


WAYS: list[Way] = [embedded, aembedded]
PROVIDERS = ["openai", "ollama"]

FAULTS: list[tuple[int | str, str, int]] = [
    # the fault, its error, and how many attempts two retries make of it
    (400, "ModelError", 1),
    (401, "ModelError", 1),
    (404, "ModelError", 1),
    (408, "ModelUnavailable", 3),
    (429, "ModelUnavailable", 3),
    (500, "ModelUnavailable", 3),
    (501, "ModelUnavailable", 1),
    (503, "ModelUnavailable", 3),
    ("reset", "ModelUnavailable", 3),
    ("hang", "ModelTimeout", 3),
    ("malformed", "ModelUnreadable", 1),
    ("too few", "ModelUnreadable", 1),
]


@pytest.mark.parametrize("way", [*WAYS, asked, aasked])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_vectors_come_in_the_order_of_their_texts(provider: str, way: Way, at: At, open_models: Open) -> None:
    assert await way(open_models(at(provider)).embeddings()) == VECTORS


@pytest.mark.parametrize(("fault", "error", "attempts"), FAULTS)
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_fault_has_its_outcome(
    way: Way,
    provider: str,
    fault: int | str,
    error: str,
    attempts: int,
    vendor: Vendor,
    at: At,
    open_models: Open,
    audit: AuditLog,
) -> None:
    vendor.fault = fault
    text = at(provider, retries=2, timeout=0.3 if fault == "hang" else 10)
    with pytest.raises(ModelError) as caught:
        await way(open_models(text, pace=Steps().pace).embeddings())
    assert (type(caught.value).__name__, len(vendor.requests)) == (error, attempts)
    assert f"{provider}/{MODEL}" in str(caught.value)
    (record,) = audit.records()
    assert (record["event"], record["outcome"], record["error"]) == ("embedding_call", "failed", error)
    assert [(each["outcome"], each["error"]) for each in record["attempts"]] == [("failed", error)] * attempts


@pytest.mark.parametrize("fault", [429, 500, "reset", "hang"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_fault_that_passes_is_not_seen(
    way: Way,
    provider: str,
    fault: int | str,
    vendor: Vendor,
    at: At,
    open_models: Open,
    audit: AuditLog,
    telemetry: Telemetry,
) -> None:
    vendor.fault, vendor.recovers = fault, 1
    steps = Steps()
    text = at(provider, retries=2, timeout=1 if fault == "hang" else 10)
    assert await way(open_models(text, pace=steps.pace).embeddings()) == VECTORS
    assert (len(vendor.requests), steps.waits) == (2, [0.5])
    (record,) = audit.records()
    assert [each["outcome"] for each in record["attempts"]] == ["failed", "answered"]
    labels = f'provider="{provider}",role="embed"'
    assert "app_model_retries_total{" + labels + "} 1.0" in telemetry.metrics_page().decode()


@pytest.mark.parametrize("way", WAYS)
async def test_nobody_there_is_asked_again_and_then_named(way: Way, at: At, open_models: Open) -> None:
    steps, url = Steps(), nobody_there()
    with pytest.raises(ModelError, match=f"cannot be reached at {url}"):
        await way(open_models(at("ollama", base_url=url, retries=2), pace=steps.pace).embeddings())
    assert steps.waits == [0.5, 1]


@pytest.mark.parametrize(("said", "waits"), [("7", [7.5]), ("60", [])])
@pytest.mark.parametrize("way", WAYS)
async def test_a_vendor_says_when_to_come_back(
    way: Way, said: str, waits: list[float], vendor: Vendor, at: At, open_models: Open
) -> None:
    vendor.fault, vendor.retry_after = 429, said
    steps = Steps()
    with pytest.raises(ModelError):
        await way(open_models(at("openai", retries=1), pace=steps.pace).embeddings())
    assert steps.waits == waits


@pytest.mark.parametrize("fault", ["hang", "drip"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_request_ends_with_its_deadline(
    way: Way, fault: str, vendor: Vendor, at: At, open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = fault
    text = at("openai", retries=5, timeout=2) + "    deadline: 0.3\n"
    with pytest.raises(ModelTimeout, match="that the deadline left it"):
        await way(open_models(text).embeddings())
    (record,) = audit.records()
    assert (len(vendor.requests), record["error"]) == (1, "ModelTimeout")


@pytest.mark.parametrize("way", WAYS)
async def test_a_vendor_that_keeps_failing_is_left_alone(way: Way, vendor: Vendor, at: At, open_models: Open) -> None:
    steps = Steps()
    text = at("openai").replace("kind: embedding", "kind: embedding\n    breaker: {failures: 2}")
    embeddings = open_models(text, pace=steps.pace).embeddings()
    vendor.fault = 500
    for error in (ModelError, ModelError, CircuitOpen):
        with pytest.raises(error):
            await way(embeddings)
    assert len(vendor.requests) == 2
    steps.time, vendor.fault = 30, None
    assert await way(embeddings) == VECTORS


@pytest.mark.parametrize("way", WAYS)
async def test_they_wait_in_line_like_questions(
    way: Way, vendor: Vendor, at: At, open_models: Open, root: Path
) -> None:
    (root / "config" / "limits.yaml").write_text("roles: {embed: {concurrent: 1, queue: 0}}", "utf-8")
    embeddings = open_models(at("openai")).embeddings()
    vendor.fault = "hang"
    first = asyncio.create_task(embeddings.aembed_query("first"))
    await asyncio.to_thread(vendor.arrived.wait)
    with pytest.raises(RateLimited):
        await way(embeddings)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    vendor.fault = None
    assert await way(embeddings) == VECTORS


async def test_no_texts_are_no_call(vendor: Vendor, at: At, open_models: Open, audit: AuditLog) -> None:
    embeddings = open_models(at("openai")).embeddings()
    assert (embeddings.embed_documents([]), await embeddings.aembed_documents([])) == ([], [])
    assert (vendor.requests, list(audit.records())) == ([], [])


TWO = """\
models:
  small: {provider: openai-compatible, model: small-1, base_url: URL, kind: embedding}
  large: {provider: openai-compatible, model: large-1, base_url: URL, kind: embedding}
  talker: {provider: offline, model: extractive-1}
roles:
  answer: talker
  embed: small
"""


def test_each_model_has_vectors_of_its_own_name_and_can_stand_in_for_the_role(
    vendor: Vendor, open_models: Open, audit: AuditLog
) -> None:
    models = open_models(TWO.replace("URL", vendor.openai))
    assert models.named() == "small"
    labels = [models.embeddings().label, models.embeddings(use="large").label]  # type: ignore[attr-defined]
    assert labels == ["openai-compatible/small-1", "openai-compatible/large-1"]
    assert models.embeddings(use="large").embed_documents(TEXTS) == VECTORS
    assert [(record["role"], record["model"]) for record in audit.records()] == [("embed", "large-1")]
    assert models.embeddings(use="large") is models.embeddings(use="large")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("larg", r"no model 'larg' under models in config/models.yaml \(did you mean 'large'\?\).*: small, large"),
        ("talker", "The model 'talker' in config/models.yaml is a chat model; ask for one of kind embedding"),
    ],
)
def test_what_is_no_embedding_cannot_stand_in(name: str, said: str, vendor: Vendor, open_models: Open) -> None:
    with pytest.raises(ConfigurationError, match=said):
        open_models(TWO.replace("URL", vendor.openai)).embeddings(use=name)


@pytest.mark.parametrize("name", ["hashing", "hashing-9", "hashing-9999", "minilm"])
def test_the_offline_embedding_is_as_long_as_its_name_says(name: str, open_models: Open) -> None:
    text = "models:\n  e: {provider: offline, model: NAME, kind: embedding}\nroles:\n  embed: e\n"
    assert len(open_models(text.replace("NAME", "hashing-256")).embeddings().embed_query("one")) == 256
    with pytest.raises(ConfigurationError, match=f"is called hashing-N, with 64 to 4096 for N.*, not {name}"):
        open_models(text.replace("NAME", name)).embeddings()
