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


def keyless(provider: str | None, project: str | None) -> bool:
    """Whether it is called with the machine's own login to a cloud, and not with a key."""
    return provider == "bedrock" or project is not None


def misplaced(provider: str | None, project: str | None, region: str | None, api_key_env: str | None) -> str | None:
    """What is wrong with where an entry says that it is served."""
    if keyless(provider, project) and region is None:
        return f"{provider} needs the region that serves the model, for example eu-central-1"
    if keyless(provider, project) and api_key_env:
        return f"{provider} takes no api_key_env here: it logs in the way the cloud's own tools do"
    if provider == "google" and region and not project:
        return "the Gemini API has no regions; name the project too, and Vertex AI serves it there"
    return None


def served(provider: str, project: str | None, region: str | None) -> str:
    """The vendor's own address."""
    address = VERTEX_AI_AT.get(str(region), VERTEX_AI) if project else PROVIDERS[provider].base_url or ""
    return address.format(region=region)


def area(provider: str, model: str) -> str | None:
    """Over which regions a profile of Bedrock spreads its calls; None where the model is no such profile."""
    found = AREA.match(model) if provider == "bedrock" else None
    return found[1] if found else None
