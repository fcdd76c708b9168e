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


class Metered(Governed):
    """Counts what passes. The outermost, so that its seconds are those the caller waited."""

    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    role: str
    provider: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Starts the clock."""
        return _Counted(messages, self.telemetry, {"role": self.role, "provider": self.provider})


class _Counted(Seen):
    def __init__(self, messages: list[BaseMessage], telemetry: Telemetry, labels: dict[str, str]) -> None:
        super().__init__(messages)
        self._telemetry, self._labels = telemetry, labels
        self._began = time.perf_counter()

    def ended(self, error: BaseException | None) -> None:
        self._telemetry.observe(MODEL_SECONDS, time.perf_counter() - self._began, **self._labels)
        self._telemetry.count(MODEL_CALLS, outcome=self.outcome(error), **self._labels)
        if self.usage:
            self._telemetry.count(TOKENS, self.usage["input_tokens"], direction="input", **self._labels)
            self._telemetry.count(TOKENS, self.usage["output_tokens"], direction="output", **self._labels)
