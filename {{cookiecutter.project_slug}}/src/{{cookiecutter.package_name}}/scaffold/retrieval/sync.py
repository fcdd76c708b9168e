"""Bringing an index in line with its sources: what differs is read, the rest is left alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from sqlalchemy import Engine

from ..errors import DocumentError, SourceError
from ..governance.principal import Rule
from .connectors import Connector, Entry, Source, prefix_of
from .documents import Raw
from .manifest import Manifest, Pending, Row, SourceState
from .processing import Pool
from .quarantine import release, reviewed, set_aside, settle
from .ready import Ready, ready
from .report import NAMED, SyncReport
from .rights import Rights
from .settings import RetrievalFile
from .stores import Store

BATCH_PASSAGES = 256
"""Passages that are embedded at a time."""
COMMIT_PASSAGES = 2048
"""Passages after which the index is written through to the disk and the manifest says so."""
LISTED = 500
"""Entries of a listing that are looked at together."""
READ_BYTES, READ_DOCUMENTS = 4_000_000, 32
"""Documents that are processed together: at most this many, and no more once there are this many bytes."""

Connected = Mapping[str, tuple[Source, Connector]]
"""Sources by name, with what reads them."""


class Sync:
    """One run. Order is what makes it safe to be cut off: see ``run``."""

    def __init__(
        self,
        store: Store,
        index: int,
        state: Engine,
        sources: Connected,
        settings: RetrievalFile,
        rules: Callable[[], Sequence[Rule]],
        progress: Callable[[str], None],
    ) -> None:
        """``index``: the version's id; ``rules``: as they are now, which may change while this goes on.

        ``progress`` gets a line for each document that something happens to.
        """
        self._store, self._state, self._sources, self._progress = store, state, sources, progress
        self._settings, self._manifest = settings, Manifest(state, index)
        self._rights = Rights(store, self._manifest, rules, self._seen_by_others)
        how = json.dumps([store.label, settings.chunking.model_dump()], sort_keys=True)
        self._how = hashlib.sha256(how.encode()).hexdigest()[:32]
        self._started = datetime.now(UTC)
        self._run = self._started.isoformat()
        self._report = SyncReport()
        self._failed: set[str] = set()
        self._noted: set[str] = set()
        self._gone: set[str] = set()
        self._added: dict[str, str] = {}

    def run(self, access_only: bool = False, dry: bool = False) -> SyncReport:
        """Shut out who may no longer see a document; list every source; then index what differs.

        Only the last step needs an embedding, so that a revocation holds even while its vendor is down, and
        ``access_only`` ends before it. Passages are written, under ids that follow from the document, before the row
        that says so, and a document that is to be read waits in the state database until that is done: whatever was
        cut off is done again next time. ``dry`` changes nothing and reports what would be.

        Raises ``DocumentError`` where documents are listed and not one can be read, ``SourceError`` where not one
        source can be listed.
        """
        self._report.dry = self._rights.dry = dry
        if not dry:
            self._reconcile()
        self._remove(self._rights.hold())
        for name in self._sources:
            self._list(name, access_only)
        if len(self._report.failed) == len(self._sources):
            raise SourceError(" ".join(self._report.failed.values()))
        self._sweep(lambda run: self._manifest.foreign(list(self._sources), run))
        if not access_only and not dry:
            self._read_in()
        self._end(access_only)
        return self._report

    def replay(self) -> SyncReport:
        """Look again at what was set aside, without asking a source, and index what fits its contract by now."""
        moved: list[tuple[str, str, str]] = []
        for name, (_, connector) in self._sources.items():
            if again := getattr(connector, "again", None):
                found = reviewed(self._state, name, again, partial(self._is_indexed, name))
                while some := list(islice(found, LISTED)):
                    moved += [(name, record, entry.id) for entry, record in some if entry.id != record]
                    self._look(name, connector, [entry for entry, _ in some], False)
        self._read_in()
        for name, record, now in moved:
            if self._is_indexed(name, now):
                release(self._state, name, [record])
        self._report.documents, self._report.chunks = self._manifest.counts()
        return self._report

    def _is_indexed(self, name: str, id_: str) -> bool:
        return bool(self._manifest.rows([prefix_of(name) + id_]))

    # Before anything is listed.

    def _reconcile(self) -> None:
        """Find what a crash left: documents half read, passages that no row knows, rows without their passages."""
        self._manifest.doubt()
        if self._manifest.counts()[1] == self._store.count():
            return
        stored = self._store.sources()
        doubtful = [row.source for row in self._manifest.all() if stored.pop(row.source, 0) != row.chunks]
        self._manifest.doubt(doubtful)
        for source in stored:
            self._store.remove(source)
            self._note("removed", source)

    def _follow_rules(self) -> None:
        """Bring all in line with rules that were changed meanwhile: a sync may take hours, a revocation may not."""
        if self._rights.outdated():
            self._remove(self._rights.hold())

    # Listing.

    def _list(self, name: str, access_only: bool) -> None:
        source, connector = self._sources[name]
        before = self._manifest.sources().get(name)
        due = self._due(source, before)
        since = None if access_only or due else self._since(before)
        if since is None and not access_only and not self._report.dry:
            self._manifest.drop_waiting(name)
        error, upto = "", None
        try:
            listing = connector.entries(since)
            while some := list(islice(listing, LISTED)):
                self._look(name, connector, some, access_only, due)
            upto = connector.cursor()
        except SourceError as failure:
            error = self._report.failed[name] = str(failure)
            self._progress(f"failed   {name}: {failure}")
        finally:  # whatever ended the listing: a revocation that was seen holds
            self._rights.write()
        if since is None and not error:
            self._sweep(lambda run: self._manifest.unseen(name, run))
            if not self._report.dry:
                settle(self._state, name, self._run)
        if not access_only and not self._report.dry:
            whole = self._run if due and not error else before and before.full_at
            complete = before.complete_at if before else None
            cursor = before.cursor if error and before else json.dumps([self._how, upto])
            self._manifest.source_read(SourceState(name, cursor, self._run, complete, whole or None, error or None))

    def _due(self, source: Source, before: SourceState | None) -> bool:
        """Whether neither a listing of changes nor stamps are relied on this time."""
        if before is None or before.cursor is None or before.full_at is None:
            return True
        age = self._started - datetime.fromisoformat(before.full_at)
        changed = json.loads(before.cursor)[0] != self._how
        return changed or not timedelta(0) <= age < timedelta(hours=source.full_every_hours)

    def _since(self, before: SourceState | None) -> str | None:
        """Where the listing of changes starts; None where all has to be listed."""
        cursor = json.loads(before.cursor)[1] if before and before.cursor else None
        return str(cursor) if cursor is not None else None

    def _look(
        self, name: str, connector: Connector, entries: Sequence[Entry], access_only: bool, thorough: bool = False
    ) -> None:
        """Decide what becomes of each entry; where ``thorough``, stamps are not relied on."""
        prefix = prefix_of(name)
        rows = self._manifest.rows([prefix + entry.id for entry in entries])
        saw: list[str] = []
        gone: list[str] = []
        wait: dict[str, Pending] = {}
        stamped: list[Row] = []
        broken: list[Entry] = []
        fine: list[str] = []
        for entry in entries:
            source = prefix + entry.id
            row = rows.get(source)
            if entry.deleted:
                gone += [source] if row else []
                fine.append(entry.id)
                continue
            saw.append(source)
            if entry.problem and entry.payload:
                self._note("quarantined", (source, entry.problem), "aside")
                broken.append(entry)
                # Without lists that could be read, those that it came with stay: a rule alone might show it to more.
                if row and entry.access and (access := self._rights.of(source, entry.access)):
                    self._rights.give(row, entry.access, access)
                continue
            if not prefix and (other := entry.id.partition("/")[0]) in self._sources and other != entry.id:
                taken = f"{entry.id}: its folder has the name of the source {other}; rename one of them."
                self._skip(source, taken, row if row and row.origin == name else None)
                continue
            if entry.problem:
                self._skip(source, f"{prefix}{entry.problem}", row)
                continue
            if row is None or not self._rights.holds(row, entry.access):
                access = self._rights.of(source, entry.access)
                if access is None:
                    self._report.note("unnamed", source)
                    gone += [source] if row else []
                    continue
                row = self._rights.give(row, entry.access, access) if row else None
            if access_only:
                continue
            try:
                version, sha256 = self._content(entry, connector, row, thorough)
            except DocumentError as error:
                self._skip(source, f"{prefix}{error}", row)
                continue
            same = row and (row.sha256 == sha256 if sha256 else row.version == version)
            if row and same and row.version and row.how == self._how:
                if row.version != version:
                    stamped.append(replace(row, version=version))
                self._report.unchanged += source not in self._noted
                fine.append(entry.id)
                continue
            if row is None and sha256 and len(self._added) < NAMED:
                self._added[sha256] = source
            wait[source] = Pending(source, name, replace(entry, version=version))
            if self._report.dry and source not in self._noted:
                self._note("changed" if row else "added", source)
        self._rights.write()
        self._manifest.saw(saw, self._run)
        self._remove(gone)
        if not self._report.dry:
            set_aside(self._state, name, broken, self._run)
            release(self._state, name, fine)
            self._manifest.stamped(stamped)
            self._manifest.wait(list(wait.values()))

    def _content(self, entry: Entry, connector: Connector, row: Row | None, thorough: bool) -> tuple[str, str]:
        """What tells this content from another, and the SHA-256 of its bytes where they had to be read for that."""
        if entry.version is not None:
            return entry.version[:200], ""
        if row and row.version == entry.stamp and not thorough:
            return row.version, ""
        raw = connector.read(entry)
        sha256 = raw.sha256 or hashlib.sha256(raw.data).hexdigest()
        return entry.stamp or sha256, sha256

    def _seen_by_others(self, source: str) -> None:
        if source not in self._noted:
            self._noted.add(source)
            self._note("changed", source, "access")

    def _skip(self, source: str, reason: str, row: Row | None) -> None:
        self._report.note("skipped", (source, reason))
        self._progress(f"skipped  {reason}")
        if row:
            self._failed.add(source)

    # Reading.

    def _read_in(self) -> None:
        """Index everything that waits."""
        batch: list[Ready] = []
        with Pool(self._settings) as pool:
            for name, (_, connector) in self._sources.items():
                waiting: dict[str, Pending] = {}
                for some in pool.run(self._batches(name, connector, waiting)):
                    for processed in some:
                        taken = waiting.pop(processed.source)
                        access = self._rights.of(taken.source, taken.entry.access)  # by the rules of now
                        if processed.problem:
                            self._drop(taken, processed.problem)
                        elif access is None:
                            self._report.note("unnamed", taken.source)
                            self._manifest.removed([taken.source])
                        else:
                            batch.append(ready(taken, access, processed, self._how))
                    if sum(len(each.passages) for each in batch) >= COMMIT_PASSAGES:
                        self._write(batch)
                        batch = []
        self._write(batch)

    def _batches(self, name: str, connector: Connector, waiting: dict[str, Pending]) -> Iterator[list[Raw]]:
        """What waits of a source, read, some at a time; ``waiting`` gets each before it is handed out."""
        batch: list[Raw] = []
        size = 0
        try:
            for each in self._manifest.waiting(name):
                try:
                    raw = replace(connector.read(each.entry), source=each.source)
                except DocumentError as error:
                    self._drop(each, f"{prefix_of(name)}{error}")
                    continue
                waiting[each.source] = each
                batch.append(raw)
                size += len(raw.data)
                if size >= READ_BYTES or len(batch) >= READ_DOCUMENTS:
                    yield batch
                    batch, size = [], 0
        except SourceError as error:  # the rest waits until the next sync
            self._report.failed[name] = str(error)
            self._progress(f"failed   {name}: {error}")
        if batch:
            yield batch

    def _drop(self, taken: Pending, reason: str) -> None:
        """What was listed cannot be read."""
        row = self._manifest.rows([taken.source]).get(taken.source)
        self._skip(taken.source, reason, row)
        if row is None:
            self._manifest.removed([taken.source])

    def _write(self, batch: Sequence[Ready]) -> None:
        if not batch:
            return
        passages = [passage for each in batch for passage in each.passages]
        for start in range(0, len(passages), BATCH_PASSAGES):
            self._store.add_documents(passages[start : start + BATCH_PASSAGES])
        rows = [each.row for each in batch]
        known = self._manifest.rows([row.source for row in rows])
        for each in batch:
            if each.row.source in known:
                self._store.remove(each.row.source, but=[str(passage.id) for passage in each.passages])
        self._store.flush()
        self._manifest.indexed(rows, self._run)
        for name in {row.origin for row in rows}:
            mine = [row.source.removeprefix(prefix_of(name)) for row in rows if row.origin == name]
            release(self._state, name, mine)
        for row in rows:
            if row.source not in self._noted:
                self._note("changed" if row.source in known else "added", row.source, "indexed", row.chunks)
        self._follow_rules()

    # Removing.

    def _sweep(self, unseen: Callable[[str], list[str]]) -> None:
        """Remove what ``unseen`` finds that this run did not see, until it finds nothing more."""
        while names := unseen(self._run):
            if self._report.dry:
                self._manifest.saw(names, self._run)
            self._remove(names)

    def _remove(self, names: Iterable[str]) -> None:
        rows = self._manifest.rows(list(names))
        for source, row in rows.items():
            if not self._report.dry:
                self._store.remove(source)
            elif source in self._gone:  # nothing is removed, so that it comes up again
                continue
            else:
                self._gone.add(source)
            if new := self._added.get(row.sha256):
                self._report.note("renamed", (source, new))
            self._note("removed", source)
        if not self._report.dry:
            self._manifest.removed(list(rows))

    def _end(self, access_only: bool) -> None:
        report, skipped = self._report, self._report.skipped
        documents, _ = self._manifest.counts()
        if skipped and documents <= len(self._failed) and not report.counts["added"]:
            raise DocumentError(
                f"Not one of {report.counts['skipped']} documents can be read; the first: {skipped[0][1]}"
            )
        if not report.dry:
            self._remove(sorted(self._failed))
            if not access_only:
                for origin, state in self._manifest.sources().items():
                    if origin in self._sources and origin not in report.failed:
                        self._manifest.source_read(replace(state, complete_at=self._run))
        report.documents, report.chunks = self._manifest.counts()

    def _note(self, kind: str, what: object, did: str = "", passages: int | None = None) -> None:
        self._report.note(kind, what)
        name, reason = what if isinstance(what, tuple) else (what, "")
        more = f" ({passages} passages)" if passages is not None else f": {reason}" if reason else ""
        self._progress(f"{did or kind:<8} {name}{more}")
