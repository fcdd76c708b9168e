"""The embedded vector store: Qdrant Edge, one folder, one process at a time."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import qdrant_edge as edge
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from ...errors import ConfigurationError
from ...governance.principal import Principal
from ..chunking import in_context
from ..fusion import fuse
from .analysis import Analyser, rarity, share
from .shard import WAIT_SECONDS, Built, Shard

IDS = uuid.UUID("6f1c1c0e-3c5e-5d0b-9a55-0c7f4e5a7c11")
CANDIDATES = 50
"""How many passages each of the two searches contributes, at least."""


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


class EdgeVectorStore(VectorStore):
    """Dense vectors and BM25 in one index, searched by what a caller may see.

    Every document carries two lists of names, ``allow`` and ``deny`` (see ``Principal.names``). They are part of every
    query that the engine runs: there is no way to read around them, and none without a caller: a store opened without
    one returns nothing. Without an ``allow`` list in its metadata, a document is seen by the caller who adds it only.

    The folder is opened at first use, and let go of when idle. Data is on disk when a write returns, and survives the
    process; ``flush`` makes it survive the machine.
    """

    def __init__(
        self,
        path: Path,
        embeddings: Embeddings,
        analyser: Analyser,
        caller: Principal | None = None,
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """``path``: the index's folder; ``wait_seconds``: how long to wait while another process has it."""
        self.analyser, self.caller = analyser, caller
        self._embeddings, self._shard = embeddings, Shard(path, wait_seconds)

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
            in_context(d.metadata.get("title", ""), d.metadata.get("section", ""), d.page_content) for d in documents
        ]
        vectors = self._embeddings.embed_documents(texts)
        points = []
        for name, document, text, vector in zip(names, documents, texts, vectors, strict=True):
            language = document.metadata.get("language") or self.analyser.recognise(text)
            own = [f"user:{self.caller.id}"] if self.caller else []
            metadata = {key: value for key, value in document.metadata.items() if key not in ("allow", "deny")}
            payload = {
                "id": name,
                "text": document.page_content,
                "metadata": metadata,
                "source": str(metadata.get("source", "")),
                "allow": list(document.metadata.get("allow", own)),
                "deny": list(document.metadata.get("deny", [])),
            }
            tokens = self.analyser.passage(text, language)
            points.append(edge.Point(_point_id(name), {"dense": vector, "bm25": tokens}, payload))
        with self._for_vectors(len(vectors[0]), create=True) as shard:
            shard.update(edge.UpdateOperation.upsert_points(points))
        return names

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Remove the documents with these ids; ids that are not there are no mistake. ``None`` removes all."""
        with self._shard.opened() as shard:
            if shard is not None:
                gone = edge.Filter() if ids is None else edge.Filter(must=[_with_ids(ids)])
                shard.update(edge.UpdateOperation.delete_points_by_filter(gone))
        return True

    def get_by_ids(self, ids: Sequence[str], /, caller: Principal | None = None) -> list[Document]:
        """The documents with these ids, as far as ``caller`` may see them, or the store's own where None."""
        seen = _seen_by(caller or self.caller)
        with self._shard.opened() as shard:
            if shard is None or seen is None or not ids:
                return []
            request = edge.ScrollRequest(
                limit=len(ids), filter=edge.Filter(must=[_with_ids(ids), seen]), with_payload=True, with_vector=False
            )
            records, _ = shard.scroll(request)
        return [_document(record.payload) for record in records]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """The ``k`` best passages that the caller may see."""
        return [hit.document for hit in self.hits(query, self.caller, k)]

    # What the index needs beyond that.

    def hits(self, query: str, caller: Principal | None, k: int, words_weight: float = 0.8) -> list[Hit]:
        """The ``k`` best passages that ``caller`` may see, by BM25 and by embedding, fused by reciprocal rank.

        Filter and word statistics cover what the caller may see and nothing else: the result is the one that an index
        of those passages alone would give.
        """
        seen = _seen_by(caller)
        query = query.encode("utf-8", "replace").decode()
        if seen is None or not query.strip():
            return []
        words = self.analyser.question(query)
        tokens = sorted({token for word in words for token in word})
        vector = self._embeddings.embed_query(query)
        limit = max(CANDIDATES, 4 * k)
        statistics = edge.SearchParams(idf=edge.IdfParams(corpus=seen))

        def request(vector: Any, using: str, limit: int, **options: Any) -> Any:
            return edge.QueryRequest(limit=limit, query=edge.Query.Nearest(vector, using=using), filter=seen, **options)

        with self._for_vectors(len(vector)) as shard:
            if shard is None:
                return []
            lists = shard.query_batch(
                edge.QueryBatchRequest(
                    [
                        request(edge.SparseVector(tokens, [1.0] * len(tokens)), "bm25", limit, params=statistics),
                        request(vector, "dense", limit),
                        *(
                            request(edge.SparseVector([t], [1.0]), "bm25", 1, params=statistics, with_vector=["bm25"])
                            for t in tokens
                        ),
                    ]
                )
            )
            by_words, by_vector, *rarest = lists
            ranked = fuse([_order(by_words), _order(by_vector)], [words_weight, 1 - words_weight])[:k]
            best = edge.HasIdCondition({point for point, _ in ranked})
            records, _ = shard.scroll(  # filtered again: a sync may have taken the caller's right away in between
                edge.ScrollRequest(
                    limit=k, filter=edge.Filter(must=[best, seen]), with_payload=True, with_vector=["bm25"]
                )
            )
            passages = shard.count(edge.CountRequest(filter=seen, exact=True))
        rare = {token: rarity(token, hit) for token, hit in zip(tokens, rarest, strict=True) if hit}
        unknown = math.log(1 + (passages + 0.5) / 0.5)  # BM25's idf of a word that no passage holds
        bm25, cosine = ({point.id: float(point.score) for point in points} for points in (by_words, by_vector))
        found = {record.id: record for record in records}
        return [
            Hit(
                document=_document(found[point].payload),
                score=score,
                bm25=bm25.get(point, 0.0),
                cosine=cosine.get(point, 0.0),
                lexical=share(words, set(found[point].vector["bm25"].indices), rare, unknown),
            )
            for point, score in ranked
            if point in found
        ]

    def count(self) -> int:
        """How many passages there are."""
        with self._shard.opened() as shard:
            return shard.count(edge.CountRequest(exact=True)) if shard is not None else 0

    def drop(self) -> None:
        """Delete the index and everything in it."""
        self._shard.drop()

    def sources(self) -> dict[str, int]:
        """How many passages each source has."""
        with self._shard.opened() as shard:
            if shard is None:
                return {}
            everything = shard.count(edge.CountRequest(exact=True))
            facet = shard.facet(edge.FacetRequest("source", limit=max(1, everything), exact=True))
        return {str(hit.value): hit.count for hit in facet.hits if hit.count}  # it goes on naming what was removed

    def remove(self, source: str, but: Iterable[str] = ()) -> None:
        """Remove all passages of ``source``, except those with the ids ``but``."""
        kept = list(but)
        with self._shard.opened() as shard:
            if shard is not None:
                gone = edge.Filter(must=[_of(source)], must_not=[_with_ids(kept)] if kept else None)
                shard.update(edge.UpdateOperation.delete_points_by_filter(gone))

    def restrict(self, source: str, allow: Sequence[str], deny: Sequence[str]) -> None:
        """Give all passages of ``source`` these access lists."""
        with self._shard.opened() as shard:
            if shard is not None:
                lists = {"allow": list(allow), "deny": list(deny)}
                shard.update(edge.UpdateOperation.set_payload_by_filter(edge.Filter(must=[_of(source)]), lists))

    def flush(self) -> None:
        """Write everything through to the disk."""
        with self._shard.opened() as shard:
            if shard is not None:
                shard.flush()

    @property
    def label(self) -> str:
        """Names how passages are indexed; under another name, all have to be indexed anew."""
        return f"{label(self._embeddings)} {self.analyser.label}"

    def hold(self) -> AbstractContextManager[object]:
        """Keep the folder open for the block, so that no other process comes in between."""
        self._shard.built()  # raises where it is damaged
        return self._shard.opened()

    def close(self) -> None:
        """Let go of the folder; the next use opens it again."""
        self._shard.close()

    def _for_vectors(self, dimensions: int, create: bool = False) -> AbstractContextManager[Any]:
        mine = Built(label(self._embeddings), dimensions, self.analyser.label)
        built = self._shard.built()
        if built and built != mine:
            raise ConfigurationError(
                f"The index in {self._shard.path} was built with {_spelt(built)}, but the configuration now says "
                f"{_spelt(mine)}; run 'ingest' to index anew."
            )
        return self._shard.opened(mine if create else None)


def label(embeddings: Embeddings) -> str:
    """What ``embeddings`` calls itself; vectors of different labels cannot be compared."""
    return str(getattr(embeddings, "label", type(embeddings).__name__))


def _seen_by(caller: Principal | None) -> edge.Filter | None:
    """What the engine is told about the caller; None, which means nothing is seen, where there is no caller."""
    if caller is None:
        return None
    names = edge.MatchAny(sorted(caller.names))
    return edge.Filter(
        must=[edge.FieldCondition("allow", match=names)], must_not=[edge.FieldCondition("deny", match=names)]
    )


def _point_id(name: str) -> str:
    return str(uuid.uuid5(IDS, name))  # the engine takes numbers and UUIDs only


def _with_ids(names: Iterable[str]) -> edge.HasIdCondition:
    return edge.HasIdCondition({uuid.UUID(_point_id(name)) for name in names})


def _of(source: str) -> edge.FieldCondition:
    return edge.FieldCondition("source", match=edge.MatchValue(source))


def _document(payload: dict[str, Any]) -> Document:
    return Document(id=payload["id"], page_content=payload["text"], metadata=payload["metadata"])


def _order(points: Sequence[Any]) -> list[uuid.UUID]:
    """Best first; equals by id, since the engine's order would depend on what else is in the index."""
    return [point.id for point in sorted(points, key=lambda point: (-point.score, point.id))]


def _spelt(built: Built) -> str:
    return f"{built.vectors} ({built.dimensions} numbers) and {built.words}"
