"""Control: calls, tokens and seconds are counted by role and provider."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import Field, SkipValidation

from ..observability import Telemetry
from ..observability.names import MODEL_CALLS, MODEL_SECONDS, TOKENS
from .audited import Seen
from .governed import Governed, Passage
from .request import Request


class Metered(Governed):
    """Counts what passes, for the provider that answered or was asked last; its seconds are those the caller waited."""

    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    role: str
    provider: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Starts the clock."""
        return _Counted(messages, self.telemetry, self.role, self.provider, options["request"])


class _Counted(Seen):
    def __init__(
        self, messages: list[BaseMessage], telemetry: Telemetry, role: str, provider: str, request: Request
    ) -> None:
        super().__init__(messages)
        self._telemetry, self._role, self._provider, self._request = telemetry, role, provider, request
        self._began = time.perf_counter()

    def ended(self, error: BaseException | None) -> None:
        writer = self._request.writer
        role, provider = self._role, writer.provider if writer else self._provider
        seconds = time.perf_counter() - self._began
        self._telemetry.observe(MODEL_SECONDS, seconds, role=role, provider=provider)
        self._telemetry.count(MODEL_CALLS, role=role, provider=provider, outcome=self._request.outcome(error))
        if self.usage:
            read, written = self.usage["input_tokens"], self.usage["output_tokens"]
            self._telemetry.count(TOKENS, read, role=role, provider=provider, direction="input")
            self._telemetry.count(TOKENS, written, role=role, provider=provider, direction="output")
