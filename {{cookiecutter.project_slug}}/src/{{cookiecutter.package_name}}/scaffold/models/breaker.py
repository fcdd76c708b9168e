"""Control: a model that keeps failing is left alone for a while, then asked once to see whether it is back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import SkipValidation

from ..errors import CircuitOpen, ModelError
from .governed import Governed, Passage
from .request import Pace
from .settings import BreakerRule, ModelInfo


@dataclass
class Circuit:
    """How one model has been doing; shared by all roles that use it, and kept when the file changes."""

    faults: int = 0
    """In a row."""
    until: float = 0
    probing: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Breaker(Governed):
    """Raises ``CircuitOpen``, with nothing sent, after ``rule.failures`` faults in a row, for ``rule.seconds``."""

    circuit: SkipValidation[Circuit]
    rule: BreakerRule
    info: ModelInfo
    pace: SkipValidation[Pace]

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Lets through all calls while closed, none while open, and behind that one at a time."""
        circuit = self.circuit
        with circuit.lock:
            probe = circuit.faults >= self.rule.failures
            left = circuit.until - self.pace.now()
            if probe and (left > 0 or circuit.probing):
                raise CircuitOpen(self._sentence(left), again=False, after=max(0.0, left))
            circuit.probing = circuit.probing or probe
        return _Counted(messages, self, probe)

    def _sentence(self, left: float) -> str:
        ends = datetime.now(UTC) + timedelta(seconds=left)
        until = f"until {ends:%H:%M:%S} UTC" if left > 0 else "until a call that is under way has shown that it is back"
        return f"The model {self.info.label} failed {self.circuit.faults} times in a row and is left alone {until}."


class _Counted(Passage):
    def __init__(self, messages: list[BaseMessage], breaker: Breaker, probe: bool) -> None:
        super().__init__(messages)
        self._breaker, self._probe = breaker, probe

    def ended(self, error: BaseException | None) -> None:
        circuit, breaker = self._breaker.circuit, self._breaker
        with circuit.lock:
            if self._probe:
                circuit.probing = False
            if isinstance(error, ModelError) and error.elsewhere:
                circuit.faults += 1
                circuit.until = breaker.pace.now() + breaker.rule.seconds
            elif error is None or isinstance(error, ModelError):
                circuit.faults = (
                    0  # also after a refused request: whoever refuses is there; what we held back says nothing
                )
