"""What stores hold and hand over."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from langchain_core.documents import Document

from ...errors import UsageError
from ...governance.principal import Principal

IDS = uuid.UUID("6f1c1c0e-3c5e-5d0b-9a55-0c7f4e5a7c11")

Where = Mapping[str, Sequence[str | int]]
"""Metadata by name, each with the values that are let through; a document whose field is a list needs one of them."""


@dataclass(frozen=True)
class Built:
    """What an index was built with; nothing else can be compared with what it holds."""

    vectors: str
    dimensions: int
    words: str

    def __str__(self) -> str:
        return f"{self.vectors} ({self.dimensions} numbers) and {self.words}"


@dataclass(frozen=True)
class Point:
    """A passage, whole: what one store hands over, any other can take."""

    id: str
    text: str
    metadata: Mapping[str, Any]
    """Without access lists."""
    allow: Sequence[str]
    deny: Sequence[str]
    words: Mapping[int, float]
    """Tokens with BM25's term frequency part."""
    dense: Sequence[float] = ()
    """The embedding, in some stores made to length 1; empty where it was not asked for."""

    @property
    def source(self) -> str:
        """The document that it is from; empty where the metadata does not say."""
        return str(self.metadata.get("source", ""))

    @property
    def payload(self) -> dict[str, Any]:
        """All but words and embedding, as JSON has it; see ``of``."""
        return {
            "id": self.id,
            "text": self.text,
            "metadata": dict(self.metadata),
            "source": self.source,
            "allow": list(self.allow),
            "deny": list(self.deny),
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any], words: Mapping[int, float], dense: Sequence[float] = ()) -> Self:
        """What ``payload`` was made of."""
        fields = {name: payload[name] for name in ("id", "text", "metadata", "allow", "deny")}
        return cls(**fields, words=words, dense=dense)

    @property
    def document(self) -> Document:
        """As langchain knows it. Access lists are not handed out."""
        return Document(id=self.id, page_content=self.text, metadata=dict(self.metadata))


@dataclass(frozen=True)
class Hit:
    """A passage found, with the signals it was ranked by."""

    document: Document
    score: float
    """Reciprocal rank fusion, 0 to 1; 1 is first by words and by embedding. It ranks, but measures no relevance."""
    bm25: float
    """BM25 score; 0 where no word matches. Comparable within one search only."""
    cosine: float
    """Cosine to the question; 0 where the passage is not among the nearest candidates."""
    lexical: float
    """Share, 0 to 1, of the question's content words that occur in the passage, rare words counting more."""


@dataclass(frozen=True)
class View:
    """The part of a store that is looked at: what a caller may see, and of that what the metadata let through."""

    names: tuple[str, ...]
    """Of the caller. A passage is seen that allows one of these and denies none of them."""
    where: Where


@dataclass(frozen=True)
class Matches:
    """What a store finds in a view: scores by key, and the statistics of the view's words."""

    by_words: Mapping[uuid.UUID, float]
    by_vector: Mapping[uuid.UUID, float]
    rare: Mapping[int, float]
    """BM25's idf of each token that occurs in the view."""
    passages: Callable[[], int]
    """Counts the view, which takes as long as a search."""


def view_of(caller: Principal | None, where: Where | None = None) -> View | None:
    """What ``caller`` may see; None, which means nothing, where there is no caller.

    Raises ``UsageError`` for a name of metadata that cannot be looked for.
    """
    for name in where or ():
        if not re.fullmatch(r"[\w .:/-]{1,100}", name):
            raise UsageError(f"{name!r} is no name of metadata that can be filtered by; use letters, digits and _.")
    if caller is None or any(name != plain(name) for name in caller.names):  # the second cannot be on any list
        return None
    values = {name: [plain(v) if isinstance(v, str) else v for v in allowed] for name, allowed in (where or {}).items()}
    return None if any(not allowed for allowed in values.values()) else View(tuple(sorted(caller.names)), values)


def key_of(id: str) -> uuid.UUID:  # noqa: A002  as langchain calls it
    """What stores file the passage ``id`` under."""
    return uuid.uuid5(IDS, plain(id))


def plain(text: str) -> str:
    """``text`` without what not every store can keep: NUL and half characters."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def listed(names: Sequence[str]) -> list[str]:
    """An access list as stores keep it. A name left out here is no caller's whom ``view_of`` lets see anything."""
    return [name for name in names if name == plain(name)]
