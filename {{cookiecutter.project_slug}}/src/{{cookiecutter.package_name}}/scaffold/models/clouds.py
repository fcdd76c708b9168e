"""Models that a cloud serves: Google's, by the Gemini API or on Vertex AI, and those on Amazon Bedrock.

With ``providers``, the one module that imports vendors' packages, each only when a role needs it.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel

from ..errors import ConfigurationError
from .access import OFFLINE_INSTEAD, chosen, key
from .settings import ModelEntry


def _google_client(entry: ModelEntry) -> Any:
    """A client of Google's SDK: for Vertex AI where the entry has a project, else for the Gemini API."""
    import httpx
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions

    # langchain's own client lets GOOGLE_GENAI_USE_VERTEXAI decide where the text goes. And with HTTP clients of its
    # choice the SDK would follow a redirect, key and all.
    return Client(
        vertexai=entry.project is not None,
        api_key=None if entry.project else key(entry),
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


def google_chat(entry: ModelEntry) -> BaseChatModel:
    """Of Google."""
    from langchain_google_genai import ChatGoogleGenerativeAI

    parameters = chosen(entry)
    model = ChatGoogleGenerativeAI(
        model=entry.model,
        timeout=entry.timeout,
        max_retries=1,
        **_google_access(entry),
        **{"temperature": None, **parameters},
    )
    model.client = _google_client(entry)
    return model


def google_embeddings(entry: ModelEntry) -> Embeddings:
    """Of Google."""
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
    return {**access, "api_key": None if entry.project else SecretStr(key(entry)), "base_url": entry.address}


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
                + OFFLINE_INSTEAD
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


def bedrock_chat(entry: ModelEntry) -> BaseChatModel:
    """Whatever Bedrock's interface for conversations serves."""
    from langchain_aws import ChatBedrockConverse

    client = _bedrock_client(entry)
    return ChatBedrockConverse(
        model=entry.model,
        client=client,
        bedrock_client=client,  # else it builds another, for profiles by ARN, which are not supported
        disable_streaming=False,  # else it warns of every model that it does not know to stream
        **chosen(entry),
    )


def bedrock_embeddings(entry: ModelEntry) -> Embeddings:
    """Titan's, Nova's and Cohere's."""
    from langchain_aws import BedrockEmbeddings

    return BedrockEmbeddings(model_id=entry.model, client=_bedrock_client(entry))
