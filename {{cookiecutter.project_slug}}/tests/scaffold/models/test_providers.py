"""Providers over their real wire, to a server on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.vendors import KEY, MODEL, Vendor

PROVIDERS = ["openai", "openai-compatible", "ollama"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_provider_answers_in_every_way_and_says_what_it_used(
    provider: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    reply = await way(open_models(at(provider)).get("answer"), "Good morning")

    assert reply.text == "You wrote: Good morning"
    assert reply.usage_metadata is not None
    assert (reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]) == (7, 5)
    assert [request.body["model"] for request in vendor.requests] == [MODEL]


@pytest.mark.parametrize(("provider", "sent"), [("openai", f"Bearer {KEY}"), ("ollama", None)])
def test_the_key_of_the_named_variable_is_sent(
    provider: str, sent: str | None, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    open_models(at(provider)).get("answer").invoke("Hello")
    assert vendor.requests[0].authorization == sent


def test_another_vendors_key_never_goes_to_a_compatible_server(
    vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")  # the file decides where calls go, nothing else
    open_models(at("openai-compatible").replace("api_key_env: LOOPBACK_KEY", "")).get("answer").invoke("Hello")
    assert vendor.requests[0].authorization == "Bearer none"


@pytest.mark.parametrize(
    ("provider", "where", "expected"),
    [
        ("openai", ("temperature", "max_completion_tokens", "seed"), (0.0, 50, 7)),
        ("ollama", ("options",), ({"temperature": 0.0, "num_predict": 50, "seed": 7},)),
    ],
)
def test_parameters_arrive_under_the_vendors_names(
    provider: str,
    where: tuple[str, ...],
    expected: tuple[object, ...],
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
) -> None:
    parameters = "    parameters:\n      temperature: 0\n      max_tokens: 50\n      seed: 7\n  vectors:"
    open_models(at(provider).replace("  vectors:", parameters)).get("answer").invoke("Hello")
    assert tuple(vendor.requests[0].body[name] for name in where) == expected


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_embeddings_come_in_the_order_of_their_texts(
    provider: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    embeddings = open_models(at(provider)).embeddings()
    assert embeddings.embed_documents(["one", "three"]) == [[3.0, 1.0], [5.0, 1.0]]
    assert await embeddings.aembed_query("four") == [4.0, 1.0]
    assert vendor.requests[0].body["input"] == ["one", "three"]  # text, not tokens of a downloaded vocabulary


@pytest.mark.parametrize(
    ("provider", "package", "extra"),
    [("openai", "langchain_openai", "openai"), ("ollama", "langchain_ollama", "ollama")],
)
def test_a_missing_package_names_the_extra_that_brings_it(
    provider: str, package: str, extra: str, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    models = open_models(at(provider))
    with pytest.raises(ConfigurationError, match=f"make setup EXTRAS={extra}"):
        models.get("answer")


def test_a_parameter_that_the_provider_does_not_have_is_an_error(at: Callable[..., str], open_models: Open) -> None:
    parameters = "    parameters:\n      context_tokens: 4096\n  vectors:"
    with pytest.raises(
        ConfigurationError, match=r":9: models\.chosen\.parameters\.context_tokens: does not exist for the"
    ):
        open_models(at("openai").replace("  vectors:", parameters))


@pytest.mark.parametrize("key", ["sk-1\n", "sk 1", "sk-\u00e4"])
def test_a_key_that_no_vendor_can_be_sent_is_named_and_not_shown(
    key: str, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = at("openai")
    monkeypatch.setenv("LOOPBACK_KEY", key)
    models = open_models(text)
    assert "LOOPBACK_KEY holds a blank, a line break" in str(models.unusable("answer"))
    assert key not in str(models.unusable("answer"))
