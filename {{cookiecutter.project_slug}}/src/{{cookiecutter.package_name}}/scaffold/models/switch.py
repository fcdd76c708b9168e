"""Control: the kill switch of ``config/limits.yaml``, for a role or for everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import Field, SkipValidation

from .governed import Governed, Passage
from .limits import Limits


class Switched(Governed):
    """Lets a call through unless somebody stopped its role; else ``ModelsStopped``, nothing sent."""

    limits: SkipValidation[Limits] = Field(repr=False)
    role: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Asked at each call, so that the next one after the switch is thrown does not go out."""
        self.limits.check_running(self.role)
        return Passage(messages)
