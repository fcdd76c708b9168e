"""PostgreSQL with pgvector as vector store: the same filters and the same ranking as the embedded one.

The SQL is our own. langchain-postgres (0.0.17) filters a field by values, but knows no overlap of two lists, which
access lists need; it ranks words by ``ts_rank_cd``, which counts no rarity, where BM25 is to count it over what the
caller may see; and it leaves iterative scans off, so that a narrow filter returns too little. Here words are an
inverted index in a table of their own, as in Mühleisen, Samar, Lin and de Vries (2014, doi:10.1145/2600428.2609460).
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from langchain_core.embeddings import Embeddings
from pgvector.sqlalchemy import HALFVEC, VECTOR
from sqlalchemy import (
    REAL,
    UUID,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    create_engine,
    delete,
    false,
    func,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, ProgrammingError

from ...errors import ConfigurationError, StoreUnavailable
from ...governance.principal import Principal
from .analysis import Analyser, idf
from .point import Built, Matches, Point, View, key_of, listed
from .port import BATCH, NOTHING, Store

EXACT_BELOW = 5_000
"""A view of fewer passages is searched one by one, which takes milliseconds and misses nothing; so is every view as
long as there are not more passages at all: then there is no HNSW index."""

SCAN = {
    "hnsw.iterative_scan": "relaxed_order",  # goes on where the filter let too few through; we order them anyway
    "hnsw.max_scan_tuples": "2147483647",  # and never gives up
    "hnsw.scan_mem_multiplier": "1000",
    "enable_sort": "off",  # the planner does not know what it costs to read vectors, and would sort all of them
}
"""How the HNSW index is searched (pgvector's README, "Iterative Index Scans")."""

HNSW_MAX = {2000: VECTOR, 4000: HALFVEC}
"""Most numbers that an HNSW index takes, and as what; longer vectors are searched one by one."""


class PostgresStore(Store):
    """A store in two tables, which the first write makes. Any number of processes."""

    def __init__(
        self, url: str, table: str, embeddings: Embeddings, analyser: Analyser, caller: Principal | None = None
    ) -> None:
        """``url``: as SQLAlchemy writes it, the driver is psycopg. Nothing is connected to yet."""
        super().__init__(embeddings, analyser, caller)
        try:
            address = make_url(url)
            self._engine = create_engine(
                address.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                connect_args={"connect_timeout": 10},
            )
        except (ArgumentError, ValueError):  # whose messages may hold the password
            raise ConfigurationError(
                "The address of PostgreSQL is none; write postgresql://user:password@host:5432/database."
            ) from None
        self.place = f"The table {table} of PostgreSQL at {address.host or 'its socket'}/{address.database}"
        self._passages, self._words = _tables(table)

    def built(self) -> Built | None:
        """What the index was built with; None where there is none yet."""
        with self._begin() as connection:
            return self._built(connection)

    def points(self, after: str | None = None) -> Iterator[Point]:
        """All passages, in the order of their keys, as they were at one moment."""
        p = self._passages
        asked = self._whole(dense=True).order_by(p.c.key)
        if after is not None:
            asked = asked.where(p.c.key > key_of(after))
        with self._begin() as connection:
            if self._built(connection):
                for row in connection.execution_options(yield_per=BATCH).execute(asked):
                    yield _point(row)

    def count(self) -> int:
        """How many passages there are."""
        with self._begin() as connection:
            if not self._built(connection):
                return 0
            return connection.execute(select(func.count()).select_from(self._passages)).scalar_one()

    def sources(self) -> dict[str, int]:
        """How many passages each source has."""
        source = self._passages.c.source
        with self._begin() as connection:
            if not self._built(connection):
                return {}
            return dict(connection.execute(select(source, func.count()).group_by(source)).tuples().all())

    def remove(self, source: str, but: Iterable[str] = ()) -> None:
        """Remove all passages of ``source``, except those with the ids ``but``."""
        p, kept = self._passages, [key_of(name) for name in but]
        self._change(self._gone(p.c.source == source, p.c.key.not_in(kept)))

    def restrict(self, source: str, allow: Sequence[str], deny: Sequence[str]) -> None:
        """Give all passages of ``source`` these access lists."""
        p = self._passages
        self._change(update(p).where(p.c.source == source).values(allow=listed(allow), deny=listed(deny)))

    def flush(self) -> None:
        """Make the HNSW index once it pays. Searches go on meanwhile, writes wait."""
        with self._begin() as connection:
            built = self._built(connection)
            index = _hnsw(self._passages, built.dimensions) if built else None
            count = select(func.count()).select_from(self._passages)
            if index is not None and connection.execute(count).scalar_one() > EXACT_BELOW:
                index.create(connection, checkfirst=True)

    def drop(self) -> None:
        """Delete the tables."""
        with self._begin() as connection:
            if self._built(connection):
                self._passages.metadata.drop_all(connection)

    def close(self) -> None:
        """Let go of all connections; the next use opens one again."""
        self._engine.dispose()

    def _match(self, view: View, tokens: list[int], vector: list[float], limit: int) -> Matches:
        with self._begin() as connection:
            if not self._built(connection):
                return NOTHING
            _set(connection, {"jit": "off", "work_mem": "64MB"})  # compiling takes longer than searching
            rows = connection.execute(self._by_words(view, tokens, limit)).all()
            passages = next(int(row.value) for row in rows if row.token is None and row.key is None)
            nearest = self._by_vector(view, vector, limit, exact=passages <= EXACT_BELOW)
            _set(connection, {**SCAN, "hnsw.ef_search": str(max(40, min(2 * limit, 1000)))})
            near = connection.execute(nearest).tuples().all()
        return Matches(
            by_words={row.key: float(row.value) for row in rows if row.key is not None},
            by_vector={
                key: 0.0 if math.isnan(cosine) else float(cosine) for key, cosine in near
            },  # no length, no angle
            rare={row.token: idf(passages, int(row.value)) for row in rows if row.token is not None},
            passages=lambda: passages,
        )

    def _by_words(self, view: View, tokens: list[int], limit: int) -> Any:
        """One statement, so that all is of one moment: how many passages there are, how many hold a token, scores."""
        p, w = self._passages, self._words
        seen = select(p.c.key).where(_seen_by(p, view)).cte("seen")
        found = (
            select(w.c.token, w.c.passage, w.c.weight)
            .join(seen, seen.c.key == w.c.passage)
            .where(w.c.token == func.any(bindparam("tokens", tokens, ARRAY(BigInteger))))
            .cte("found")
        )
        total = select(func.count().cast(Float).label("passages")).select_from(seen).cte("total")
        holding = (
            select(found.c.token, func.count().cast(Float).label("passages")).group_by(found.c.token).cte("holding")
        )
        rare = func.ln(1 + (total.c.passages - holding.c.passages + 0.5) / (holding.c.passages + 0.5))
        score = cast(func.sum(found.c.weight * rare), REAL)  # shorter than it was summed: equals stay equals
        best = (
            select(null().cast(BigInteger).label("token"), found.c.passage.label("key"), score.label("value"))
            .join_from(found, holding, holding.c.token == found.c.token)
            .join(total, literal(True))
            .group_by(found.c.passage)
            .order_by(score.desc(), found.c.passage)
            .limit(limit)
        )
        nobody, nothing = null().cast(UUID).label("key"), null().cast(BigInteger).label("token")
        return union_all(
            select(nothing, nobody, total.c.passages.label("value")),
            select(holding.c.token, nobody, holding.c.passages.label("value")),
            best.subquery().select(),
        )

    def _by_vector(self, view: View, vector: list[float], limit: int, exact: bool) -> Any:
        p = self._passages
        cosine = (1 - p.c.dense.cosine_distance(vector)).label("cosine")
        if exact:
            seen = select(p.c.key, cosine).where(_seen_by(p, view)).subquery()
            # The sum keeps any index out: NaN, of a passage without a direction, comes last.
            return select(seen.c.key, seen.c.cosine).order_by((-seen.c.cosine) + 0, seen.c.key).limit(limit)
        kind = _indexed_as(len(vector)) or VECTOR
        distance = cast(p.c.dense, kind(len(vector))).cosine_distance(vector)
        return select(p.c.key, cosine).where(_seen_by(p, view)).order_by(distance).limit(limit)

    def _read(self, view: View, keys: Iterable[uuid.UUID], dense: bool = False) -> dict[uuid.UUID, Point]:
        asked = self._whole(dense).where(self._passages.c.key.in_(list(keys)), _seen_by(self._passages, view))
        with self._begin() as connection:
            rows = connection.execute(asked).all() if self._built(connection) else []
        return {row.key: _point(row) for row in rows}

    def _write(self, built: Built, points: Sequence[Point]) -> None:
        p, w = self._passages, self._words
        points = sorted(points, key=lambda point: key_of(point.id))  # two writers lock in one order
        rows = [{"key": key_of(point.id), **point.payload, "dense": list(point.dense)} for point in points]
        put = insert(p)
        put = put.on_conflict_do_update(index_elements=[p.c.key], set_={c.name: put.excluded[c.name] for c in p.c})
        tokens = [(token, key_of(point.id), weight) for point in points for token, weight in point.words.items()]
        columns = [[token for token, _, _ in tokens], [key for _, key, _ in tokens], [float(t[2]) for t in tokens]]
        unnested = [
            func.unnest(bindparam(c.name, values, ARRAY(c.type))) for c, values in zip(w.c, columns, strict=True)
        ]
        with self._begin() as connection:
            if not self._built(connection):
                self._make(connection, built)
            connection.execute(put, rows)
            connection.execute(delete(w).where(w.c.passage.in_([row["key"] for row in rows])))
            connection.execute(insert(w).from_select(list(w.c), select(*unnested)))

    def _erase(self, keys: Sequence[uuid.UUID] | None) -> None:
        self._change(self._gone(true() if keys is None else self._passages.c.key.in_(keys)))

    def _gone(self, *which: ColumnElement[bool]) -> Any:
        """Words that outlive their passage, where another process writes it just then, are found by no one."""
        p, w = self._passages, self._words
        gone = delete(p).where(*which).returning(p.c.key).cte("gone")
        return delete(w).where(w.c.passage.in_(select(gone.c.key)))

    def _change(self, statement: Any) -> None:
        with self._begin() as connection:
            if self._built(connection):
                connection.execute(statement)

    def _whole(self, dense: bool) -> Any:
        p, w = self._passages, self._words
        words = select(
            func.array_agg(w.c.token, type_=ARRAY(BigInteger)).label("tokens"),
            func.array_agg(w.c.weight, type_=ARRAY(REAL)).label("weights"),
        )
        words_of = words.where(w.c.passage == p.c.key).lateral()
        columns = [column for column in p.c if dense or column is not p.c.dense]
        return select(*columns, words_of.c.tokens, words_of.c.weights).join_from(p, words_of, literal(True))

    def _built(self, connection: Connection) -> Built | None:
        name = func.to_regclass(self._engine.dialect.identifier_preparer.format_table(self._passages))
        there, about = connection.execute(select(name.is_not(None), func.obj_description(name, "pg_class"))).one()
        try:
            return Built(**json.loads(about)) if there else None
        except (TypeError, ValueError):
            raise ConfigurationError(
                f"{self.place} was not made by this project; set another prefix for store in config/retrieval.yaml."
            ) from None

    def _make(self, connection: Connection, built: Built) -> None:
        """The tables, unless another process made them at this moment."""
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(self._passages.name, 0))))
        version = select(text("extversion")).select_from(text("pg_extension")).where(text("extname = 'vector'"))
        if connection.execute(version).scalar() is None:
            connection.execute(text("CREATE EXTENSION vector"))
        if tuple(int(part) for part in str(connection.execute(version).scalar()).split(".")[:2]) < (0, 8):
            raise ConfigurationError(
                f"{self.place} has a pgvector older than 0.8, which cannot be filtered; update it."
            )
        if self._built(connection) is None:
            passages, _ = _tables(self._passages.name, built)
            passages.metadata.create_all(connection)
        elif self._built(connection) != built:
            self._fitting(built.dimensions)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction; what goes wrong in it becomes one sentence."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            if isinstance(error, ProgrammingError):
                raise ConfigurationError(f"{self.place} cannot be used as it is ({reason}).") from None
            raise StoreUnavailable(
                f"{self.place} cannot be reached or fails ({reason}); see that it runs, and that the variable that "
                "url_env of store in config/retrieval.yaml names holds its address."
            ) from None


def _set(connection: Connection, values: Mapping[str, str]) -> None:
    """For this transaction."""
    connection.execute(select(*(func.set_config(name, value, True) for name, value in values.items())))


def _tables(name: str, built: Built | None = None) -> tuple[Table, Table]:
    """Passages and their words. ``built`` is what they are made for, where they are to be made."""
    metadata = MetaData()
    passages = Table(
        name,
        metadata,
        Column("key", UUID, primary_key=True),
        Column("id", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("metadata", JSONB, nullable=False),
        Column("source", Text, nullable=False, index=True),
        Column("allow", ARRAY(Text), nullable=False),
        Column("deny", ARRAY(Text), nullable=False),
        Column("dense", VECTOR(built.dimensions if built else None), nullable=False),
        comment=json.dumps(asdict(built)) if built else None,
        postgresql_with={"toast_tuple_target": 128},  # texts elsewhere: access lists are read by the thousand
    )
    Index(f"ix_{name}_access", passages.c.allow, passages.c.deny, postgresql_using="gin")
    words = Table(
        f"{name}_words",
        metadata,
        Column("token", BigInteger, nullable=False),
        Column("passage", UUID, nullable=False, index=True),
        Column("weight", REAL, nullable=False),
    )
    Index(f"ix_{name}_words", words.c.token, words.c.passage, unique=True, postgresql_include=["weight"])
    return passages, words


def _indexed_as(dimensions: int) -> Any:
    return next((kind for most, kind in HNSW_MAX.items() if dimensions <= most), None)


def _hnsw(passages: Table, dimensions: int) -> Index | None:
    kind = _indexed_as(dimensions)
    if kind is None:
        return None
    operators = {VECTOR: "vector_cosine_ops", HALFVEC: "halfvec_cosine_ops"}[kind]
    vector = cast(passages.c.dense, kind(dimensions)).label("vector")
    return Index(f"ix_{passages.name}_dense", vector, postgresql_using="hnsw", postgresql_ops={"vector": operators})


def _seen_by(passages: Table, view: View) -> ColumnElement[bool]:
    """What the engine is told about the caller, and about the metadata that are asked for."""
    names = list(view.names)
    return and_(
        passages.c.allow.overlap(names),
        ~passages.c.deny.overlap(names),
        *(
            or_(false(), *(passages.c.metadata[name].contains(cast(value, JSONB)) for value in values))
            for name, values in view.where.items()
        ),
    )


def _point(row: Any) -> Point:
    words = zip(row.tokens or (), row.weights or (), strict=True)
    return Point.of(row._mapping, dict(words), list(getattr(row, "dense", ())))
