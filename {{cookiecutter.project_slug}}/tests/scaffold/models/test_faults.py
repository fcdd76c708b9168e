"""What a vendor does wrong becomes one clear error, whichever way it was called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import (
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    ModelUnreadable,
)

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.variants import VARIANTS
from tests.scaffold.models.vendors import MODEL, Vendor, nobody_there

FAULTS: list[tuple[int | str, type[ModelError], str]] = [
    (400, ModelError, "rejected the request as invalid (status 400 from loopback)"),
    (401, ModelError, "did not accept the key"),
    (403, ModelError, "refused access"),
    (404, ModelError, "does not know the model"),
    (418, ModelError, "refused the request with status 418"),
    (429, ModelUnavailable, "throttles"),
    (413, ModelError, "found the request too long"),
    (500, ModelUnavailable, "has a fault of its own (status 500)"),
    (503, ModelUnavailable, "has a fault of its own (status 503)"),
    (529, ModelUnavailable, "has a fault of its own (status 529)"),
    ("context_length_exceeded", ModelError, "too long"),
    ("malformed", ModelUnreadable, "sent nothing that can be read as an answer"),
    ("cut off", ModelUnavailable, "broke off in the midst of its answer"),
    ("hang", ModelTimeout, "did not answer within 0.2 seconds"),
]


@pytest.mark.parametrize(("variant", "way"), [(variant, WAYS[i % 4]) for i, variant in enumerate(VARIANTS)])
@pytest.mark.parametrize(("fault", "kind", "words"), FAULTS)
async def test_a_fault_is_named(
    variant: str,
    fault: int | str,
    kind: type[ModelError],
    words: str,
    way: Way,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
) -> None:
    model = open_models(at(variant, timeout=0.2 if fault == "hang" else 10)).get("answer")
    vendor.fault = fault
    with pytest.raises(ModelError) as caught:
        await way(model, "Hello")
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert f"{VARIANTS[variant].provider}/{MODEL}" in str(caught.value)
    assert len(vendor.requests) == 1, "a vendor's client must not try again by itself"


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS)
async def test_nobody_there_is_named_with_the_address(
    provider: str, way: Way, at: Callable[..., str], open_models: Open
) -> None:
    url = nobody_there()
    with pytest.raises(ModelUnavailable, match=f"cannot be reached at {url}"):
        await way(open_models(at(provider, base_url=url)).get("answer"), "Hello")


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_fault_of_the_program_around_is_not_the_address(
    provider: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.keeps = True
    model = open_models(at(provider)).get("answer")
    asyncio.run(model.ainvoke("Hello"))
    with pytest.raises(ModelError, match=r"the program around the call failed \(Event loop is closed\)") as caught:
        asyncio.run(model.ainvoke("Hello"))
    assert "base_url" not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
async def test_azure_filters_what_it_is_asked_too(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault = "prompt_filter"
    with pytest.raises(ModelError, match="withheld its answer: its content filter found something"):
        await way(open_models(at("azure-openai")).get("answer"), "Hello")


@pytest.mark.parametrize("provider", ["openai", "ollama", "anthropic"])
@pytest.mark.parametrize("way", WAYS[2:])
@pytest.mark.parametrize(("fault", "words"), [("ended early", "broke off"), ("stall", "within 0.2 seconds")])
async def test_a_stream_that_stops_before_the_vendor_said_so_is_an_error(
    provider: str, way: Way, fault: str, words: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault = fault
    with pytest.raises(ModelUnavailable, match=words):
        await way(open_models(at(provider, timeout=0.2)).get("answer"), "Hello")


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize(("fault", "kind"), [(401, ModelError), (429, ModelUnavailable), ("hang", ModelTimeout)])
def test_embeddings_fail_as_clearly(
    provider: str, fault: int | str, kind: type[ModelError], vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    embeddings = open_models(at(provider, timeout=0.2 if fault == "hang" else 10)).embeddings()
    vendor.fault = fault
    with pytest.raises(ModelError) as caught:
        embeddings.embed_query("Hello")
    assert type(caught.value) is kind
