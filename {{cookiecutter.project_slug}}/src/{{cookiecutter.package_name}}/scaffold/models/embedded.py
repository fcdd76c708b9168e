"""Embeddings through the same door as chat: policy, kill switch, budget, personal data, errors, audit, metrics."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from langchain_core.embeddings import Embeddings

from ..errors import PolicyViolation, ScaffoldError
from ..governance.audit import AuditLog
from ..governance.policy import Policy
from ..guardrails.personal_data import find, redact
from ..observability import Telemetry, current_call
from ..observability.names import MODEL_CALLS, MODEL_SECONDS, PERSONAL_DATA
from .faults import explain
from .request import outcome_of
from .settings import ModelEntry
from .spending import Spending, tokens


@dataclass(frozen=True)
class GovernedEmbeddings(Embeddings):
    """A vendor's embeddings, governed. One record and one count per call, whatever the number of texts.

    Personal data is replaced by its kind under the action pseudonymise as well: nothing of a vector is restored, and a
    question and a document must be replaced alike.
    """

    inner: Embeddings
    entry: ModelEntry
    role: str
    policy: Policy
    audit: AuditLog
    telemetry: Telemetry
    spending: Spending

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts, in their order."""
        with self._governed(texts) as hidden:
            return self.inner.embed_documents(hidden)

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        with self._governed([text]) as hidden:
            return self.inner.embed_query(hidden[0])

    # In threads: the controls wait for the disk, and the callers embed in batches.
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """As ``embed_documents``."""
        return await asyncio.to_thread(self.embed_documents, texts)

    async def aembed_query(self, text: str) -> list[float]:
        """As ``embed_query``."""
        return await asyncio.to_thread(self.embed_query, text)

    @contextmanager
    def _governed(self, texts: list[str]) -> Iterator[list[str]]:
        began, outcome, error_name = time.perf_counter(), "failed", None
        hidden = [redact(text) for text in texts]
        try:
            self.policy.check_model(self.entry.provider, self.entry.model, self.entry.computes_in)
            self.spending.limits.check_running(self.role)
            # As many tokens as bytes: more than it will be, and what stays on the bill, for no usage is told.
            with self.spending.reserved(self.entry, self.role, tokens(sum(len(text.encode()) for text in hidden), 0)):
                self._hold_back(texts, hidden)
                yield hidden
            outcome = "answered"
        except Exception as error:
            outcome = outcome_of(error)
            told = error if isinstance(error, ScaffoldError) else explain(error, self.entry)
            error_name = type(told).__name__
            if told is error:
                raise
            raise told from error
        finally:
            self._record(hidden, outcome, error_name, time.perf_counter() - began)

    def _hold_back(self, texts: list[str], hidden: list[str]) -> None:
        changed = [text for text, safe in zip(texts, hidden, strict=True) if text != safe]
        kinds = [finding.kind for text in changed for finding in find(text)]
        for kind in kinds:
            self.telemetry.count(PERSONAL_DATA, kind=kind)
        if kinds and self.policy.personal_data_action == "block":
            raise PolicyViolation(
                f"The text holds personal data ({', '.join(sorted(set(kinds)))}), which governance/policy.yaml keeps "
                "from going to a model; nothing was sent. Use the offline embedding, or ask who answers for the data."
            )

    def _record(self, hidden: list[str], outcome: str, error: str | None, seconds: float) -> None:
        call = current_call.get()
        text = json.dumps(hidden, ensure_ascii=False)
        self.audit.append(
            "embedding_call",
            role=self.role,
            provider=self.entry.provider,
            model=self.entry.model,
            model_sha256=self.entry.info.sha256,
            caller=call.caller if call else None,
            channel=call.channel if call else None,
            texts=len(hidden),
            texts_sha256=hashlib.sha256(text.encode()).hexdigest(),
            texts_characters=len(text),
            outcome=outcome,
            error=error,
        )
        role, provider = self.role, self.entry.provider
        self.telemetry.observe(MODEL_SECONDS, seconds, role=role, provider=provider)
        self.telemetry.count(MODEL_CALLS, role=role, provider=provider, outcome=outcome)
