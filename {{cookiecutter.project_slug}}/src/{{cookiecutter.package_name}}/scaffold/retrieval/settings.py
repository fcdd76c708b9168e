"""The shape of ``config/retrieval.yaml``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ..config import File

Language = Literal["da", "de", "en", "es", "fi", "fr", "it", "nl", "no", "pt", "ro", "ru", "sv"]
"""Languages that the engine has stemmers and stopwords for."""


class Chunking(File):
    """How documents are cut into passages."""

    size: int = Field(default=1500, ge=100, le=8000, description="Longest passage, in characters.")
    overlap: int = Field(default=150, ge=0, description="Characters that neighbouring passages share, at most.")

    @model_validator(mode="after")
    def _smaller(self) -> Self:
        if self.overlap > self.size // 2:
            raise ValueError(f"overlap is {self.overlap}, but at most half of size ({self.size // 2}) is allowed")
        return self


class RetrievalFile(File):
    """``config/retrieval.yaml``: how documents are indexed and searched."""

    languages: list[Language] = Field(
        default=["en", "de"], min_length=1, description="Languages of the documents; the first if none is recognised."
    )
    chunking: Chunking = Chunking()
    max_megabytes: float = Field(default=20, gt=0, le=1000, description="Larger documents are skipped, and named.")
    passages: int = Field(default=5, ge=1, le=50, description="Passages that a question is answered from.")
    context_tokens: int = Field(
        default=8000,
        ge=100,
        le=1_000_000,
        description="How much of a prompt passages may take, by a cautious estimate.",
    )
    words_weight: float = Field(
        default=0.8, ge=0, le=1, description="Share of the words (BM25) in the ranking; the rest is the embedding's."
    )
