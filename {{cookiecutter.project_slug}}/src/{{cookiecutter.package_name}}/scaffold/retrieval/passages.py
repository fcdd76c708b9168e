"""What a search returns."""

from __future__ import annotations

from dataclasses import dataclass

from .stores import Hit


@dataclass(frozen=True)
class Passage:
    """A passage that the caller may see."""

    text: str
    """Word for word as in the document."""
    source: str
    """The document's name: its path below ``data/documents``, or SOURCE/ID."""
    origin: str
    """Name of its source in ``config/sources.yaml``."""
    title: str
    score: float
    """Fused rank, 0 to 1; 1 is first by words and by embedding. It orders one result; it is no probability."""
    lexical: float
    """Share, 0 to 1, of the question's content words that the passage holds, rare words counting more; to refuse by."""
    bm25: float
    """BM25 score; comparable within one result only."""
    cosine: float
    """Cosine of the embeddings; 0 where the passage is not among the nearest."""
    updated: str | None
    """Date of the document, ISO 8601."""
    sha256: str
    """Of the document's bytes when it was indexed."""
    chunk: int
    """Number of the passage in its document, from 0."""
    section: str
    """Headings above it."""
    language: str
    status: str | None
    """As the document says, for example ``superseded``."""

    @property
    def id(self) -> str:
        """What the index knows it by; see ``Index.visible``."""
        return f"{self.source}#{self.chunk}"


PAYLOAD = ("source", "origin", "title", "updated", "sha256", "chunk", "section", "language", "status")
"""What is stored with a passage under the same name."""


def passage_of(hit: Hit) -> Passage:
    """What a store found, for those who asked."""
    metadata = hit.document.metadata
    return Passage(
        text=hit.document.page_content,
        score=hit.score,
        lexical=hit.lexical,
        bm25=hit.bm25,
        cosine=hit.cosine,
        **{name: metadata[name] for name in PAYLOAD},
    )
