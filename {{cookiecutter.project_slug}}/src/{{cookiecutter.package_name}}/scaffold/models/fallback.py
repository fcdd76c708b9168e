"""Control: where one model cannot answer, the next one is asked, under its own policy and personal-data controls."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import Field, SkipValidation

from ..errors import ModelUnavailable
from ..observability import Telemetry
from ..observability.names import FALLBACKS
from .repeated import Repeated, Tries, Try
from .request import Request


class Fallback(Repeated):
    """Asks ``inner``, then each of ``others``, as long as the fault is the vendor's and there is time left."""

    others: list[BaseChatModel] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    role: str

    def tries(self, options: dict[str, Any]) -> Tries:
        """The models in their order. Raises ``ModelUnavailable`` with what each of them said where none answers."""
        request: Request = options["request"]
        error = yield Try(self.inner, options)
        said: list[str] = []
        waits: list[float] = []
        for model in self._standing_by(options):
            if not error.elsewhere or request.left() <= 0:
                break
            said.append(str(error))
            waits.append(error.after)
            self.telemetry.count(FALLBACKS, role=self.role, provider=request.attempts[-1].info.provider)
            error = yield Try(model, {key: value for key, value in options.items() if key != "model"})
        if said:
            raise ModelUnavailable(
                f"No model of the role {self.role!r} could answer. {' '.join([*said, str(error)])}",
                again=False,
                after=min(filter(None, [*waits, error.after]), default=0),
            ) from error

    def _standing_by(self, options: dict[str, Any]) -> list[BaseChatModel]:
        """Tools and structured output are put in a vendor's own words, which only the same client understands."""
        if options.keys() <= {"request", "model"}:
            return self.others
        return [model for model in self.others if model._llm_type == self.inner._llm_type]
