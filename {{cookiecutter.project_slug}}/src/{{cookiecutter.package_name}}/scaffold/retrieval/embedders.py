"""The embeddings of an index: those that it was built with, whatever the configuration names for new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from langchain_core.embeddings import Embeddings

from ..errors import ConfigurationError
from .patience import patiently
from .stores.port import label
from .versions import Version


class Embedders(Protocol):
    """Embeddings by the names of models."""

    def named(self) -> str:
        """The model that the configuration names for new indexes."""

    def get(self, name: str) -> Embeddings:
        """That model. Raises ``ConfigurationError`` where there is none of that name, or it lacks a key."""


@dataclass(frozen=True)
class Following(Embeddings):
    """The model that an index was built with, as the configuration has it now."""

    embedders: Embedders
    version: Version

    @property
    def label(self) -> str:
        """What the index was built with."""
        return self.version.label.rsplit(" ", 1)[0]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text; a rate that is reached is waited for."""
        return patiently(self._now().embed_documents, texts) if texts else []

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self._now().embed_query(text)

    def _now(self) -> Embeddings:
        """The model by the name that it had; where another has that name now, or none, what new indexes get.

        Raises ``ConfigurationError`` where neither gives the vectors that the index holds.
        """
        reason = f"{self.version.embedding} means something else now"
        for name in (self.version.embedding, self.embedders.named()):
            try:
                embeddings = self.embedders.get(name)
            except ConfigurationError as error:
                reason = str(error).rstrip(".")
                continue
            if label(embeddings) == self.label:
                return embeddings
        raise ConfigurationError(
            f"The index was built with {self.label}, which cannot be had now: {reason}. Run 'ingest' to index anew "
            "with what the configuration names."
        )
