"""What a vendor does wrong becomes one clear error, whichever way it was called."""

from __future__ import annotations

import pytest

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.vendors import MODEL, Vendor, nobody_there
from {{ cookiecutter.package_name }}.scaffold.errors import ModelError, ModelUnavailable

FAULTS: list[tuple[int | str, type[ModelError], str]] = [
    (400, ModelError, "rejected the request as invalid (status 400 from loopback)"),
    (401, ModelError, "did not accept the key"),
    (403, ModelError, "refused access"),
    (404, ModelError, "does not know the model"),
    (418, ModelError, "refused the request with status 418"),
    (429, ModelUnavailable, "throttles"),
    (500, ModelUnavailable, "has a fault of its own (status 500)"),
    (503, ModelUnavailable, "has a fault of its own (status 503)"),
    ("malformed", ModelError, "check that base_url in config/models.yaml is right"),
    ("cut off", ModelUnavailable, "broke off in the midst of its answer"),
    ("hang", ModelUnavailable, "did not answer within 0.2 seconds"),
]


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize(("fault", "kind", "words"), FAULTS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_fault_is_named(
    provider: str,
    fault: int | str,
    kind: type[ModelError],
    words: str,
    way: Way,
    vendor: Vendor,
    at: type[str],
    open_models: Open,
) -> None:
    model = open_models(at(provider, timeout=0.2 if fault == "hang" else 10)).get("answer")
    vendor.fault = fault
    with pytest.raises(ModelError) as caught:
        await way(model, "Hello")
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert f"{provider}/{MODEL}" in str(caught.value)
    assert len(vendor.requests) == 1, "a vendor's client must not try again by itself"


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS)
async def test_nobody_there_is_named_with_the_address(provider: str, way: Way, at: type[str], open_models: Open) -> None:
    url = nobody_there()
    with pytest.raises(ModelUnavailable, match=f"cannot be reached at {url}"):
        await way(open_models(at(provider, base_url=url)).get("answer"), "Hello")


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS[2:])
async def test_a_stream_that_ends_before_the_vendor_said_so_is_an_error(
    provider: str, way: Way, vendor: Vendor, at: type[str], open_models: Open
) -> None:
    vendor.fault = "ended early"
    with pytest.raises(ModelUnavailable, match="broke off"):
        await way(open_models(at(provider)).get("answer"), "Hello")


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize(("fault", "kind"), [(401, ModelError), (429, ModelUnavailable), ("hang", ModelUnavailable)])
def test_embeddings_fail_as_clearly(
    provider: str, fault: int | str, kind: type[ModelError], vendor: Vendor, at: type[str], open_models: Open
) -> None:
    embeddings = open_models(at(provider, timeout=0.2 if fault == "hang" else 10)).embeddings()
    vendor.fault = fault
    with pytest.raises(ModelError) as caught:
        embeddings.embed_query("Hello")
    assert type(caught.value) is kind
