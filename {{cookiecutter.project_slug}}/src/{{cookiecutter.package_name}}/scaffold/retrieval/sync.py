"""Bringing the index in line with the documents: what differs is read, the rest is left alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from langchain_core.documents import Document as Stored
from sqlalchemy import Engine, delete, insert, select, update

from ..errors import DocumentError
from ..governance.principal import Rule
from ..state import documents as table
from .access import Access, access_of
from .documents import Raw, find, read_bytes
from .processing import Processed, process_batch
from .settings import RetrievalFile
from .stores import EdgeVectorStore

BATCH_PASSAGES = 256
"""Passages that are embedded and committed at a time."""


@dataclass
class SyncReport:
    """What a sync did. Sources are paths below ``data/documents``."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Content, access or indexing settings differ from last time."""
    removed: list[str] = field(default_factory=list)
    """Gone, no longer named by a rule, or no longer readable."""
    unchanged: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Source and reason: files that cannot be read as documents. They are not in the index."""
    unnamed: list[str] = field(default_factory=list)
    """No rule of ``data/access.yaml`` names them, so nobody may see them. They are not in the index."""
    documents: int = 0
    """In the index afterwards."""
    chunks: int = 0
    """Passages in the index afterwards."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)

    def summary(self) -> str:
        """For people."""
        lines = [
            f"{self.documents} documents, {self.chunks} passages: {len(self.added)} added, "
            f"{len(self.changed)} changed, {len(self.removed)} removed, {self.unchanged} unchanged."
        ]
        if self.skipped:
            lines += [f"{len(self.skipped)} skipped:", *(f"  {reason}" for _, reason in self.skipped)]
        if self.unnamed:
            lines += [f"{len(self.unnamed)} seen by nobody, because no rule in data/access.yaml names them:"]
            lines += [f"  {source}" for source in self.unnamed]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Row:
    """What the state database says about a document. ``settings`` is two digests: how it is indexed, who may see it."""

    sha256: str
    settings: str
    chunks: int


@dataclass(frozen=True)
class _Ready:
    """A document that is to be indexed, in passages."""

    document: Processed
    settings: str
    passages: list[Stored]


class Sync:
    """One run. Order is what makes it safe to be cut off: see ``run``."""

    def __init__(
        self,
        store: EdgeVectorStore,
        state: Engine,
        folder: Path,
        settings: RetrievalFile,
        rules: Sequence[Rule],
        progress: Callable[[str], None],
    ) -> None:
        """Look at what is indexed; ``progress`` gets a line for each document that something happens to."""
        self._store, self._state, self._folder, self._progress = store, state, folder, progress
        self._settings, self._rules = settings, rules
        self._how = _digest([store.label, settings.chunking.model_dump()])
        self._report = SyncReport()
        with state.connect() as connection:
            columns = (table.c.source, table.c.sha256, table.c.settings_sha256, table.c.chunks)
            self._rows = {source: _Row(*rest) for source, *rest in connection.execute(select(*columns))}
        self._stored = store.sources()

    def run(self) -> SyncReport:
        """Shut out who may no longer see a document; index what differs; drop what can no longer be read.

        The first step needs no embedding, so that a revocation holds even while the embedding's vendor is down. Within
        each step passages are written, under ids that follow from the document, before the row that says so; and a row
        counts only where the index holds as many passages as it says. Whatever was cut off is done again next time.
        """
        wanted = self._look_for()
        known, skipped = self._rows.keys() | self._stored.keys(), self._report.skipped
        self._remove(sorted(known - wanted.keys() - {source for source, _ in skipped}))
        for source, access in wanted.items():
            self._restrict(source, access)
        batch: list[_Ready] = []
        for source, access in wanted.items():
            if ready := self._read(source, access):
                batch.append(ready)
            if sum(len(each.passages) for each in batch) >= BATCH_PASSAGES:
                self._write(batch)
                batch = []
        self._write(batch)
        done, kept = self._report, self._store.sources()
        failed = {source for source, _ in skipped}
        if skipped and not kept.keys() - failed:
            raise DocumentError(
                f"Not one of {len(skipped)} documents in {self._folder} can be read; the first: {skipped[0][1]}"
            )
        self._remove(sorted(failed & known))
        kept = {source: passages for source, passages in kept.items() if source not in failed}
        done.documents, done.chunks = len(kept), sum(kept.values())
        return done

    def _look_for(self) -> dict[str, Access]:
        """Sources that somebody may see, with their access; the others go into the report."""
        wanted = {}
        for source, error in find(self._folder):
            access = access_of(source, self._rules)
            if error:
                self._skip(source, error)
            elif access is None:
                self._report.unnamed.append(source)
            else:
                wanted[source] = access
        return wanted

    def _restrict(self, source: str, access: Access) -> None:
        row = self._rows.get(source)
        if row is None or not self._stored.get(source) or row.settings.endswith(_digest(asdict(access))):
            return
        self._store.restrict(source, access.allow, access.deny)
        changed = _Row(row.sha256, row.settings[:32] + _digest(asdict(access)), row.chunks)
        with self._state.begin() as connection:
            mine = update(table).where(table.c.source == source)
            connection.execute(mine.values(settings_sha256=changed.settings))
        self._rows[source] = changed
        self._report.changed.append(source)
        self._progress(f"access   {source}")

    def _read(self, source: str, access: Access) -> _Ready | None:
        """The document, if it differs from what is indexed."""
        try:
            data, sha256 = read_bytes(self._folder, source, int(self._settings.max_megabytes * 1_000_000))
            row, settings = self._rows.get(source), self._how + _digest(asdict(access))
            if row and (row.sha256, row.settings, row.chunks) == (sha256, settings, self._stored.get(source)):
                self._report.unchanged += source not in self._report.changed
                return None
            raw = Raw(source, data, PurePosixPath(source).suffix.lower())
            [document] = process_batch([raw], self._settings)
            if document.problem:
                raise DocumentError(document.problem)
        except DocumentError as error:
            self._skip(source, error)
            return None
        return _Ready(document, settings, self._passages(document, access))

    def _passages(self, document: Processed, access: Access) -> list[Stored]:
        return [
            Stored(
                id=f"{document.source}#{chunk.number}",
                page_content=chunk.text,
                metadata={
                    "source": document.source,
                    "title": document.title,
                    "section": chunk.section,
                    "chunk": chunk.number,
                    "updated": document.updated,
                    "status": document.status,
                    "language": document.language,
                    "sha256": document.sha256,
                    "allow": access.allow,
                    "deny": access.deny,
                },
            )
            for chunk in document.chunks
        ]

    def _write(self, batch: Sequence[_Ready]) -> None:
        passages = [passage for ready in batch for passage in ready.passages]
        for start in range(0, len(passages), BATCH_PASSAGES):  # one document may fill many batches
            self._store.add_documents(passages[start : start + BATCH_PASSAGES])
        for ready in batch:
            if self._stored.get(ready.document.source):
                self._store.remove(ready.document.source, but=[str(passage.id) for passage in ready.passages])
        self._store.flush()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._state.begin() as connection:
            for ready in batch:
                document = ready.document
                values = {
                    "sha256": document.sha256,
                    "settings_sha256": ready.settings,
                    "chunks": len(ready.passages),
                    "updated": document.updated,
                    "indexed_at": now,
                }
                known = connection.execute(update(table).where(table.c.source == document.source).values(values))
                if not known.rowcount:
                    connection.execute(insert(table).values(source=document.source, **values))
        for ready in batch:
            source = ready.document.source
            into = self._report.changed if source in self._rows else self._report.added
            if source not in into:
                into.append(source)
            self._progress(f"indexed  {source} ({len(ready.passages)} passages)")

    def _remove(self, sources: Iterable[str]) -> None:
        for source in sources:
            self._store.remove(source)
            with self._state.begin() as connection:
                connection.execute(delete(table).where(table.c.source == source))
            self._report.removed.append(source)
            self._progress(f"removed  {source}")

    def _skip(self, source: str, error: DocumentError) -> None:
        self._report.skipped.append((source, str(error)))
        self._progress(f"skipped  {error}")


def _digest(value: object) -> str:
    """128 bits of SHA-256: two of these fill ``documents.settings_sha256``."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
