"""The index of the project's documents: brought in line with the folder, and searched for a caller."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from langchain_core.embeddings import Embeddings
from sqlalchemy import Engine, func, select

from ..config import Settings, load_yaml
from ..errors import ConfigurationError
from ..governance.principal import AccessFile, Directory, Principal
from ..live import LastGood, Live
from ..observability import Telemetry
from ..observability.names import INDEXED_DOCUMENTS, PASSAGES, RETRIEVAL_SECONDS
from ..state import documents as table
from .settings import RetrievalFile
from .stores import Analyser, EdgeVectorStore, Hit
from .sync import Sync, SyncReport


@dataclass(frozen=True)
class Passage:
    """A passage that the caller may see."""

    text: str
    """Word for word as in the document."""
    source: str
    """The document's path below ``data/documents``."""
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


PAYLOAD = ("source", "title", "updated", "sha256", "chunk", "section", "language", "status")
"""What is stored with a passage under the same name."""


class Index:
    """Documents below ``data/documents``, searchable by those whom ``data/access.yaml`` lets see them."""

    def __init__(
        self,
        settings: Settings,
        state: Engine,
        embeddings: Embeddings,
        telemetry: Telemetry,
        live: Live | None = None,
    ) -> None:
        """See ``open``."""
        live = live or Live()
        self._folder, self._state, self._telemetry = settings.path("data", "documents"), state, telemetry
        self._path, self._embeddings = settings.var / "index", embeddings
        self._file, self._access_file = settings.path("config", "retrieval.yaml"), settings.path("data", "access.yaml")
        self._settings = LastGood(
            lambda: [self._file], lambda: load_yaml(self._file, RetrievalFile), "config/retrieval.yaml", live.apart()
        )
        self._access = LastGood(
            lambda: [self._access_file],
            lambda: load_yaml(self._access_file, AccessFile),
            "data/access.yaml",
            live.apart(),
        )
        self._opened: EdgeVectorStore | None = None
        self._syncing, self._switch = threading.Lock(), threading.Lock()

    @classmethod
    def open(
        cls,
        settings: Settings,
        state: Engine,
        embeddings: Embeddings,
        telemetry: Telemetry,
        live: Live | None = None,
    ) -> Self:
        """The index in ``var/index``. Nothing is made or locked before the first search or sync.

        Raises ``ConfigurationError`` where ``config/retrieval.yaml`` or ``data/access.yaml`` is missing or wrong.
        """
        return cls(settings, state, embeddings, telemetry, live)

    @property
    def directory(self) -> Directory:
        """The callers of ``data/access.yaml``, as of now; a file with a mistake leaves the last good one."""
        return Directory(self._access.get().callers)

    @property
    def error(self) -> str | None:
        """Why ``config/retrieval.yaml`` or ``data/access.yaml`` was not reloaded; None where all is well."""
        return self._settings.error or self._access.error

    def search(self, query: str, caller: Principal, k: int | None = None) -> list[Passage]:
        """The ``k`` best passages that ``caller`` may see, best first; ``k`` is ``retrieval.yaml``'s where None.

        Raises ``ConfigurationError`` where another process keeps the index, or it was built with another embedding.
        """
        settings = self._settings.get()
        started = time.perf_counter()
        with self._telemetry.span("retrieval") as span:
            hits = self._store(settings).hits(query, caller, k or settings.passages, settings.words_weight)
            if not hits and not self._path.exists() and self.documents():
                raise ConfigurationError(f"The index in {self._path} is gone; run 'ingest' to make it anew.")
            span.set_attribute("app.retrieval.passages", len(hits))
            span.set_attribute("app.retrieval.documents", len({hit.document.metadata["source"] for hit in hits}))
        self._telemetry.observe(RETRIEVAL_SECONDS, time.perf_counter() - started)
        self._telemetry.count(PASSAGES, len(hits))
        return [_passage(hit) for hit in hits]

    def documents(self) -> int:
        """How many documents are indexed, whichever process indexed them."""
        with self._state.connect() as connection:
            count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        self._telemetry.observe(INDEXED_DOCUMENTS, count)
        return count

    def missing(self) -> list[str]:
        """Documents that should be indexed and are not found in the index, which ``sync`` mends.

        Raises ``ConfigurationError`` where the index cannot be opened.
        """
        with self._state.connect() as connection:
            rows = connection.execute(select(table.c.source, table.c.chunks)).all()
        held = self._store(self._settings.get()).sources()
        return sorted(row.source for row in rows if held.get(row.source, 0) != row.chunks)

    def digest(self) -> str:
        """SHA-256 that names what is indexed: each document's source, bytes, access and indexing settings."""
        with self._state.connect() as connection:
            rows = connection.execute(select(table.c.source, table.c.sha256, table.c.settings_sha256)).all()
        # Sorted here, because databases sort text by different rules.
        return hashlib.sha256(json.dumps(sorted(list(row) for row in rows)).encode()).hexdigest()

    def close(self) -> None:
        """Let go of the index, so that another process can have it; the next use opens it again."""
        with self._switch:
            if self._opened:
                self._opened.close()

    def _store(self, settings: RetrievalFile) -> EdgeVectorStore:
        with self._switch:
            if self._opened is None or self._opened.analyser.languages != list(settings.languages):
                if self._opened:
                    self._opened.close()
                self._opened = EdgeVectorStore(self._path, self._embeddings, Analyser(settings.languages))
            return self._opened

    def sync(self, progress: Callable[[str], None] | None = None) -> SyncReport:
        """Bring the index in line with the folder: only what differs is read into it. ``progress`` gets a line each.

        A sync that was cut off anywhere is mended by the next one.

        Raises ``DocumentError`` where not one document can be read, ``ConfigurationError`` where a file is wrong, the
        folder is missing or another process keeps the index.
        """
        if not self._folder.is_dir():
            raise ConfigurationError(f"There is no folder {self._folder}; make it and put documents there.")
        settings, rules = load_yaml(self._file, RetrievalFile), load_yaml(self._access_file, AccessFile).rules
        with self._syncing, self._telemetry.span("sync") as span:
            store = self._store(settings)
            store.renew()
            with store.hold():
                run = Sync(store, self._state, self._folder, settings, rules, progress or (lambda line: None))
                report = run.run()
            for name in ("added", "changed", "removed", "skipped"):
                span.set_attribute(f"app.sync.{name}", len(getattr(report, name)))
        return report


def _passage(hit: Hit) -> Passage:
    metadata = hit.document.metadata
    return Passage(
        text=hit.document.page_content,
        score=hit.score,
        lexical=hit.lexical,
        bm25=hit.bm25,
        cosine=hit.cosine,
        **{name: metadata[name] for name in PAYLOAD},
    )
