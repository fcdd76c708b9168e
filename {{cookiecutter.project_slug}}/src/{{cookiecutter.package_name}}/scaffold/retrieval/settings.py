"""The shape of ``config/retrieval.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

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


class Limits(File):
    """What one document may cost. One that costs more is skipped, and named."""

    expanded_megabytes: float = Field(default=100, gt=0, le=2000, description="Of a DOCX, unpacked.")
    characters: int = Field(default=5_000_000, ge=1000, le=100_000_000, description="Of text.")
    pages: int = Field(default=2000, ge=1, le=100_000, description="Of a PDF.")
    seconds: float = Field(default=60, gt=0, le=3600, description="To read it; needs workers.")
    memory_megabytes: int = Field(default=1000, ge=100, le=100_000, description="To read it; needs workers, on Linux.")


class RetrievalFile(File):
    """``config/retrieval.yaml``: how documents are indexed and searched."""

    languages: list[Language] = Field(
        default=["en", "de"], min_length=1, description="Languages of the documents; the first if none is recognised."
    )
    chunking: Chunking = Chunking()
    max_megabytes: float = Field(default=20, gt=0, le=1000, description="Larger documents are skipped, and named.")
    limits: Limits = Limits()
    workers: Literal["auto", "ray"] | Annotated[int, Field(ge=0, le=256)] = Field(
        default="auto", description="Processes that read documents; auto: one a core; 0: none but this one."
    )
    passages: int = Field(default=5, ge=1, le=50, description="Passages that a question is answered from.")
    words_weight: float = Field(
        default=0.8, ge=0, le=1, description="Share of the words (BM25) in the ranking; the rest is the embedding's."
    )
