"""What every vector store is: passages with access lists, found by words and by embedding, for one caller."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from ...errors import ConfigurationError
from ...governance.principal import Principal
from ..chunking import in_context
from ..fusion import diversify, fuse
from . import snapshots
from .analysis import Analyser, idf, share
from .point import Built, Hit, Matches, Point, View, Where, key_of, listed, plain, view_of

CANDIDATES = 50
"""How many passages each of the two searches contributes, at least."""
BATCH = 256
"""Passages that are moved at a time."""


class Store(VectorStore, ABC):
    """Dense vectors and BM25 in one index, searched by what a caller may see.

    Every document carries two lists of names, ``allow`` and ``deny`` (see ``Principal.names``). They are part of every
    query that the engine runs: there is no way to read around them, and none without a caller: a store opened without
    one returns nothing. Without an ``allow`` list in its metadata, a document is seen by the caller who adds it only.

    A store of another engine is a subclass that brings the abstract methods; ranking is the same for all.
    """

    place: str
    """Where it is, as the subject of a sentence."""

    def __init__(self, embeddings: Embeddings, analyser: Analyser, caller: Principal | None) -> None:
        """``caller``: who langchain's methods search for."""
        self.analyser, self.caller, self._embeddings = analyser, caller, embeddings

    # What langchain expects of a vector store.

    @property
    def embeddings(self) -> Embeddings:
        """What texts are embedded with."""
        return self._embeddings

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """A store that holds ``texts``; the rest of the arguments are the constructor's."""
        store = cls(embeddings=embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_documents(
        self, documents: Sequence[Document], *, ids: Sequence[str] | None = None, **kwargs: Any
    ) -> list[str]:
        """Embed and store ``documents``; one whose id is known replaces the earlier one. Returns the ids.

        ``allow`` and ``deny`` in the metadata say who may see it. ``title``, ``section`` and ``language`` there are
        used for indexing.
        """
        if not documents:
            return []
        names = list(ids) if ids is not None else [document.id or str(uuid.uuid4()) for document in documents]
        texts = [
            plain(in_context(d.metadata.get("title", ""), d.metadata.get("section", ""), d.page_content))
            for d in documents
        ]
        vectors = self._embeddings.embed_documents(texts)
        own = [f"user:{self.caller.id}"] if self.caller else []
        points = {}
        for name, document, text, vector in zip(names, documents, texts, vectors, strict=True):
            tokens = self.analyser.passage(text, document.metadata.get("language") or self.analyser.recognise(text))
            points[name] = Point(
                id=plain(name),
                text=plain(document.page_content),
                metadata={
                    key: plain(value) if isinstance(value, str) else value
                    for key, value in document.metadata.items()
                    if key not in ("allow", "deny")
                },
                allow=listed(document.metadata.get("allow", own)),
                deny=listed(document.metadata.get("deny", ())),
                words=dict(zip(tokens.indices, tokens.values, strict=True)),
                dense=vector,
            )
        self.put(list(points.values()))
        return names

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Remove the documents with these ids; ids that are not there are no mistake. ``None`` removes all."""
        self._erase(None if ids is None else [key_of(name) for name in ids])
        return True

    def get_by_ids(self, ids: Sequence[str], /, caller: Principal | None = None) -> list[Document]:
        """The documents with these ids, as far as ``caller`` may see them; where None, the store's own."""
        view = view_of(caller or self.caller)
        return [] if view is None or not ids else [p.document for p in self._read(view, map(key_of, ids)).values()]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """The ``k`` best passages that the caller may see; ``filter`` maps names of metadata to a value or several."""
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """``similarity_search`` with fused scores, 0 to 1, the best first."""
        hits = self.hits(query, self.caller, k, where=_where(kwargs.get("filter")))
        return [(hit.document, hit.score) for hit in hits]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """``k`` of the ``fetch_k`` best passages, chosen for being unlike each other; 1 for ``lambda_mult``: the best.

        Relevance is the fused score.
        """
        where = _where(kwargs.get("filter"))
        hits = self.hits(query, self.caller, k, where=where, diversity=1 - lambda_mult, among=fetch_k)
        return [hit.document for hit in hits]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda score: score  # is within 0 and 1, best 1, as langchain wants it

    # What the index needs beyond that.

    def hits(
        self,
        query: str,
        caller: Principal | None,
        k: int,
        words_weight: float = 0.8,
        where: Where | None = None,
        diversity: float = 0,
        among: int | None = None,
    ) -> list[Hit]:
        """The ``k`` best passages that ``caller`` may see, by BM25 and by embedding, fused by reciprocal rank.

        Filter and word statistics cover what the caller may see and ``where`` lets through, and nothing else: the
        result is the one that an index of those passages alone would give. With a ``diversity`` above 0, the ``k`` are
        chosen from the best ``among``, four times ``k`` where None: see ``diversify``.
        """
        view, query = view_of(caller, where), plain(query)
        if view is None or not query.strip():
            return []
        words = self.analyser.question(query)
        tokens = sorted({token for word in words for token in word})
        vector = self._embeddings.embed_query(query)
        self._fitting(len(vector))
        with self.hold():
            found = self._match(view, tokens, vector, max(CANDIDATES, 4 * k, among or 0))
            by_vector = found.by_vector if any(vector) else {}  # nothing is near a question that has no direction
            ranked = fuse([_order(found.by_words), _order(by_vector)], [words_weight, 1 - words_weight])
            ranked = ranked[: max(k, among or 4 * k) if diversity else k]
            # Filtered again: a sync may have taken the caller's right away in between.
            points = self._read(view, [key for key, _ in ranked], dense=diversity > 0)
        ranked = [(key, score) for key, score in ranked if key in points]
        if diversity:
            ranked = diversify(ranked, {key: points[key].dense for key, _ in ranked}, diversity, k)
        unknown = 0.0 if all(word & found.rare.keys() for word in words) else idf(found.passages(), 0)
        return [
            Hit(
                document=points[key].document,
                score=score,
                bm25=found.by_words.get(key, 0.0),
                cosine=by_vector.get(key, 0.0),
                lexical=share(words, points[key].words.keys(), found.rare, unknown),
            )
            for key, score in ranked
        ]

    @property
    def label(self) -> str:
        """Names how passages are indexed; under another name, all have to be indexed anew."""
        return f"{label(self._embeddings)} {self.analyser.label}"

    def put(self, points: Sequence[Point]) -> None:
        """Store whole passages, vectors included; they replace those with the same ids. Durable when it returns.

        Raises ``ConfigurationError`` where the index was built with another embedding or other rules for words.
        """
        if points:
            self._write(self._fitting(len(points[0].dense)), points)

    def snapshot(self, folder: Path) -> int:
        """Write everything into the new ``folder``, whole or not at all; returns how many passages.

        Any store can be filled from it by ``restore``, whatever its engine. It holds texts and access lists: keep it
        as closed as the documents.
        """
        built = self.built()
        if built is None:
            raise ConfigurationError(f"{self.place} holds nothing yet; run 'ingest' first.")
        with self.hold():
            return snapshots.write(folder, built, self.points())

    def restore(self, folder: Path) -> int:
        """Fill this store, which must be empty, from a snapshot; returns how many passages. What fails leaves nothing.

        Raises ``ConfigurationError`` where the snapshot is incomplete, or was made with another embedding.
        """
        built = snapshots.check(folder)
        mine = self._fitting(built.dimensions)
        if built != mine:
            raise ConfigurationError(
                f"The snapshot {folder} was made with {built}, but the configuration now says {mine}; set it back, or "
                "run 'ingest' to index anew."
            )
        if self.sources():
            raise ConfigurationError(f"{self.place} is not empty; restore into a new one.")
        points, count = snapshots.read(folder, built), 0
        try:
            while batch := list(islice(points, BATCH)):
                self.put(batch)
                count += len(batch)
            self.flush()
        except BaseException:
            self.drop()
            raise
        return count

    def flush(self) -> None:
        """Write everything through to the disk, and bring search structures up to date."""

    def hold(self) -> AbstractContextManager[object]:
        """Keep the index for the block, so that no other process comes in between, where it takes one at a time."""
        return nullcontext()

    @abstractmethod
    def built(self) -> Built | None:
        """What the index was built with; None where there is none yet."""

    @abstractmethod
    def points(self, after: str | None = None) -> Iterator[Point]:
        """All passages, whole, whoever may see them, in an order of their own; ``after``: those behind that id."""

    def count(self) -> int:
        """How many passages there are."""
        return sum(self.sources().values())

    @abstractmethod
    def sources(self) -> dict[str, int]:
        """How many passages each source has."""

    @abstractmethod
    def remove(self, source: str, but: Iterable[str] = ()) -> None:
        """Remove all passages of ``source``, except those with the ids ``but``."""

    @abstractmethod
    def restrict(self, source: str, allow: Sequence[str], deny: Sequence[str]) -> None:
        """Give all passages of ``source`` these access lists."""

    @abstractmethod
    def drop(self) -> None:
        """Delete the index; the next write makes a new one."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the index; the next use opens it again."""

    # The engine. Where there is no index yet, nothing is found and nothing happens.

    @abstractmethod
    def _match(self, view: View, tokens: list[int], vector: list[float], limit: int) -> Matches:
        """The ``limit`` best of ``view`` by BM25 over that view, and the ``limit`` nearest to ``vector``."""

    @abstractmethod
    def _read(self, view: View, keys: Iterable[uuid.UUID], dense: bool = False) -> Mapping[uuid.UUID, Point]:
        """Those of ``keys`` that are in ``view``, with embeddings if ``dense``."""

    @abstractmethod
    def _write(self, built: Built, points: Sequence[Point]) -> None:
        """Store ``points``, in an index made for ``built`` where there is none."""

    @abstractmethod
    def _erase(self, keys: Sequence[uuid.UUID] | None) -> None:
        """Remove these passages, or all."""

    def _fitting(self, dimensions: int) -> Built:
        mine, built = Built(label(self._embeddings), dimensions, self.analyser.label), self.built()
        if built and built != mine:
            raise ConfigurationError(
                f"{self.place} was built with {built}, but the configuration now says {mine}; "
                "run 'ingest' to index anew."
            )
        return mine


NOTHING = Matches({}, {}, {}, lambda: 0)


def label(embeddings: Embeddings) -> str:
    """What ``embeddings`` calls itself; vectors of different labels cannot be compared."""
    return str(getattr(embeddings, "label", type(embeddings).__name__))


def _order(scores: Mapping[uuid.UUID, float]) -> list[uuid.UUID]:
    """Best first; equals by key, since the engine's order would depend on what else is in the index."""
    return sorted(scores, key=lambda key: (-scores[key], key))


def _where(filter: Mapping[str, Any] | None) -> Where:  # noqa: A002  langchain's name for it
    """langchain's filter, whose values may stand alone."""
    return {name: [value] if isinstance(value, (str, int)) else list(value) for name, value in (filter or {}).items()}
