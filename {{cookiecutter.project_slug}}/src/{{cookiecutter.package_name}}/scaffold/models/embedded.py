"""Embeddings through the same door as chat: the controls of a call stand round them too.

For the controls an embedding is a model whose messages are the texts, and whose answer brings a vector for each.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, SkipValidation

from ..errors import ModelUnreadable, PolicyViolation
from ..governance.policy import Policy
from ..guardrails.personal_data import find, redact
from ..observability import Telemetry, current_call
from ..observability.names import PERSONAL_DATA
from .audited import Audited, Recorded
from .governed import Governed, Passage
from .settings import WHERE, ModelEntry, ModelInfo


@dataclass(frozen=True)
class GovernedEmbeddings(Embeddings):
    """A vendor's embeddings behind the controls of ``door``. One record and one count per call, however many texts.

    Personal data is replaced by its kind under the action pseudonymise as well: nothing of a vector is restored, and a
    question and a document must be replaced alike.
    """

    door: BaseChatModel
    label: str
    """Names what the vectors mean: vectors of different labels cannot be compared."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts, in their order."""
        return _vectors(self.door._generate(_messages(texts))) if texts else []

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return _vectors(self.door._generate(_messages([text], query=True)))[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """As ``embed_documents``."""
        messages = await asyncio.to_thread(_messages, texts)  # a batch is much to search for personal data
        return _vectors(await self.door._agenerate(messages)) if texts else []

    async def aembed_query(self, text: str) -> list[float]:
        """As ``embed_query``."""
        return _vectors(await self.door._agenerate(_messages([text], query=True)))[0]


class Vectors(BaseChatModel):
    """The vendor's own embeddings, innermost. Raises ``ModelUnreadable`` where a vector is missing."""

    embeddings: SkipValidation[Embeddings] = Field(repr=False)
    entry: ModelEntry

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        texts = [str(message.content) for message in messages]
        if _is_query(messages):
            return self._answer(texts, [self.embeddings.embed_query(texts[0])])
        return self._answer(texts, self.embeddings.embed_documents(texts))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        texts = [str(message.content) for message in messages]
        if _is_query(messages):
            return self._answer(texts, [await self.embeddings.aembed_query(texts[0])])
        return self._answer(texts, await self.embeddings.aembed_documents(texts))

    def _answer(self, texts: Sequence[str], vectors: Sequence[list[float]]) -> ChatResult:
        self._check(texts, vectors)
        messages = [AIMessage("", additional_kwargs={"vector": vector}) for vector in vectors]
        ended = {"finish_reason": "stop"}
        return ChatResult(generations=[ChatGeneration(message=each, generation_info=ended) for each in messages])

    def _check(self, texts: Sequence[str], vectors: Sequence[list[float]]) -> None:
        if len(vectors) != len(texts) or not all(vectors):
            raise ModelUnreadable(
                f"The model {self.entry.info.label} sent {sum(map(bool, vectors))} vectors for {len(texts)} texts; "
                f"check that it is an embedding, and base_url in {WHERE}."
            )

    @property
    def _llm_type(self) -> str:
        return "embeddings"


class Searched(Governed):
    """Counts the personal data that was replaced; raises ``PolicyViolation``, nothing sent, where the policy blocks."""

    policy: SkipValidation[Policy] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Looks at what was found when the texts came in."""
        kinds = [kind for message in messages for kind in message.additional_kwargs["personal_data"]]
        for kind in kinds:
            self.telemetry.count(PERSONAL_DATA, kind=kind)
        if kinds and self.policy.personal_data_action == "block":
            raise PolicyViolation(
                f"The text holds personal data ({', '.join(sorted(set(kinds)))}), which governance/policy.yaml keeps "
                "from going to a model; nothing was sent. Use the offline embedding, or ask who answers for the data."
            )
        return Passage(messages)


class AuditedEmbedding(Audited):
    """As ``Audited``, for texts."""

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """One record, whatever the number of texts."""
        call = current_call.get()
        text = json.dumps([message.text for message in messages], ensure_ascii=False)
        fields = {
            "role": self.role,
            "caller": call.caller if call else None,
            "channel": call.channel if call else None,
            "texts": len(messages),
            "texts_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "texts_characters": len(text),
        }
        return _Embedded(messages, self.audit, self.cost, options["request"], self.info, fields)


class _Embedded(Recorded):
    event = "embedding_call"

    def answer(self, info: ModelInfo) -> dict[str, Any]:
        return {}


def _messages(texts: list[str], query: bool = False) -> list[BaseMessage]:
    """Texts as they go on, without personal data; and what was found in each."""
    hidden = [redact(text) for text in texts]
    return [
        HumanMessage(
            safe,
            additional_kwargs={
                "query": query,
                "personal_data": [finding.kind for finding in find(text)] if safe != text else [],
            },
        )
        for text, safe in zip(texts, hidden, strict=True)
    ]


def _is_query(messages: list[BaseMessage]) -> bool:
    return bool(messages[0].additional_kwargs["query"])


def _vectors(result: ChatResult) -> list[list[float]]:
    return [generation.message.additional_kwargs["vector"] for generation in result.generations]
