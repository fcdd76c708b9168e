"""What a call needs besides the text: the vendor's key, and the parameters under the vendor's names."""

from __future__ import annotations

import os
from typing import Any

from ..errors import ConfigurationError
from .offers import PROVIDERS
from .settings import ModelEntry
from .taken import TAKES, not_taken

OFFLINE_INSTEAD = "or set APP_OFFLINE=1 to work with the offline model."
"""How a message ends about what a vendor's model lacks."""


def key(entry: ModelEntry) -> str:
    """The key that the environment holds, or a stand-in where the provider needs none."""
    provider = PROVIDERS[entry.provider]
    name = entry.api_key_env or provider.default_key_env
    value = os.environ.get(name, "") if name else ""
    if not value and (provider.needs_key or entry.api_key_env):
        raise ConfigurationError(
            f"{entry.provider}/{entry.model} needs a key: set {name} in the environment, {OFFLINE_INSTEAD}"
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(
            f"{name} holds a blank, a line break or another character that no key has; set it anew."
        )
    return value or "none"  # never empty: the vendor's client would then send OPENAI_API_KEY to whoever base_url names


def chosen(entry: ModelEntry) -> dict[str, Any]:
    """The parameters that are set, under the vendor's names. Raises ``ConfigurationError`` where it has no such one."""
    for (name, *_), said in not_taken(entry.provider, entry.parameters):
        raise ConfigurationError(f"The parameter {name} {said}.")
    names = TAKES.get(entry.provider, {})
    return {names.get(name, name): value for name, value in entry.parameters.model_dump(exclude_none=True).items()}
