"""What a call needs besides the text: the vendor's key, and the parameters under the vendor's names."""

from __future__ import annotations

import os
from typing import Any

from ..errors import ConfigurationError
from .offers import PROVIDERS
from .settings import ModelEntry, Parameters


def key(entry: ModelEntry) -> str:
    """The key that the environment holds, or a stand-in where the provider needs none."""
    provider = PROVIDERS[entry.provider]
    name = entry.api_key_env or provider.default_key_env
    value = os.environ.get(name, "") if name else ""
    if not value and (provider.needs_key or entry.api_key_env):
        raise ConfigurationError(
            f"{entry.provider}/{entry.model} needs a key: set {name} in the environment, "
            "or set APP_OFFLINE=1 to work with the offline model."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ConfigurationError(
            f"{name} holds a blank, a line break or another character that no key has; set it anew."
        )
    return value or "none"  # never empty: the vendor's client would then send OPENAI_API_KEY to whoever base_url names


def chosen(parameters: Parameters, **names: str) -> dict[str, Any]:
    """The parameters that are set, under the vendor's names. Raises ``ConfigurationError`` where it has no such one."""
    given = {}
    for name, value in parameters.model_dump(exclude_none=True).items():
        if name not in names:
            known = ", ".join(names)
            raise ConfigurationError(f"The parameter {name} does not exist for this provider; known: {known}.")
        given[names[name]] = value
    return given
