"""What a model is asked for beside its messages; ``config/models.yaml`` and prompts share these names."""

from __future__ import annotations

from pydantic import Field

from ..config import File


class Parameters(File):
    """What the vendor is asked for with every call; what is left out is the vendor's own default."""

    temperature: float | None = Field(default=None, ge=0, le=2, description="0 repeats itself best, 1 varies most.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Share of the probability mass drawn from.")
    max_tokens: int | None = Field(default=None, gt=0, description="Longest answer, in tokens; anthropic: 4096.")
    seed: int | None = Field(default=None, description="Makes answers repeatable, as far as the vendor can.")
    context_tokens: int | None = Field(default=None, gt=0, description="Context window to ask for (ollama only).")
