"""Every provider that ``config/models.yaml`` may name: what it needs, and where it serves."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """What a provider's entries need."""

    extra: str | None = None
    """The extra of ``pyproject.toml`` that brings the vendor's package."""
    needs_base_url: bool = False
    needs_key: bool = False
    default_key_env: str | None = None
    base_url: str | None = None
    """Where it is served, unless the entry says otherwise."""
    max_tokens: int | None = None
    """The longest answer where the entry does not say, for a provider that must be told one."""
    embeds: bool = True
    list_prices: str | None = None
    """Whose list prices hold wherever it is called, by genai-prices' name; else they are found by the address."""


PROVIDERS = {
    "offline": Provider(),
    "openai": Provider(
        extra="openai", needs_key=True, default_key_env="OPENAI_API_KEY", base_url="https://api.openai.com/v1"
    ),
    "azure-openai": Provider(
        extra="azure-openai",
        needs_base_url=True,
        needs_key=True,
        default_key_env="AZURE_OPENAI_API_KEY",
        list_prices="azure",  # under the names of Azure's several clouds, and of private endpoints
    ),
    "openai-compatible": Provider(extra="openai", needs_base_url=True),
    "anthropic": Provider(
        extra="anthropic",
        needs_key=True,
        default_key_env="ANTHROPIC_API_KEY",
        base_url="https://api.anthropic.com",
        max_tokens=4096,
        embeds=False,
    ),
    "ollama": Provider(extra="ollama", base_url="http://localhost:11434"),
    "google": Provider(
        extra="google",
        needs_key=True,
        default_key_env="GOOGLE_API_KEY",
        base_url="https://generativelanguage.googleapis.com",
    ),
    "bedrock": Provider(
        extra="bedrock",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        list_prices="aws",  # under the names of private endpoints as well
    ),
}
"""Every provider by the name that ``config/models.yaml`` and ``governance/policy.yaml`` use."""


VERTEX_AI = "https://{region}-aiplatform.googleapis.com"
VERTEX_AI_AT = {
    "global": "https://aiplatform.googleapis.com",
    "eu": "https://aiplatform.eu.rep.googleapis.com",
    "us": "https://aiplatform.us.rep.googleapis.com",
}
"""Where Google Cloud serves its models: in a region, or in one of these wider places."""

AREA = re.compile(r"([a-z]{2}|us-gov|apac|amer|global)\.")
"""How the name of a profile of Bedrock begins: its calls go to any region of that area."""
