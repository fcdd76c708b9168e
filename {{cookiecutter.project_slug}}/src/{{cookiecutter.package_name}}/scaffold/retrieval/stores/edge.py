"""The embedded vector store: Qdrant Edge, one folder, one process at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from langchain_core.embeddings import Embeddings

from ...governance.principal import Principal
from .analysis import Analyser, rarities, rarity
from .point import Built, Matches, Point, View, key_of, listed
from .port import BATCH, NOTHING, Store
from .shard import WAIT_SECONDS, Shard


class EdgeVectorStore(Store):
    """A store in a folder, which is opened at first use, and let go of when another process waits for it.

    Data is on disk when a write returns, and survives the process; ``flush`` makes it survive the machine.
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
        super().__init__(embeddings, analyser, caller)
        self.place, self._shard = f"The index in {path}", Shard(path, wait_seconds)

    def built(self) -> Built | None:
        """What the index was built with; None where there is none yet."""
        return self._shard.built()

    def points(self, after: str | None = None) -> Iterator[Point]:
        """All passages, in the order of their keys."""
        start: uuid.UUID | None = key_of(after) if after is not None else None
        with self._shard.opened() as shard:
            while shard is not None:
                request = edge.ScrollRequest(limit=BATCH, offset=start, with_payload=True, with_vector=True)
                records, start = shard.scroll(request)
                for record in records:
                    if after is None or record.id != key_of(after):  # an offset is where to start, itself included
                        yield _point(record)
                if start is None:
                    return

    def count(self) -> int:
        """How many passages there are."""
        return self._count(edge.Filter())

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
        kept = [key_of(name) for name in but]
        gone = edge.Filter(must=[_of(source)], must_not=[_with(kept)] if kept else None)
        with self._shard.opened() as shard:
            if shard is not None:
                shard.update(edge.UpdateOperation.delete_points_by_filter(gone))

    def restrict(self, source: str, allow: Sequence[str], deny: Sequence[str]) -> None:
        """Give all passages of ``source`` these access lists."""
        with self._shard.opened() as shard:
            if shard is not None:
                lists = {"allow": listed(allow), "deny": listed(deny)}
                shard.update(edge.UpdateOperation.set_payload_by_filter(edge.Filter(must=[_of(source)]), lists))

    def flush(self) -> None:
        """Write everything through to the disk."""
        with self._shard.opened() as shard:
            if shard is not None:
                shard.flush()

    def hold(self) -> AbstractContextManager[object]:
        """Keep the folder open for the block, so that no other process comes in between."""
        return self._shard.opened()

    def drop(self) -> None:
        """Delete the index."""
        self._shard.drop()

    def close(self) -> None:
        """Let go of the folder; the next use opens it again."""
        self._shard.close()

    def _match(self, view: View, tokens: list[int], vector: list[float], limit: int) -> Matches:
        seen = _seen_by(view)
        statistics = edge.SearchParams(idf=edge.IdfParams(corpus=seen))

        def request(vector: Any, using: str, limit: int, **options: Any) -> Any:
            return edge.QueryRequest(limit=limit, query=edge.Query.Nearest(vector, using=using), filter=seen, **options)

        def words(tokens: Sequence[int], limit: int) -> Any:
            vector = edge.SparseVector(list(tokens), [1.0] * len(tokens))
            return request(vector, "bm25", limit, params=statistics, with_vector=["bm25"])

        with self._shard.opened() as shard:
            if shard is None:
                return NOTHING

            def ask(tokens: Sequence[int], limit: int) -> Any:
                return shard.query(words(tokens, limit))

            requests = [words(tokens, limit), request(vector, "dense", limit)]
            by_words, by_vector = shard.query_batch(edge.QueryBatchRequest(requests))
            rare = _rare(tokens, by_words, limit, ask)
        return Matches(
            by_words={point.id: float(point.score) for point in by_words},
            by_vector={point.id: float(point.score) for point in by_vector},
            rare=rare,
            passages=lambda: self._count(seen),
        )

    def _read(self, view: View, keys: Iterable[uuid.UUID], dense: bool = False) -> dict[uuid.UUID, Point]:
        wanted = list(keys)
        filtered = edge.Filter(must=[_with(wanted), _seen_by(view)])
        vectors = ["bm25", "dense"] if dense else ["bm25"]
        request = edge.ScrollRequest(limit=max(1, len(wanted)), filter=filtered, with_payload=True, with_vector=vectors)
        with self._shard.opened() as shard:
            if shard is None:
                return {}
            records, _ = shard.scroll(request)
        return {record.id: _point(record) for record in records}

    def _write(self, built: Built, points: Sequence[Point]) -> None:
        stored = [
            edge.Point(
                str(key_of(point.id)),
                {
                    "dense": list(point.dense),
                    "bm25": edge.SparseVector(list(point.words), list(point.words.values())),
                },
                point.payload,
            )
            for point in points
        ]
        with self._shard.opened(built) as shard:
            shard.update(edge.UpdateOperation.upsert_points(stored))

    def _count(self, filtered: edge.Filter) -> int:
        with self._shard.opened() as shard:
            return shard.count(edge.CountRequest(filter=filtered, exact=True)) if shard is not None else 0

    def _erase(self, keys: Sequence[uuid.UUID] | None) -> None:
        gone = edge.Filter() if keys is None else edge.Filter(must=[_with(keys)])
        with self._shard.opened() as shard:
            if shard is not None:
                shard.update(edge.UpdateOperation.delete_points_by_filter(gone))


def _rare(tokens: Sequence[int], found: Sequence[Any], limit: int, ask: Callable[[Sequence[int], int], Any]) -> Any:
    """The idf of each of ``tokens`` that occurs; ``found`` are the best passages by them, ``limit`` at most.

    Each search for words costs as much as the first, so that as few as can be are made to know all.
    """
    rare = rarities(tokens, found)
    left = [token for token in tokens if token not in rare]
    if left and len(found) < limit:  # there are no others that hold any of them
        held = {token for point in found for token in point.vector["bm25"].indices}
        left = [token for token in left if token in held]
    elif len(left) < len(tokens):
        return rare | _rare(left, ask(left, limit), limit, ask) if left else rare
    return rare | {token: rarity(token, best) for token in left if (best := ask([token], 1))}


def _seen_by(view: View) -> edge.Filter:
    """What the engine is told about the caller, and about the metadata that are asked for."""
    names = edge.MatchAny(list(view.names))
    return edge.Filter(
        must=[
            edge.FieldCondition("allow", match=names),
            *(
                edge.Filter(
                    should=[edge.FieldCondition(f'metadata."{name}"', match=edge.MatchValue(v)) for v in values]
                )
                for name, values in view.where.items()
            ),
        ],
        must_not=[edge.FieldCondition("deny", match=names)],
    )


def _with(keys: Iterable[uuid.UUID]) -> edge.HasIdCondition:
    return edge.HasIdCondition(set[int | uuid.UUID | str](keys))


def _of(source: str) -> edge.FieldCondition:
    return edge.FieldCondition("source", match=edge.MatchValue(source))


def _point(record: Any) -> Point:
    words, dense = record.vector["bm25"], record.vector.get("dense", ())
    return Point.of(record.payload, dict(zip(words.indices, words.values, strict=True)), dense)
