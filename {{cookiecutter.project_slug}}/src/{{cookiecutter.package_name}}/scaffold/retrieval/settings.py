"""The shape of ``config/retrieval.yaml``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

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


Prefix = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$", description="How names of indexes in it begin.")]
Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]


class Edge(File):
    """Qdrant Edge, in this process: a folder below ``var/index``, which one process uses at a time."""

    kind: Literal["edge"] = "edge"


class Qdrant(File):
    """A Qdrant server, 1.19 or newer."""

    kind: Literal["qdrant"]
    url: str = Field(
        pattern=r"^https?://[^\s/@]+(/[^\s@]*)?$", description="Where it answers REST, such as https://host:6333."
    )
    api_key_env: Variable | None = Field(
        default=None, description="Environment variable that holds the key; never the key. None: it asks for none."
    )
    prefix: Prefix = "passages"
    timeout_seconds: int = Field(default=10, ge=1, le=600, description="Longest wait for one of its answers.")


class Pgvector(File):
    """PostgreSQL with the extension pgvector, 0.8 or newer."""

    kind: Literal["pgvector"]
    url_env: Variable = Field(
        default="PGVECTOR_URL",
        description="Environment variable that holds the address, postgresql://user:password@host/database.",
    )
    prefix: Prefix = "passages"


def _kind(value: Any) -> Any:
    return value.get("kind", "edge") if isinstance(value, dict) else getattr(value, "kind", None)


Store = Annotated[
    Annotated[Edge, Tag("edge")] | Annotated[Qdrant, Tag("qdrant")] | Annotated[Pgvector, Tag("pgvector")],
    Discriminator(
        _kind, custom_error_type="store_kind", custom_error_message="its kind must be edge, qdrant or pgvector"
    ),
]


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
    context_tokens: int = Field(
        default=8000,
        ge=100,
        le=1_000_000,
        description="How much of a prompt passages may take, by a cautious estimate.",
    )
    words_weight: float = Field(
        default=0.8, ge=0, le=1, description="Share of the words (BM25) in the ranking; the rest is the embedding's."
    )
    diversity: float = Field(
        default=0, ge=0, le=1, description="How much passages are chosen for being unlike each other; 0: not at all."
    )
    reranker: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="package.module:function that orders the candidates anew.",
    )
    store: Store = Edge()
