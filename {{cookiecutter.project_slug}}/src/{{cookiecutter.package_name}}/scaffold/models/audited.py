"""Control: one audit record per model call, however it ended."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, SkipValidation

from ..governance.audit import AuditLog
from ..guardrails.personal_data import redact
from ..observability import current_call
from .faults import REASONS
from .governed import Governed, Passage, run_metadata
from .request import Request
from .settings import ModelInfo

Cost = Callable[[ModelInfo, UsageMetadata], int | None]
"""From the model that answered and its usage to millionths of a US dollar; None where no price is known."""


class Seen(Passage):
    """What came out of a call: its text, its token counts, and how it ended."""

    def __init__(self, messages: list[BaseMessage]) -> None:
        super().__init__(messages)
        self.text = ""
        self.usage: UsageMetadata | None = None
        self.finish_reason: str | None = None

    def answered(self, result: ChatResult) -> ChatResult:
        """Look at the answer."""
        for generation in result.generations:
            self._look(generation, result.llm_output or {})
        return result

    def piece(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """Look at the piece."""
        self._look(chunk, {})
        return chunk

    def _look(self, generation: Any, beside: dict[str, Any]) -> None:
        self.text += generation.text
        told = {**beside, **(generation.generation_info or {}), **generation.message.response_metadata}
        self.finish_reason = next((str(told[key]) for key in REASONS if told.get(key)), self.finish_reason)
        if isinstance(generation.message, AIMessage) and generation.message.usage_metadata:
            self.usage = add_usage(self.usage, generation.message.usage_metadata)


class Audited(Governed):
    """Writes what was called, by whom, with which prompt, and how it ended; digests and lengths instead of text.

    ``provider`` and ``model`` are those that answered, or were asked last; ``attempts`` names every one that was asked.
    """

    audit: SkipValidation[AuditLog] = Field(repr=False)
    cost: SkipValidation[Cost] = Field(repr=False)
    info: ModelInfo
    role: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Outermost but for the meter, so that calls which other controls refuse are on record too."""
        metadata, call = run_metadata(), current_call.get()
        text = json.dumps([[message.type, redact(message.text)] for message in messages], ensure_ascii=False)
        return Recorded(
            messages,
            self.audit,
            self.cost,
            options["request"],
            replace(self.info, model=options.get("model", self.info.model)),
            {
                "role": self.role,
                "prompt": metadata.get("prompt"),
                "prompt_sha256": metadata.get("prompt_sha256"),
                "caller": call.caller if call else None,
                "channel": call.channel if call else None,
                "messages": len(messages),
                # Of the redacted text: a digest of a telephone number could be guessed.
                "messages_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "messages_characters": len(text),
            },
        )


class Recorded(Seen):
    """One call on its way into the audit log."""

    event = "model_call"

    def __init__(
        self,
        messages: list[BaseMessage],
        audit: AuditLog,
        cost: Cost,
        request: Request,
        first: ModelInfo,
        fields: dict[str, Any],
    ) -> None:
        super().__init__(messages)
        self._audit, self._cost, self._request, self._first, self._fields = audit, cost, request, first, fields
        # An abandoned stream is closed by whoever collects it, in another context: keep the trace and the caller.
        self._context = copy_context()

    def ended(self, error: BaseException | None) -> None:
        """Write the record."""
        self._context.run(self._audit.append, self.event, **self._record(error))

    async def aended(self, error: BaseException | None) -> None:
        """As ``ended``."""
        # In a thread, for it waits for the disk; shielded, for a cancelled call is on record too.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.ended, error))

    def _record(self, error: BaseException | None) -> dict[str, Any]:
        attempts = self._request.attempts
        info = self._request.writer or self._first
        return {
            **self._fields,
            "provider": info.provider,
            "model": info.model,
            "model_sha256": info.sha256,
            "attempts": [
                {
                    "provider": attempt.info.provider,
                    "model": attempt.info.model,
                    "outcome": attempt.outcome,
                    "error": attempt.error,
                    "seconds": round(attempt.seconds, 3),
                }
                for attempt in attempts
            ],
            "outcome": self._request.outcome(error),
            "error": type(error).__name__ if isinstance(error, Exception) else None,
            **self.answer(info),
        }

    def answer(self, info: ModelInfo) -> dict[str, Any]:
        """What the record says of the answer."""
        answer = redact(self.text)
        return {
            "finish_reason": self.finish_reason,
            "answer_sha256": hashlib.sha256(answer.encode()).hexdigest() if answer else None,
            "answer_characters": len(answer),
            "input_tokens": self.usage["input_tokens"] if self.usage else None,
            "output_tokens": self.usage["output_tokens"] if self.usage else None,
            "cost_micro_usd": self._cost(info, self.usage) if self.usage else None,
        }
