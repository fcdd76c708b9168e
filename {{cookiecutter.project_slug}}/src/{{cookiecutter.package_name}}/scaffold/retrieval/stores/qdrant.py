"""A Qdrant server as vector store: the same filters and the same ranking as the embedded one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from langchain_core.embeddings import Embeddings
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from ...errors import ConfigurationError, StoreUnavailable
from ...governance.principal import Principal
from .analysis import Analyser, rarity
from .point import Built, Matches, Point, View, key_of, listed
from .port import BATCH, NOTHING, Store

NEEDED = (1, 19)
"""The first version that counts words over a part of a collection (``idf.corpus``). Older ones ignore that and count
over everything, so that ranking would tell a caller about passages they may not see."""


def connect(url: str, key: str | None, timeout_seconds: int) -> QdrantClient:
    """A client of the server at ``url``, which is not asked for anything yet."""
    return QdrantClient(url=url, port=None, api_key=key, timeout=timeout_seconds, check_compatibility=False)


class QdrantStore(Store):
    """A store in a collection, which the first write makes. Any number of processes."""

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        embeddings: Embeddings,
        analyser: Analyser,
        caller: Principal | None = None,
        url: str = "",
    ) -> None:
        """``url``: for messages."""
        super().__init__(embeddings, analyser, caller)
        self.place = f"The collection {collection} of the Qdrant server{url and f' at {url}'}"
        self._client, self._collection = client, collection
        self._fit = self._indexed = False

    def built(self) -> Built | None:
        """What the index was built with; None where there is none yet."""
        with self._asking():
            if not self._fit:
                self._check_version()
            if not self._client.collection_exists(self._collection):
                return None
            about = self._client.get_collection(self._collection).config.metadata
        try:
            return Built(**(about or {}))
        except TypeError:
            raise ConfigurationError(
                f"{self.place} was not made by this project; set another prefix for store in config/retrieval.yaml."
            ) from None

    def points(self, after: str | None = None) -> Iterator[Point]:
        """All passages, in the order of their keys. What is written meanwhile may be among them or not."""
        start: Any = str(key_of(after)) if after is not None else None
        while self.built():
            with self._asking():
                records, start = self._client.scroll(
                    self._collection, limit=BATCH, offset=start, with_payload=True, with_vectors=True
                )
            for record in records:
                if after is None or uuid.UUID(str(record.id)) != key_of(after):  # an offset includes where it starts
                    yield _point(record)
            if start is None:
                return

    def count(self) -> int:
        """How many passages there are."""
        if not self.built():
            return 0
        with self._asking():
            return self._client.count(self._collection, exact=True).count

    def sources(self) -> dict[str, int]:
        """How many passages each source has."""
        if not self.built():
            return {}
        with self._asking():
            everything = self._client.count(self._collection, exact=True).count
            facet = self._client.facet(self._collection, "source", limit=max(1, everything), exact=True)
        return {str(hit.value): hit.count for hit in facet.hits if hit.count}

    def remove(self, source: str, but: Iterable[str] = ()) -> None:
        """Remove all passages of ``source``, except those with the ids ``but``."""
        kept = [key_of(name) for name in but]
        self._delete(models.Filter(must=[_of(source)], must_not=[_with(kept)] if kept else None))

    def restrict(self, source: str, allow: Sequence[str], deny: Sequence[str]) -> None:
        """Give all passages of ``source`` these access lists."""
        if self.built():
            lists = {"allow": listed(allow), "deny": listed(deny)}
            with self._asking():
                self._client.set_payload(self._collection, lists, models.Filter(must=[_of(source)]), wait=True)

    def drop(self) -> None:
        """Delete the collection."""
        if self.built():
            with self._asking():
                self._client.delete_collection(self._collection)
        self._indexed = False

    def close(self) -> None:
        """Nothing to let go of: connections belong to the client, and end with it."""

    def _match(self, view: View, tokens: list[int], vector: list[float], limit: int) -> Matches:
        if not self.built():
            return NOTHING
        seen = _seen_by(view)
        statistics = models.SearchParams(idf=models.IdfCorpusParams(corpus=seen))

        def request(query: Any, using: str, limit: int, **options: Any) -> models.QueryRequest:
            return models.QueryRequest(query=query, using=using, limit=limit, filter=seen, **options)

        def words(tokens: list[int], limit: int, **options: Any) -> models.QueryRequest:
            query = models.SparseVector(indices=tokens, values=[1.0] * len(tokens))
            return request(query, "bm25", limit, params=statistics, **options)

        requests = [
            request(vector, "dense", limit),
            *([words(tokens, limit)] if tokens else []),
            *(words([token], 1, with_vector=["bm25"]) for token in tokens),
        ]
        with self._asking():
            answers = [answer.points for answer in self._client.query_batch_points(self._collection, requests)]
            passages = self._client.count(self._collection, seen, exact=True).count
        return Matches(
            by_words=_scores(answers[1]) if tokens else {},
            by_vector=_scores(answers[0]),
            rare={token: rarity(token, best) for token, best in zip(tokens, answers[2:], strict=True) if best},
            passages=lambda: passages,
        )

    def _read(self, view: View, keys: Iterable[uuid.UUID], dense: bool = False) -> dict[uuid.UUID, Point]:
        wanted = list(keys)
        if not wanted or not self.built():
            return {}
        with self._asking():
            records, _ = self._client.scroll(
                self._collection,
                models.Filter(must=[_with(wanted), _seen_by(view)]),
                limit=len(wanted),
                with_payload=True,
                with_vectors=["bm25", "dense"] if dense else ["bm25"],
            )
        return {uuid.UUID(str(record.id)): _point(record) for record in records}

    def _write(self, built: Built, points: Sequence[Point]) -> None:
        if not self._indexed:
            self._make(built)
        stored = [
            models.PointStruct(
                id=str(key_of(point.id)),
                vector={
                    "dense": list(point.dense),
                    "bm25": models.SparseVector(indices=list(point.words), values=list(point.words.values())),
                },
                payload=point.payload,
            )
            for point in points
        ]
        with self._asking():
            self._client.upsert(self._collection, stored, wait=True)

    def _erase(self, keys: Sequence[uuid.UUID] | None) -> None:
        self._delete(models.Filter() if keys is None else models.Filter(must=[_with(keys)]))

    def _delete(self, gone: models.Filter) -> None:
        if self.built():
            with self._asking():
                self._client.delete(self._collection, models.FilterSelector(filter=gone), wait=True)

    def _make(self, built: Built) -> None:
        """The collection and its indexes, as far as they are not there: a process may have died on the way."""
        try:
            if self.built() is None:
                with self._asking():
                    self._client.create_collection(
                        self._collection,
                        vectors_config={
                            "dense": models.VectorParams(size=built.dimensions, distance=models.Distance.COSINE)
                        },
                        sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
                        shard_number=1,  # each shard would have word statistics of its own
                        metadata=asdict(built),
                    )
        except (StoreUnavailable, ValueError):
            if self.built() != built:  # it is there where another process made it at this moment
                raise
        for field in ("allow", "deny", "source"):
            with self._asking():
                self._client.create_payload_index(self._collection, field, models.PayloadSchemaType.KEYWORD, wait=True)
        self._indexed = True

    def _check_version(self) -> None:
        version = self._client.info().version
        if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < NEEDED:
            raise ConfigurationError(
                f"{self.place} is of version {version}, but {NEEDED[0]}.{NEEDED[1]} or newer is needed: "
                "older ones rank by passages that the caller may not see. Update the server."
            )
        self._fit = True

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what the client raises into one sentence."""
        try:
            yield
        except ResourceExhaustedResponse as error:
            raise StoreUnavailable(f"{self.place} takes no more requests for now.", error.retry_after_s) from None
        except UnexpectedResponse as error:
            if error.status_code in (401, 403):
                raise ConfigurationError(
                    f"{self.place} refuses the key ({error.status_code}); set the variable that api_key_env of store "
                    "in config/retrieval.yaml names."
                ) from None
            raise StoreUnavailable(f"{self.place} answers with {error.status_code} ({_said(error)}).") from None
        except (ResponseHandlingException, json.JSONDecodeError) as error:
            cause = error.source if isinstance(error, ResponseHandlingException) else error
            reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
            raise StoreUnavailable(
                f"{self.place} cannot be reached or gives no such answer as Qdrant ({reason}); see that it runs, and "
                "that url and timeout_seconds of store in config/retrieval.yaml are right."
            ) from None


def _said(error: UnexpectedResponse) -> str:
    try:
        return str(json.loads(error.content)["status"]["error"])[:300]
    except (ValueError, TypeError, KeyError):
        return error.reason_phrase or "no reason given"


def _seen_by(view: View) -> models.Filter:
    """What the engine is told about the caller, and about the metadata that are asked for."""
    names = models.MatchAny(any=list(view.names))
    asked = [
        models.Filter(
            should=[
                models.FieldCondition(key=f'metadata."{name}"', match=models.MatchValue(value=value))
                for value in values
            ]
        )
        for name, values in view.where.items()
    ]
    return models.Filter(
        must=[models.FieldCondition(key="allow", match=names), *asked],
        must_not=[models.FieldCondition(key="deny", match=names)],
    )


def _with(keys: Iterable[uuid.UUID]) -> models.HasIdCondition:
    return models.HasIdCondition(has_id=[str(key) for key in keys])


def _of(source: str) -> models.FieldCondition:
    return models.FieldCondition(key="source", match=models.MatchValue(value=source))


def _scores(points: Iterable[Any]) -> dict[uuid.UUID, float]:
    return {uuid.UUID(str(point.id)): float(point.score) for point in points}


def _point(record: Any) -> Point:
    words, dense = record.vector["bm25"], record.vector.get("dense", ())
    return Point.of(record.payload, dict(zip(words.indices, words.values, strict=True)), dense)
