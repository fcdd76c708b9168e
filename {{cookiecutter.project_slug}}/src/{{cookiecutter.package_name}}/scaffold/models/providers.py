"""Who serves models. The one module that imports vendors' packages, each only when a role needs it.

A new vendor is an entry of ``PROVIDERS`` in ``settings``, a function here for each kind of model that it serves, and an
extra in ``pyproject.toml``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ..errors import ConfigurationError
from ..prompts import Parameters
from .settings import PROVIDERS, ModelEntry
from .taken import TAKES

T = TypeVar("T")

HASH_DIMENSIONS = 1024


def build_chat(entry: ModelEntry) -> BaseChatModel:
    """The vendor's own chat model. Raises ``ConfigurationError`` naming the missing package, key or wrong parameter."""
    return _build(entry, CHAT[entry.provider])


def build_embeddings(entry: ModelEntry) -> Embeddings:
    """The vendor's own embeddings. Raises ``ConfigurationError`` as ``build_chat`` does."""
    return _build(entry, EMBEDDINGS[entry.provider])


def _build(entry: ModelEntry, factory: Callable[[ModelEntry], T]) -> T:
    try:
        return factory(entry)
    except ModuleNotFoundError as error:
        extra = PROVIDERS[entry.provider].extra
        if extra is None:
            raise
        raise ConfigurationError(
            f"The provider {entry.provider} needs the package {error.name}, which is not installed; "
            f"run: make setup EXTRAS={extra} (or: pip install '.[{extra}]')."
        ) from error
    except ValueError as error:  # pydantic's errors are such
        raise ConfigurationError(f"{entry.provider}/{entry.model} cannot be built: {error}.") from error


def _key(entry: ModelEntry) -> str:
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


def _chosen(parameters: Parameters, **names: str) -> dict[str, Any]:
    """The parameters that are set, under the vendor's names. Raises ``ConfigurationError`` where it has no such one."""
    chosen = {}
    for name, value in parameters.model_dump(exclude_none=True).items():
        if name not in names:
            known = ", ".join(names)
            raise ConfigurationError(f"The parameter {name} does not exist for this provider; known: {known}.")
        chosen[names[name]] = value
    return chosen


def _offline_chat(entry: ModelEntry) -> BaseChatModel:
    from .offline import OfflineChatModel

    return OfflineChatModel(model=entry.model)


def _offline_embeddings(_: ModelEntry) -> Embeddings:
    from .hashing import HashEmbeddings

    return HashEmbeddings(dimensions=HASH_DIMENSIONS)


def _openai_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Everything that the vendor's client would otherwise read from the environment is given: what is called must be
    # what config/models.yaml says and the policy has seen. Chat completions, because every gateway speaks them and
    # because the other API keeps the text at the vendor by default.
    return ChatOpenAI(
        model=entry.model,
        base_url=entry.address,
        api_key=SecretStr(_key(entry)),
        timeout=entry.timeout,
        stream_chunk_timeout=entry.timeout,
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
        **_chosen(entry.parameters, **TAKES[entry.provider]),
    )


def _openai_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_openai import OpenAIEmbeddings
    from pydantic import SecretStr

    return OpenAIEmbeddings(
        model=entry.model,
        base_url=entry.address,
        api_key=SecretStr(_key(entry)),
        timeout=entry.timeout,
        max_retries=0,
        check_embedding_ctx_length=False,  # would download a vocabulary at run time
    )


def _ollama_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=entry.model,
        base_url=entry.address,
        client_kwargs={"timeout": entry.timeout},  # its own timeout parameter is ignored
        **_chosen(entry.parameters, **TAKES[entry.provider]),
    )


def _ollama_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_ollama import OllamaEmbeddings

    return OllamaEmbeddings(model=entry.model, base_url=entry.address, client_kwargs={"timeout": entry.timeout})


CHAT: dict[str, Callable[[ModelEntry], BaseChatModel]] = {
    "offline": _offline_chat,
    "openai": _openai_chat,
    "openai-compatible": _openai_chat,
    "ollama": _ollama_chat,
}
EMBEDDINGS: dict[str, Callable[[ModelEntry], Embeddings]] = {
    "offline": _offline_embeddings,
    "openai": _openai_embeddings,
    "openai-compatible": _openai_embeddings,
    "ollama": _ollama_embeddings,
}
