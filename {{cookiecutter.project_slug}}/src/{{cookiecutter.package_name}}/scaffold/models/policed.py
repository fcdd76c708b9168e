"""Control: the policy is asked before every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import Field, SkipValidation

from ..governance.policy import Policy
from .governed import Governed, Passage
from .settings import ModelInfo


class Policed(Governed):
    """Lets a call through where the policy allows its provider, model and region; else raises ``PolicyViolation``."""

    policy: SkipValidation[Policy] = Field(repr=False)
    info: ModelInfo
    region: str | None

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Asked at each call, not once when the model is built: the policy may have changed since."""
        self.policy.check_model(self.info.provider, options.get("model", self.info.model), self.region)
        return Passage(messages)
