"""Who serves models. With ``clouds``, the one module that imports vendors' packages, each only when a role needs it.

A new vendor is an entry of ``PROVIDERS`` in ``offers``, a function here for each kind of model that it serves, and an
extra in ``pyproject.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ..errors import ConfigurationError
from .access import chosen, key
from .clouds import bedrock_chat, bedrock_embeddings, google_chat, google_embeddings
from .offers import PROVIDERS
from .settings import ModelEntry

T = TypeVar("T")


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


def _offline_chat(entry: ModelEntry) -> BaseChatModel:
    from .offline import OfflineChatModel

    return OfflineChatModel(model=entry.model)


def _offline_embeddings(entry: ModelEntry) -> Embeddings:
    from .hashing import HashEmbeddings

    found = re.fullmatch(r"hashing-(\d{2,4})", entry.model)
    if found is None or not 64 <= int(found[1]) <= 4096:
        raise ConfigurationError(
            f"The offline embedding is called hashing-N, with 64 to 4096 for N, a vector's length, not {entry.model}."
        )
    return HashEmbeddings(dimensions=int(found[1]))


def _openai_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    # Everything that the vendor's client would otherwise read from the environment is given: what is called must be
    # what config/models.yaml says and the policy has seen. Chat completions, because every gateway speaks them and
    # because the other API keeps the text at the vendor by default.
    return ChatOpenAI(
        model=entry.model,
        base_url=entry.address,
        api_key=SecretStr(key(entry)),
        timeout=entry.timeout,
        stream_chunk_timeout=entry.timeout,
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
        **chosen(entry),
    )


def _openai_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_openai import OpenAIEmbeddings
    from pydantic import SecretStr

    return OpenAIEmbeddings(
        model=entry.model,
        base_url=entry.address,
        api_key=SecretStr(key(entry)),
        timeout=entry.timeout,
        max_retries=0,
        check_embedding_ctx_length=False,  # would download a vocabulary at run time
    )


def _azure_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_openai import AzureChatOpenAI

    return AzureChatOpenAI(
        model=entry.model,
        stream_chunk_timeout=entry.timeout,
        stream_usage=True,
        use_responses_api=False,
        **_azure(entry),
        **chosen(entry),
    )


def _azure_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_openai import AzureOpenAIEmbeddings

    return AzureOpenAIEmbeddings(
        model=entry.model,
        check_embedding_ctx_length=False,  # as above
        **_azure(entry),
    )


def _azure(entry: ModelEntry) -> dict[str, Any]:
    """How both are called. What is None here would otherwise come from the environment.

    Without a deployment of the client's own: it then goes to the one that a call names as its model, which is the one
    that the policy and the audit log see.
    """
    from pydantic import SecretStr

    return {
        "azure_endpoint": entry.address,
        "api_version": entry.api_version,
        "api_key": SecretStr(key(entry)),
        "azure_ad_token": None,
        "base_url": None,
        "timeout": entry.timeout,
        "max_retries": 0,
    }


def _anthropic_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_anthropic import ChatAnthropic
    from pydantic import SecretStr

    return ChatAnthropic(
        model_name=entry.model,
        base_url=entry.address,
        api_key=SecretStr(key(entry)),
        anthropic_proxy=None,
        timeout=entry.timeout,
        max_retries=0,
        stream_usage=True,
        stop=None,
        **{
            "max_tokens": entry.max_tokens,
            **chosen(entry),
        },
    )


def _ollama_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=entry.model,
        base_url=entry.address,
        client_kwargs={"timeout": entry.timeout},  # its own timeout parameter is ignored
        **chosen(entry),
    )


def _ollama_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_ollama import OllamaEmbeddings

    return OllamaEmbeddings(model=entry.model, base_url=entry.address, client_kwargs={"timeout": entry.timeout})


CHAT: dict[str, Callable[[ModelEntry], BaseChatModel]] = {
    "offline": _offline_chat,
    "openai": _openai_chat,
    "azure-openai": _azure_chat,
    "openai-compatible": _openai_chat,
    "anthropic": _anthropic_chat,
    "ollama": _ollama_chat,
    "google": google_chat,
    "bedrock": bedrock_chat,
}
EMBEDDINGS: dict[str, Callable[[ModelEntry], Embeddings]] = {
    "offline": _offline_embeddings,
    "openai": _openai_embeddings,
    "azure-openai": _azure_embeddings,
    "openai-compatible": _openai_embeddings,
    "ollama": _ollama_embeddings,
    "google": google_embeddings,
    "bedrock": bedrock_embeddings,
}
