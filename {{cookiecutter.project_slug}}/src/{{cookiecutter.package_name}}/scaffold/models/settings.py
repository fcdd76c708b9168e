"""The shape of ``config/models.yaml``: models by name, and roles that point to them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, HttpUrl, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from ..config import File, nearest
from ..errors import ConfigurationError

WHERE = "config/models.yaml"


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


PROVIDERS = {
    "offline": Provider(),
    "openai": Provider(
        extra="openai", needs_key=True, default_key_env="OPENAI_API_KEY", base_url="https://api.openai.com/v1"
    ),
    "openai-compatible": Provider(extra="openai", needs_base_url=True),
    "ollama": Provider(extra="ollama", base_url="http://localhost:11434"),
}
"""Every provider by the name that ``config/models.yaml`` and ``governance/policy.yaml`` use."""


class Parameters(File):
    """What the vendor is asked for with every call; what is left out is the vendor's own default."""

    temperature: float | None = Field(default=None, ge=0, le=2, description="0 repeats itself best, 1 varies most.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Share of the probability mass drawn from.")
    max_tokens: int | None = Field(default=None, gt=0, description="Longest answer, in tokens.")
    seed: int | None = Field(default=None, description="Makes answers repeatable, as far as the vendor can.")
    context_tokens: int | None = Field(default=None, gt=0, description="Context window to ask for (ollama only).")


class ModelEntry(File):
    """One model that roles can point to."""

    provider: str = Field(description="Who serves it: " + ", ".join(PROVIDERS) + ".")
    model: str = Field(min_length=1, description="The provider's name for the model.")
    kind: Literal["chat", "embedding"] = Field(default="chat", description="Whether it talks or makes vectors of text.")
    base_url: HttpUrl | None = Field(
        default=None, validate_default=True, description="Where it is served; required for openai-compatible."
    )
    api_key_env: str | None = Field(default=None, description="Environment variable that holds the key; never the key.")
    timeout: float = Field(default=60, gt=0, description="Seconds to wait for the vendor's next byte.")
    parameters: Parameters = Parameters()

    @field_validator("provider")
    @classmethod
    def _known(cls, provider: str) -> str:
        if provider not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise ValueError(
                f"there is no provider {provider!r}{nearest(provider, PROVIDERS)}; known: {known}; "
                "a new one is added in models/providers.py"
            )
        return provider

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        provider = info.data.get("provider")
        if url is None and provider in PROVIDERS and PROVIDERS[provider].needs_base_url:
            raise ValueError(f"{provider} needs the address of its server, for example http://localhost:8000/v1")
        if url is not None and (url.username or url.password):
            raise ValueError("a URL here must not hold a name or password; name the key's variable in api_key_env")
        return url

    @property
    def address(self) -> str:
        """Where it is called."""
        return str(self.base_url or PROVIDERS[self.provider].base_url)

    @property
    def info(self) -> ModelInfo:
        """What the entry says, for evidence."""
        effective = self.model_dump(mode="json", exclude={"api_key_env"})
        digest = hashlib.sha256(json.dumps(effective, sort_keys=True).encode()).hexdigest()
        return ModelInfo(self.provider, self.model, digest)


class ModelsFile(File):
    """``config/models.yaml``. It changes while the service runs: the next call uses the new version."""

    models: dict[str, ModelEntry] = Field(min_length=1, description="Models by a name of your own.")
    roles: dict[str, str] = Field(min_length=1, description="What the application asks for, and which model it gets.")

    @field_validator("roles")
    @classmethod
    def _point_to_models(cls, roles: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        models: dict[str, Any] = info.data.get("models", {})
        wrong = [(role, name) for role, name in roles.items() if models and name not in models]
        if wrong:
            # An error per role, so that its line is named rather than the line of the whole section.
            raise ValidationError.from_exception_data(
                cls.__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError(
                            "unknown_model",
                            "there is no model of that name under models{near}; known: {known}",
                            {"near": nearest(name, models), "known": ", ".join(models)},
                        ),
                        loc=(role,),
                        input=name,
                    )
                    for role, name in wrong
                ],
            )
        return roles


@dataclass(frozen=True)
class ModelInfo:
    """What answers a role. ``sha256`` is of the whole entry without the name of its key's variable."""

    provider: str
    model: str
    sha256: str

    @property
    def label(self) -> str:
        """``provider/model``."""
        return f"{self.provider}/{self.model}"


def unknown_role(role: str, known: list[str]) -> ConfigurationError:
    """The sentence for a role that ``config/models.yaml`` does not have."""
    return ConfigurationError(
        f"There is no role {role!r} in {WHERE}{nearest(role, known)}; known: {', '.join(known)}; add it under roles."
    )
