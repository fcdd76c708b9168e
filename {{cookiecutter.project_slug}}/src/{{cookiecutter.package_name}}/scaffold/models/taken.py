"""Which parameters the models of a provider take."""

from __future__ import annotations

from collections.abc import Iterator

from ..config import nearest
from ..prompts import Parameters

Mistake = tuple[tuple[str | int, ...], str]
"""Where in a file, and what is wrong there."""

TAKES = {
    "openai": {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens", "seed": "seed"},
    "ollama": {
        "temperature": "temperature",
        "top_p": "top_p",
        "max_tokens": "num_predict",
        "seed": "seed",
        "context_tokens": "num_ctx",
    },
    "anthropic": {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_tokens"},
    "google": {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens", "seed": "seed"},
}
TAKES["openai-compatible"] = TAKES["azure-openai"] = TAKES["openai"]
TAKES["bedrock"] = TAKES["anthropic"]
"""Which parameters a provider's models take, under the vendor's names. One that is not here takes any, unchanged."""


def not_taken(provider: str, parameters: Parameters) -> Iterator[Mistake]:
    """The parameters that are set and that the provider's models do not take."""
    names = TAKES.get(provider, Parameters.model_fields)
    for name in parameters.model_dump(exclude_none=True):
        if name not in names:
            known = ", ".join(names)
            yield (name,), f"does not exist for the provider {provider}{nearest(name, names)}; known: {known}"
