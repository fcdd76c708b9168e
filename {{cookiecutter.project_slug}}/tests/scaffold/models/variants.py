"""Every way to have a model served, as entries of ``config/models.yaml`` that point to the vendor on loopback."""

from __future__ import annotations

from dataclasses import dataclass

from tests.scaffold.models.vendors import MODEL, Vendor


@dataclass(frozen=True)
class Variant:
    """``path`` is the API's, behind the host; ``access`` what else the entry says of how it is called."""

    provider: str
    path: str = ""
    access: str = "api_key_env: LOOPBACK_KEY"
    embeds: bool = True
    never: tuple[str, ...] = ()  # what this vendor does not do, or its client does not tell


VARIANTS = {
    "openai": Variant("openai", "/v1"),
    "azure-openai": Variant("azure-openai"),
    "openai-compatible": Variant("openai-compatible", "/v1"),
    "ollama": Variant("ollama", access="", never=("content_filter", "429 30")),
    "anthropic": Variant("anthropic", embeds=False),
    "google": Variant("google"),
    "vertex-ai": Variant("google", access="project: acme\nregion: europe-west1"),
    "bedrock": Variant("bedrock", access="region: eu-central-1"),
}
EMBEDDING = [name for name, variant in VARIANTS.items() if variant.embeds]


def entry(name: str, at: str | Vendor, timeout: float = 10, model: str = MODEL, more: str = "") -> str:
    """The lines of an entry that is served by a vendor, or at the URL of a host."""
    variant = VARIANTS[name]
    host = at.host if isinstance(at, Vendor) else at
    lines = [f"provider: {variant.provider}", f"model: {model}", f"base_url: {host}{variant.path}"]
    lines += [f"timeout: {timeout}", *filter(None, [variant.access, more])]
    return "".join(f"    {line}\n" for line in "\n".join(lines).splitlines())
