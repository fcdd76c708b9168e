"""Providers over their real wire, to a server on loopback."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.variants import EMBEDDING, VARIANTS
from tests.scaffold.models.vendors import KEY, MODEL, Vendor


@pytest.mark.parametrize("provider", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_provider_answers_in_every_way_and_says_what_it_used(
    provider: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    reply = await way(open_models(at(provider)).get("answer"), "Good morning")

    assert reply.text == "You wrote: Good morning"
    assert reply.usage_metadata is not None
    assert (reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]) == (7, 5)
    assert len(vendor.requests) == 1
    assert MODEL in vendor.requests[0].path + str(vendor.requests[0].body)


@pytest.mark.parametrize(
    ("provider", "header", "sent"),
    [
        ("openai", "authorization", f"Bearer {KEY}"),
        ("azure-openai", "api-key", KEY),
        ("anthropic", "authorization", f"Bearer {KEY}"),
        ("ollama", "authorization", None),
    ],
)
def test_the_key_of_the_named_variable_is_sent(
    provider: str, header: str, sent: str | None, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    open_models(at(provider)).get("answer").invoke("Hello")
    assert vendor.requests[0].headers.get(header) == sent


ELSEWHERE = "http://127.0.0.1:9"
ENVIRONMENT = {
    "azure-openai": {
        "AZURE_OPENAI_ENDPOINT": ELSEWHERE,
        "AZURE_OPENAI_AD_TOKEN": "another",
        "AZURE_OPENAI_API_KEY": "another",
        "OPENAI_API_BASE": ELSEWHERE,
        "OPENAI_BASE_URL": ELSEWHERE,
        "OPENAI_API_VERSION": "another",
    },
    "anthropic": {
        "ANTHROPIC_BASE_URL": ELSEWHERE,
        "ANTHROPIC_API_URL": ELSEWHERE,
        "ANTHROPIC_API_KEY": "another",
        "ANTHROPIC_AUTH_TOKEN": "another",
        "ANTHROPIC_PROXY": ELSEWHERE,
        "ANTHROPIC_PROFILE": "another",
    },
}


@pytest.mark.parametrize("provider", ENVIRONMENT)
@pytest.mark.parametrize("way", WAYS)
async def test_the_file_decides_where_calls_go_and_with_which_key(
    provider: str,
    way: Way,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT[provider].items():
        monkeypatch.setenv(name, value)
    models = open_models(at(provider))
    await way(models.get("answer"), "Hello")
    if provider in EMBEDDING:
        models.embeddings().embed_query("Hello")
    for request in vendor.requests:
        assert KEY in {request.headers.get("api-key"), str(request.authorization).removeprefix("Bearer ")}
        assert "another" not in request.path + str(request.headers)


def test_azure_is_called_by_deployment_and_version(vendor: Vendor, at: Callable[..., str], open_models: Open) -> None:
    version = "    api_version: 2025-04-01-preview\n  vectors:"
    for text in (at("azure-openai"), at("azure-openai").replace("  vectors:", version)):
        open_models(text).get("answer").invoke("Hello")
    open_models(at("azure-openai")).get("answer").bind(model="other").invoke("Hello")
    assert [request.path for request in vendor.requests] == [
        f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-10-21",
        f"/openai/deployments/{MODEL}/chat/completions?api-version=2025-04-01-preview",
        "/openai/deployments/other/chat/completions?api-version=2024-10-21",
    ]


MISTAKES = [
    ("azure-openai", "    base_url", "    # base_url", "azure-openai needs the address of its server"),
    ("anthropic", "    model:", "    kind: embedding\n    model:", "kind: anthropic has no embeddings"),
]


@pytest.mark.parametrize(("provider", "what", "instead", "said"), MISTAKES)
def test_an_entry_that_its_provider_cannot_serve_is_refused_with_its_line(
    provider: str, what: str, instead: str, said: str, at: Callable[..., str], open_models: Open
) -> None:
    with pytest.raises(ConfigurationError, match=rf"models\.yaml:\d+: models\.chosen\..*{said}"):
        open_models(at(provider).replace(what, instead, 1))


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
        ("azure-openai", ("temperature", "max_completion_tokens", "seed"), (0.0, 50, 7)),
        ("ollama", ("options",), ({"temperature": 0.0, "num_predict": 50, "seed": 7},)),
        ("anthropic", ("temperature", "max_tokens"), (0.0, 50)),
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
    if "seed" not in str((where, expected)):
        parameters = parameters.replace("      seed: 7\n", "")
    open_models(at(provider).replace("  vectors:", parameters)).get("answer").invoke("Hello")
    assert tuple(vendor.requests[0].body[name] for name in where) == expected


@pytest.mark.parametrize("provider", ["openai", "azure-openai", "openai-compatible", "ollama"])
async def test_embeddings_come_in_the_order_of_their_texts(
    provider: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    embeddings = open_models(at(provider)).embeddings()
    assert embeddings.embed_documents(["one", "three"]) == [[3.0, 1.0], [5.0, 1.0]]
    assert await embeddings.aembed_query("four") == [4.0, 1.0]
    assert vendor.requests[0].body["input"] == ["one", "three"]  # text, not tokens of a downloaded vocabulary


@pytest.mark.parametrize(
    ("provider", "package", "extra"),
    [
        ("openai", "langchain_openai", "openai"),
        ("azure-openai", "langchain_openai", "azure-openai"),
        ("ollama", "langchain_ollama", "ollama"),
        ("anthropic", "langchain_anthropic", "anthropic"),
    ],
)
def test_a_missing_package_names_the_extra_that_brings_it(
    provider: str, package: str, extra: str, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    models = open_models(at(provider))
    with pytest.raises(ConfigurationError, match=f"make setup EXTRAS={extra}"):
        models.get("answer")


@pytest.mark.parametrize(("provider", "name"), [("openai", "context_tokens"), ("anthropic", "seed")])
def test_a_parameter_that_the_provider_does_not_have_is_an_error(
    provider: str, name: str, at: Callable[..., str], open_models: Open
) -> None:
    parameters = f"    parameters:\n      {name}: 4096\n  vectors:"
    with pytest.raises(
        ConfigurationError,
        match=rf":\d+: models\.chosen\.parameters\.{name}: does not exist for the provider {provider}",
    ):
        open_models(at(provider).replace("  vectors:", parameters))


@pytest.mark.parametrize("key", ["sk-1\n", "sk 1", "sk-\u00e4"])
def test_a_key_that_no_vendor_can_be_sent_is_named_and_not_shown(
    key: str, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = at("openai")
    monkeypatch.setenv("LOOPBACK_KEY", key)
    models = open_models(text)
    assert "LOOPBACK_KEY holds a blank, a line break" in str(models.unusable("answer"))
    assert key not in str(models.unusable("answer"))
