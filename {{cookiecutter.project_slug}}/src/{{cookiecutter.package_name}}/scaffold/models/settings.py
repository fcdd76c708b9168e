"""The shape of ``config/models.yaml``: models by name, and roles that point to them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    HttpUrl,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ..config import File, nearest, raise_at
from ..errors import ConfigurationError, PolicyViolation
from ..governance.policy import Policy
from ..prompts import Parameters
from .offers import PROVIDERS, area, keyless, misplaced, served
from .taken import Mistake, not_taken

WHERE = "config/models.yaml"


class BreakerRule(File):
    """When a model that keeps failing is left alone."""

    failures: int = Field(default=5, ge=1, description="Faults in a row after which it is left alone.")
    seconds: float = Field(default=30, gt=0, description="For how long, before one call may try whether it is back.")


class ModelEntry(File):
    """One model that roles can point to."""

    provider: str = Field(description="Who serves it: " + ", ".join(PROVIDERS) + ".")
    model: str = Field(min_length=1, description="The provider's name for the model; azure-openai: the deployment's.")
    kind: Literal["chat", "embedding"] = Field(default="chat", description="Whether it talks or makes vectors of text.")
    base_url: HttpUrl | None = Field(
        default=None,
        validate_default=True,
        description="Where it is served; required for azure-openai, openai-compatible.",
    )
    api_key_env: str | None = Field(default=None, description="Environment variable that holds the key; never the key.")
    project: str | None = Field(
        default=None, min_length=1, description="Google Cloud project: google then means Vertex AI, not the Gemini API."
    )
    region: str | None = Field(
        default=None,
        validate_default=True,
        pattern="^[a-z0-9-]+$",
        description="Where it computes, for the policy: the region of its cloud, or of the contract with its vendor; "
        "required for bedrock, and for google with a project.",
    )
    api_version: str = Field(
        default="2024-10-21", min_length=1, description="The version of Azure's interface (azure-openai only)."
    )
    timeout: float = Field(default=60, gt=0, description="Seconds to wait for an answer, or for the next piece of one.")
    parameters: Parameters = Parameters()
    breaker: BreakerRule = Field(default=BreakerRule(), description="When it is left alone.")
    retires: date | None = Field(default=None, description="The day on which its vendor takes it away, as announced.")

    @field_validator("provider")
    @classmethod
    def _known(cls, provider: str) -> str:
        if provider not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise ValueError(
                f"there is no provider {provider!r}{nearest(provider, PROVIDERS)}; known: {known}; "
                "a new one is added in models/offers.py"
            )
        return provider

    @field_validator("api_key_env")
    @classmethod
    def _name_of_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):  # and is not shown: it may be a key
            raise ValueError(
                "must be the name of an environment variable, such as OPENAI_API_KEY, never the key itself"
            )
        return name

    @field_validator("model")
    @classmethod
    def _named(cls, model: str, info: ValidationInfo) -> str:
        if model.startswith("arn:") and info.data.get("provider") == "bedrock":
            raise ValueError("name the model, or a profile such as eu.amazon.nova-lite-v1:0: an ARN hides where it is")
        return model

    @field_validator("kind")
    @classmethod
    def _served(cls, kind: str, info: ValidationInfo) -> str:
        provider = info.data.get("provider")
        if kind == "embedding" and provider in PROVIDERS and not PROVIDERS[provider].embeds:
            raise ValueError(f"{provider} has no embeddings; take them from another provider")
        return kind

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        provider = info.data.get("provider")
        if url is None and provider in PROVIDERS and PROVIDERS[provider].needs_base_url:
            example = {"azure-openai": "https://your-resource.openai.azure.com"}.get(
                provider, "http://localhost:8000/v1"
            )
            raise ValueError(f"{provider} needs the address of its server, for example {example}")
        if url is not None and (url.username or url.password):
            raise ValueError("a URL here must not hold a name or password; name the key's variable in api_key_env")
        return url

    @field_validator("parameters")
    @classmethod
    def _taken(cls, parameters: Parameters, info: ValidationInfo) -> Parameters:
        raise_at(cls, not_taken(info.data.get("provider", ""), parameters))
        return parameters

    @field_validator("project")
    @classmethod
    def _in_a_cloud(cls, project: str | None, info: ValidationInfo) -> str | None:
        if project is not None and info.data.get("provider") != "google":
            raise ValueError("only google has projects")
        return project

    @field_validator("region")
    @classmethod
    def _somewhere(cls, region: str | None, info: ValidationInfo) -> str | None:
        provider, project, key = (info.data.get(name) for name in ("provider", "project", "api_key_env"))
        if said := misplaced(provider, project, region, key):
            raise ValueError(said)
        return region

    @property
    def keyless(self) -> bool:
        """Whether it is called with the machine's own login to a cloud, and not with a key."""
        return keyless(self.provider, self.project)

    @property
    def computes_in(self) -> str | None:
        """What the policy is asked about: the region, or the area that a profile of bedrock spreads its calls over."""
        return area(self.provider, self.model) or self.region

    @property
    def key_env(self) -> str:
        """The environment variable that holds its key."""
        return self.api_key_env or PROVIDERS[self.provider].default_key_env or "that holds the key"

    @property
    def address(self) -> str:
        """Where it is called."""
        return str(self.base_url or served(self.provider, self.project, self.region))

    @property
    def max_tokens(self) -> int | None:
        """The longest answer that it is asked for; None where that is left to the vendor."""
        return self.parameters.max_tokens or PROVIDERS[self.provider].max_tokens

    def with_parameters(self, parameters: Parameters) -> ModelEntry:
        """The entry as asked with ``parameters``, which go before its own."""
        both = self.parameters.model_copy(update=parameters.model_dump(exclude_none=True))
        return self.model_copy(update={"parameters": both})

    @property
    def info(self) -> ModelInfo:
        """What the entry says, for evidence."""
        effective = self.model_dump(mode="json", exclude={"api_key_env", "breaker", "retires"})
        return ModelInfo(self.provider, self.model, digest(effective))


class CacheRule(File):
    """What is kept of a role's answers, in memory, for callers in the same groups."""

    seconds: float = Field(gt=0, description="For how long an answer is given again.")
    entries: int = Field(default=1000, ge=1, description="How many answers are kept; the longest unused goes first.")


class Role(File):
    """Which model a role gets, and what happens where that one cannot answer. A plain name is a model to use."""

    use: str = Field(description="The model, by its name under models.")
    fallback: list[str] = Field(default=[], description="Models to ask, in this order, where that one cannot answer.")
    retries: int = Field(
        default=2, ge=0, le=10, description="How often a fault that may pass is tried again, per model."
    )
    deadline: float | None = Field(
        default=None,
        gt=0,
        description="Seconds for a request with its retries and fallbacks; 60, or the model's timeout if that is more.",
    )

    cache: CacheRule | None = Field(
        default=None, description="Gives an answer again to callers in the same groups; nothing is kept without it."
    )

    @model_validator(mode="before")
    @classmethod
    def _plain_name(cls, given: Any) -> Any:
        return {"use": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "description": "A model's name."}, handler(core_schema)]}

    @property
    def names(self) -> list[str]:
        """Its models in the order in which they are asked."""
        return [self.use, *self.fallback]


class ModelsFile(File):
    """``config/models.yaml``. It changes while the service runs: the next call uses the new version."""

    models: dict[str, ModelEntry] = Field(min_length=1, description="Models by a name of your own.")
    roles: dict[str, Role] = Field(min_length=1, description="What the application asks for, and which model it gets.")

    @field_validator("roles")
    @classmethod
    def _can_be_served(cls, roles: dict[str, Role], info: ValidationInfo) -> dict[str, Role]:
        models: dict[str, ModelEntry] = info.data.get("models", {})
        policy = info.context if isinstance(info.context, Policy) else None
        named = roles.items() if models else ()
        mistakes = (((name, *loc), said) for name, role in named for loc, said in _mistakes(role, models, policy))
        raise_at(cls, mistakes)
        return roles

    def entries(self, role: str) -> list[ModelEntry]:
        """The models of ``role``, in the order in which they are asked."""
        return [self.models[name] for name in self.roles[role].names]

    def standing_in(self, role: str, name: str, policy: Policy | None) -> ModelsFile:
        """The file with the model ``name`` alone in the place of that of ``role``.

        Raises ``ConfigurationError`` where there is no such role or model, or where the policy forbids it.
        """
        if role not in self.roles:
            raise unknown_role(role, list(self.roles))
        one = self.roles[role].model_copy(update={"use": name, "fallback": []})
        for _, said in _mistakes(one, self.models, policy):
            raise ConfigurationError(f"The model {name!r} cannot stand in for the role {role!r} of {WHERE}: {said}.")
        return self.model_copy(update={"roles": {**self.roles, role: one}})

    def deadline(self, role: str) -> float:
        """Seconds that a request of ``role`` may take."""
        return _deadline(self.roles[role], self.models)


DEADLINE = 60.0
"""Seconds, for a role that does not say."""


def _deadline(role: Role, models: dict[str, ModelEntry]) -> float:
    return role.deadline or max(DEADLINE, models[role.use].timeout)


def misfits(file: ModelsFile, role: str, parameters: Parameters) -> Iterator[Mistake]:
    """Why ``role`` cannot answer a prompt that asks for it with ``parameters``, by the prompt's fields."""
    chat = [name for name in file.roles if file.entries(name)[0].kind == "chat"]
    if role not in chat:
        what = f"{role!r} is an embedding" if role in file.roles else f"there is no role {role!r}"
        yield ("role",), f"{what} in {WHERE}{nearest(role, chat)}; known: {', '.join(chat)}"
        return
    for provider in dict.fromkeys(entry.provider for entry in file.entries(role)):
        for loc, said in not_taken(provider, parameters):
            yield ("parameters", *loc), f"{said}; the role {role!r} of {WHERE} asks it"


def _mistakes(role: Role, models: dict[str, ModelEntry], policy: Policy | None) -> Iterator[Mistake]:
    """Where and why a role cannot be served as written."""
    places: list[tuple[str | int, ...]] = [("use",), *(("fallback", i) for i in range(len(role.fallback)))]
    unknown = [(loc, name) for loc, name in zip(places, role.names, strict=True) if name not in models]
    for loc, name in unknown:
        known = ", ".join(models)
        yield loc, f"there is no model {name!r} under models{nearest(name, models)}; known: {known}"
    if unknown:
        return
    for loc, name in zip(places, role.names, strict=True):
        if policy and (said := _forbidden(policy, models[name])):
            yield loc, said
    first = models[role.use]
    if first.kind == "embedding":
        if role.fallback:
            yield ("fallback",), "is for chat models; vectors of another model would not fit the index"
        if role.cache:
            yield ("cache",), "is for chat models; what is indexed once has its vectors"
        return
    taken = 0.0
    for position, (loc, name) in enumerate(list(zip(places, role.names, strict=True))[1:], start=1):
        before, entry = role.names[:position], models[name]
        taken += models[before[-1]].timeout
        if name in before:
            yield loc, f"{name!r} is asked already; name each model once"
        if entry.kind != first.kind:
            yield loc, f"{name!r} is of kind {entry.kind}, {role.use!r} of kind {first.kind}"
        if taken >= (deadline := _deadline(role, models)):
            yield (
                loc,
                (
                    f"{name!r} would never be asked: what stands before it may take {taken:g} seconds, the deadline is "
                    f"{deadline:g}; lower their timeout under models, or raise deadline"
                ),
            )


def _forbidden(policy: Policy, entry: ModelEntry) -> str | None:
    try:
        policy.check_model(entry.provider, entry.model, entry.computes_in)
    except PolicyViolation as error:
        return str(error)
    return None


def digest(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
