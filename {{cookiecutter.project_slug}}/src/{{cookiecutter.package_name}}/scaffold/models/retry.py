"""Control: what passes by itself is tried again.

Waits grow exponentially and are drawn at random from zero up ("full jitter"), so that callers who failed together do
not come back together: Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, SkipValidation

from ..errors import ModelError, ModelTimeout, ModelUnavailable
from ..observability import Telemetry
from ..observability.names import RETRIES
from .repeated import Repeated, Tries, Try

FIRST, LONGEST = 0.5, 8.0
"""Seconds: the most that is waited before the first retry, and before any."""


class Retrying(Repeated):
    """Puts a call to the same model up to ``retries`` times more. ``last`` says that no other model stands by."""

    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    role: str
    provider: str
    retries: int
    last: bool

    def tries(self, options: dict[str, Any]) -> Tries:
        """The same again, after a pause."""
        error = yield Try(self.inner, options)
        for retry in range(self.retries):
            backoff = self.pace.random() * min(LONGEST, FIRST * 2**retry)
            wait = backoff + getattr(error, "after", 0)
            if not self._worth(error, wait, options["request"].left()):
                return
            self.telemetry.count(RETRIES, role=self.role, provider=self.provider)
            error = yield Try(self.inner, options, wait)

    def _worth(self, error: ModelError, wait: float, left: float) -> bool:
        """Whether another try may help in time. A model that stands by is asked rather than waited for."""
        if not isinstance(error, ModelUnavailable) or not error.again or wait >= left:
            return False
        return self.last or (not isinstance(error, ModelTimeout) and error.after <= LONGEST)
