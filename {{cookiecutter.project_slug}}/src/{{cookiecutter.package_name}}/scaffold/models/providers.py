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
from .settings import PROVIDERS, ModelEntry, Parameters

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
        **_chosen(entry.parameters, temperature="temperature", top_p="top_p", max_tokens="max_tokens", seed="seed"),
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


def _azure_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_openai import AzureChatOpenAI

    return AzureChatOpenAI(
        model=entry.model,
        stream_chunk_timeout=entry.timeout,
        stream_usage=True,
        use_responses_api=False,
        **_azure(entry),
        **_chosen(entry.parameters, temperature="temperature", top_p="top_p", max_tokens="max_tokens", seed="seed"),
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
        "api_key": SecretStr(_key(entry)),
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
        api_key=SecretStr(_key(entry)),
        anthropic_proxy=None,
        timeout=entry.timeout,
        max_retries=0,
        stream_usage=True,
        stop=None,
        **{
            "max_tokens": entry.max_tokens,
            **_chosen(entry.parameters, temperature="temperature", top_p="top_p", max_tokens="max_tokens"),
        },
    )


def _ollama_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=entry.model,
        base_url=entry.address,
        client_kwargs={"timeout": entry.timeout},  # its own timeout parameter is ignored
        **_chosen(
            entry.parameters,
            temperature="temperature",
            top_p="top_p",
            max_tokens="num_predict",
            seed="seed",
            context_tokens="num_ctx",
        ),
    )


def _ollama_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_ollama import OllamaEmbeddings

    return OllamaEmbeddings(model=entry.model, base_url=entry.address, client_kwargs={"timeout": entry.timeout})


def _google_client(entry: ModelEntry) -> Any:
    """A client of Google's SDK: for Vertex AI where the entry has a project, else for the Gemini API."""
    import httpx
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions

    # langchain's own client lets GOOGLE_GENAI_USE_VERTEXAI decide where the text goes. And with HTTP clients of its
    # choice the SDK would follow a redirect, key and all.
    return Client(
        vertexai=entry.project is not None,
        api_key=None if entry.project else _key(entry),
        project=entry.project,
        location=entry.region,
        http_options=HttpOptions(
            base_url=entry.address,
            timeout=round(entry.timeout * 1000),
            retry_options=HttpRetryOptions(attempts=1),  # 0 would mean its own number of them
            httpx_client=httpx.Client(),
            httpx_async_client=httpx.AsyncClient(),
        ),
    )


def _google_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_google_genai import ChatGoogleGenerativeAI

    chosen = _chosen(
        entry.parameters, temperature="temperature", top_p="top_p", max_tokens="max_output_tokens", seed="seed"
    )
    model = ChatGoogleGenerativeAI(
        model=entry.model,
        timeout=entry.timeout,
        max_retries=1,
        **_google_access(entry),
        **{"temperature": None, **chosen},
    )
    model.client = _google_client(entry)
    return model


def _google_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_google_genai import GoogleGenerativeAIEmbeddings

    model = GoogleGenerativeAIEmbeddings(model=entry.model, **_google_access(entry))
    model.client = _google_client(entry)
    return _OneByOne(model) if entry.project and "gemini" in entry.model else model


class _OneByOne(Embeddings):
    """Sends one text at a time: Vertex AI takes no more of them for its Gemini embeddings."""

    def __init__(self, inner: Embeddings) -> None:
        self._inner = inner

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector for text in texts for vector in self._inner.embed_documents([text])]

    def embed_query(self, text: str) -> list[float]:
        return self._inner.embed_query(text)


def _google_access(entry: ModelEntry) -> dict[str, Any]:
    """What langchain's classes ask for, beside the client that they then use."""
    from pydantic import SecretStr

    access = {"vertexai": entry.project is not None, "project": entry.project, "location": entry.region}
    return {**access, "api_key": None if entry.project else SecretStr(_key(entry)), "base_url": entry.address}


def _bedrock_client(entry: ModelEntry) -> Any:
    """A client of AWS's SDK, which finds its credentials itself: environment, profile or role."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(region_name=entry.region)
        if session.get_credentials() is None and not os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
            raise ConfigurationError(
                f"{entry.provider}/{entry.model} needs AWS credentials: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, AWS_PROFILE or AWS_BEARER_TOKEN_BEDROCK, or give this machine a role; "
                "or set APP_OFFLINE=1 to work with the offline model."
            )
        client = session.client(
            "bedrock-runtime",
            endpoint_url=entry.address,
            config=Config(connect_timeout=entry.timeout, read_timeout=entry.timeout, retries={"total_max_attempts": 1}),
        )
    except BotoCoreError as error:
        raise ConfigurationError(f"{entry.provider}/{entry.model} cannot use the AWS credentials: {error}") from error
    client.meta.events.register("before-parse.bedrock-runtime", _arrived_whole)
    return client


def _arrived_whole(response_dict: dict[str, Any], **_: Any) -> None:
    """The SDK takes an answer that was cut off for one that says nothing."""
    from botocore.exceptions import IncompleteReadError

    body, announced = response_dict["body"], response_dict["headers"].get("content-length")
    if isinstance(body, bytes) and announced is not None and len(body) < int(announced):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=announced)


def _bedrock_chat(entry: ModelEntry) -> BaseChatModel:
    from langchain_aws import ChatBedrockConverse

    client = _bedrock_client(entry)
    return ChatBedrockConverse(
        model=entry.model,
        client=client,
        bedrock_client=client,  # else it builds another, for profiles by ARN, which are not supported
        disable_streaming=False,  # else it warns of every model that it does not know to stream
        **_chosen(entry.parameters, temperature="temperature", top_p="top_p", max_tokens="max_tokens"),
    )


def _bedrock_embeddings(entry: ModelEntry) -> Embeddings:
    from langchain_aws import BedrockEmbeddings

    return BedrockEmbeddings(model_id=entry.model, client=_bedrock_client(entry))


CHAT: dict[str, Callable[[ModelEntry], BaseChatModel]] = {
    "offline": _offline_chat,
    "openai": _openai_chat,
    "azure-openai": _azure_chat,
    "openai-compatible": _openai_chat,
    "anthropic": _anthropic_chat,
    "ollama": _ollama_chat,
    "google": _google_chat,
    "bedrock": _bedrock_chat,
}
EMBEDDINGS: dict[str, Callable[[ModelEntry], Embeddings]] = {
    "offline": _offline_embeddings,
    "openai": _openai_embeddings,
    "azure-openai": _azure_embeddings,
    "openai-compatible": _openai_embeddings,
    "ollama": _ollama_embeddings,
    "google": _google_embeddings,
    "bedrock": _bedrock_embeddings,
}
