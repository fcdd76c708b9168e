"""What a call costs, and that nobody fetches prices."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from langchain_core.messages.ai import UsageMetadata

from {{ cookiecutter.package_name }}.scaffold.models.limits import Price
from {{ cookiecutter.package_name }}.scaffold.models.prices import cost
from {{ cookiecutter.package_name }}.scaffold.models.settings import ModelEntry
from {{ cookiecutter.package_name }}.scaffold.models.spending import tokens

OPENAI: dict[str, Any] = {"provider": "openai", "model": "gpt-5.4-mini"}
GATEWAY = {"provider": "openai-compatible", "model": "gpt-5.4-mini", "base_url": "http://localhost:8000/v1"}
PER_MILLION = calc_price(
    Usage(input_tokens=1_000_000), "gpt-5.4-mini", provider_api_url="https://api.openai.com/v1"
).total_price
GEMINI: dict[str, Any] = {"provider": "google", "model": "gemini-2.5-flash"}
VERTEX = {"project": "acme", "region": "europe-west1"}
CLAUDE: dict[str, Any] = {"provider": "anthropic", "model": "claude-sonnet-5"}
AZURE: dict[str, Any] = {
    "provider": "azure-openai",
    "model": "gpt-5.4-mini",
    "base_url": "https://acme.openai.azure.com",
}
GOVERNMENT = {"base_url": "https://acme.openai.azure.us"}
BEDROCK: dict[str, Any] = {
    "provider": "bedrock",
    "model": "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    "region": "eu-central-1",
}
PRIVATE = {"base_url": "https://vpce-1.bedrock-runtime.eu-central-1.vpce.amazonaws.com"}
OWN = {"openai-compatible/gpt-5.4-mini": Price(input_per_million=2, output_per_million=10)}


def _list(vendor: str, model: str) -> int:
    """The list price of a million tokens read, in millionths of a dollar."""
    return int(calc_price(Usage(input_tokens=1_000_000), model, provider_id=vendor).total_price * 1_000_000)


CASES: list[tuple[str, dict[str, Any], UsageMetadata, dict[str, Price], int | None]] = [
    ("the list price of the vendor", OPENAI, tokens(1_000_000, 0), {}, int(PER_MILLION * 1_000_000)),
    ("a gateway has no list price", GATEWAY, tokens(1_000_000, 0), {}, None),
    ("a gateway with a price of one's own", GATEWAY, tokens(100, 7), OWN, 270),
    ("one's own price before the list", OPENAI, tokens(3, 0), {"openai/gpt-5.4-mini": Price(input_per_million=1)}, 3),
    ("a part of a millionth is rounded up", OPENAI, tokens(1, 0), {}, 1),
    ("a model that nobody knows", OPENAI | {"model": "gpt-nonsense"}, tokens(1, 1), {}, None),
    ("the offline model", {"provider": "offline", "model": "extractive-1"}, tokens(10**9, 10**9), {}, 0),
    ("Google's own interface", GEMINI, tokens(1_000_000, 0), {}, _list("google", GEMINI["model"])),
    ("Vertex AI", GEMINI | VERTEX, tokens(1_000_000, 0), {}, _list("google", GEMINI["model"])),
    ("Google's protocol at a gateway", GEMINI | {"base_url": "http://localhost:4000"}, tokens(1, 1), {}, None),
    ("a profile of Bedrock", BEDROCK, tokens(1_000_000, 0), {}, _list("aws", BEDROCK["model"])),
    ("Bedrock at a private endpoint", BEDROCK | PRIVATE, tokens(1_000_000, 0), {}, _list("aws", BEDROCK["model"])),
    ("a new model of Bedrock", BEDROCK | {"model": "anthropic.claude-nonsense"}, tokens(1, 1), {}, None),
    ("Anthropic", CLAUDE, tokens(1_000_000, 0), {}, _list("anthropic", CLAUDE["model"])),
    ("Anthropic's protocol at a gateway", CLAUDE | {"base_url": "http://localhost:4000"}, tokens(1, 1), {}, None),
    ("Azure", AZURE, tokens(1_000_000, 0), {}, _list("azure", AZURE["model"])),
    ("Azure's cloud for governments", AZURE | GOVERNMENT, tokens(1_000_000, 0), {}, _list("azure", AZURE["model"])),
    ("a deployment with a name of its own", AZURE | {"model": "ours"}, tokens(1, 1), {}, None),
    ("a machine of one's own", {"provider": "ollama", "model": "qwen3:8b"}, tokens(1, 1), {}, None),
]


@pytest.mark.parametrize(("entry", "usage", "own", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_what_a_call_costs(
    entry: dict[str, Any], usage: UsageMetadata, own: dict[str, Price], expected: int | None
) -> None:
    assert cost(ModelEntry(**entry), entry["model"], usage, own) == expected


def test_cached_input_has_its_own_price() -> None:
    fresh, entry = tokens(1_000_000, 0), ModelEntry(**OPENAI)
    cached = UsageMetadata(**fresh, input_token_details={"cache_read": 1_000_000})
    dear, cheap = cost(entry, entry.model, fresh, {}), cost(entry, entry.model, cached, {})
    assert dear is not None
    assert cheap is not None
    assert 0 < cheap < dear


def test_prices_are_those_of_the_package_and_no_thread_fetches_others() -> None:
    cost(ModelEntry(**OPENAI), "gpt-5.4-mini", tokens(1, 1), {})
    priced = calc_price(Usage(input_tokens=1), "gpt-5.4-mini", provider_api_url="https://api.openai.com/v1")
    assert priced.auto_update_timestamp is None
    assert not [thread.name for thread in threading.enumerate() if "prices" in thread.name]
