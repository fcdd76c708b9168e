"""The index of the project's documents: brought in line with the folder, and searched for a caller."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Self

from sqlalchemy import Engine

from ..config import Settings, load_yaml
from ..errors import ConfigurationError, ScaffoldError, SourceError, StoreUnavailable
from ..governance.principal import AccessFile, Directory, Principal
from ..live import LastGood, Live
from ..observability import Telemetry, current_call
from ..observability.names import (
    INDEXED_DOCUMENTS,
    LIVE_INDEX,
    PASSAGES,
    RETRIEVAL_SECONDS,
    SOURCE_AGE,
    SOURCE_OBJECTIVE,
)
from .access import effective, ruled
from .connectors import Connector, Source, connect, load_sources
from .embedders import Embedders, Following
from .freshness import Freshness, freshness
from .leases import Leases
from .manifest import Manifest
from .passages import Passage, passage_of
from .report import SyncReport
from .reranking import ranked_hits
from .settings import Edge, RetrievalFile
from .stores import Analyser, Hit, Store, open_store
from .stores.analysis import NAMES
from .stores.point import Where
from .stores.port import label
from .sync import Sync
from .versions import Plan, Version, Versions

log = logging.getLogger(__name__)

Progress = Callable[[str], None]

PATIENCE_SECONDS = 3600.0
"""How long an index that is filled waits for a sync of the live one to end: filling may have taken hours."""
FRESHNESS_SECONDS = 60.0
"""How often the sources are looked at for the metrics: a large folder takes a while."""


class Index:
    """The documents of all sources, searchable by those who may see them; one index is live, others may stand by."""

    def __init__(
        self,
        settings: Settings,
        state: Engine,
        embedders: Embedders,
        telemetry: Telemetry,
        live: Live | None = None,
    ) -> None:
        """See ``open``."""
        live = live or Live()
        self._project, self._state, self._telemetry = settings, state, telemetry
        self._embedders, self.versions = embedders, Versions(state)
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
        self._stores: dict[int, Store] = {}
        self._switch, self.leases = threading.Lock(), Leases(state)
        self._measured = -FRESHNESS_SECONDS

    @classmethod
    def open(
        cls,
        settings: Settings,
        state: Engine,
        embedders: Embedders,
        telemetry: Telemetry,
        live: Live | None = None,
    ) -> Self:
        """The project's index. Nothing is made or locked before the first search or sync.

        Raises ``ConfigurationError`` where ``config/retrieval.yaml`` or ``data/access.yaml`` is missing or wrong.
        """
        return cls(settings, state, embedders, telemetry, live)

    @property
    def directory(self) -> Directory:
        """The callers of ``data/access.yaml``, as of now; a file with a mistake leaves the last good one."""
        return Directory(self._access.get().callers)

    @property
    def error(self) -> str | None:
        """Why ``config/retrieval.yaml`` or ``data/access.yaml`` was not reloaded; None where all is well."""
        return self._settings.error or self._access.error

    def search(
        self,
        query: str,
        caller: Principal,
        k: int | None = None,
        where: Where | None = None,
        version: Version | None = None,
    ) -> list[Passage]:
        """The ``k`` best passages that ``caller`` may see, best first; ``k`` is ``retrieval.yaml``'s where None.

        ``where``: names of ``PAYLOAD`` and the values that one may have, such as ``{"origin": ["crm"]}``.
        ``version`` is asked in place of the live index; to compare the two. What the live index gives without ``where``
        is kept in the current call's ``searched``, by query, caller and ``k``.

        Raises ``ConfigurationError`` where another process keeps the index, or its embedding is configured no longer.
        """
        settings = self._settings.get()
        wanted = k or settings.passages

        def ask(store: Store) -> list[Hit]:
            return ranked_hits(store, query, caller, wanted, settings, self._telemetry, where)

        started = time.perf_counter()
        with self._telemetry.span("retrieval") as span:
            hits = self._hits(ask, version)
            span.set_attribute("app.retrieval.passages", len(hits))
            span.set_attribute("app.retrieval.documents", len({hit.document.metadata["source"] for hit in hits}))
        self._telemetry.observe(RETRIEVAL_SECONDS, time.perf_counter() - started)
        self._telemetry.count(PASSAGES, len(hits))
        passages = [passage_of(hit) for hit in hits]
        if call := current_call.get():
            call.best("lexical", max((hit.lexical for hit in hits), default=0.0))
            call.best("cosine", max((hit.cosine for hit in hits), default=0.0))
            if where is None and version is None:
                call.searched[query, caller, wanted] = tuple(passages)  # whoever gets them may change the list
        return passages

    def language(self, question: str) -> str:
        """The language of a question, of all that ``stores.analysis`` knows; ``unknown`` where no stopword tells it."""
        return _every_language(*self._settings.get().languages).language(question) or "unknown"

    def visible(self, ids: Sequence[str], caller: Principal) -> list[Passage]:
        """Of the passages with these ids, those that ``caller`` may see now, as they read now, in the order of ``ids``.

        For whatever was found earlier: citations before they are released, and earlier ones that come back as context.
        They were not searched for, so their scores are 0. Raises as ``search`` does.
        """
        version = self.versions.live(now=True)
        if version is None or not ids:
            return []
        found = {document.id: document for document in self.store(version).get_by_ids(ids, caller)}
        return [passage_of(Hit(found[name], score=0, bm25=0, cosine=0, lexical=0)) for name in ids if name in found]

    @property
    def context_tokens(self) -> int:
        """How much of a prompt passages may take, by ``config/retrieval.yaml`` as of now."""
        return self._settings.get().context_tokens

    def _hits(self, ask: Callable[[Store], list[Hit]], version: Version | None) -> list[Hit]:
        asked = version or self.versions.live()
        if asked is None:
            return []
        try:
            hits = ask(self.store(asked))
            if not hits and not self.store(asked).count() and Manifest(self._state, asked.id).counts()[0]:
                raise ConfigurationError(f"{self.store(asked).place} is gone; run 'ingest' to make it anew.")
        except ScaffoldError:
            if not self._superseded(asked, version):
                raise
            return self._hits(ask, self.versions.live())
        if not hits and self._superseded(asked, version):
            return self._hits(ask, self.versions.live())
        return hits

    def _superseded(self, asked: Version, version: Version | None) -> bool:
        """Whether another process put another index in place of the one that was asked, and may have deleted it."""
        now = self.versions.live(now=True)
        return version is None and now is not None and now.id != asked.id

    def documents(self) -> int:
        """How many documents are indexed, whichever process indexed them."""
        version = self.versions.live()
        count = Manifest(self._state, version.id).counts()[0] if version else 0
        self._telemetry.observe(INDEXED_DOCUMENTS, count)
        self._telemetry.observe(LIVE_INDEX, version.id if version else 0)
        return count

    def unnamed(self) -> list[str]:
        """Indexed documents of which nobody says any longer who may see them; the next sync removes them."""
        version, of = self.versions.live(now=True), ruled(load_yaml(self._access_file, AccessFile).rules)
        rows = Manifest(self._state, version.id).all() if version else ()
        return [row.source for row in rows if effective(row.own_access, of(row.source)) is None]

    def missing(self) -> list[str]:
        """Documents that should be indexed and are not found in the index, which ``sync`` mends.

        Raises ``ConfigurationError`` where the index cannot be opened.
        """
        version = self.versions.live(now=True)
        if version is None:
            return []
        held = self.store(version).sources()
        rows = Manifest(self._state, version.id).all()
        return sorted(row.source for row in rows if held.get(row.source, 0) != row.chunks)

    def freshness(self) -> list[Freshness]:
        """How long the oldest change of each source has been waiting to be indexed."""
        version, rules = self.versions.live(now=True), self._access.get().rules
        manifest = Manifest(self._state, version.id if version else 0)
        with self.connected(self._settings.get()) as sources:
            found = freshness(sources, manifest, self._state, rules, datetime.now(UTC))
        for each in found:
            self._telemetry.observe(SOURCE_AGE, each.age * 3600, source=each.origin)
            self._telemetry.observe(SOURCE_OBJECTIVE, each.objective * 3600, source=each.origin)
        return found

    def measure(self) -> None:
        """Bring the gauges up to now; how fresh the sources are, at most once a minute."""
        self.documents()
        if time.monotonic() - self._measured >= FRESHNESS_SECONDS:
            self._measured = time.monotonic()
            try:
                self.freshness()
            except ScaffoldError as error:  # the gauges stay as they are, and the other metrics are told all the same
                log.error("nobody knows how fresh the sources are: %s", error)

    def digest(self) -> str:
        """SHA-256 that names what is indexed: each document's source, bytes, access and indexing settings."""
        version = self.versions.live(now=True)
        return Manifest(self._state, version.id if version else 0).digest()

    @property
    def embedded(self) -> bool:
        """Whether what answers is in a folder that one process at a time can open."""
        live = self.versions.live()
        return isinstance(live.opened if live else self._settings.get().store, Edge)

    def close(self) -> None:
        """Let go of the index, so that another process can have it; the next use opens it again."""
        with self._switch:
            for store in self._stores.values():
                store.close()

    def store(self, version: Version) -> Store:
        """The store of an index, opened as it was built."""
        with self._switch:
            if version.id not in self._stores:
                now = self._settings.get()
                kept = version.within(now)
                self._stores[version.id] = open_store(
                    now if kept else now.model_copy(update={"store": version.opened}),
                    version.name,
                    Following(self._embedders, version),
                    Analyser(version.languages),
                    self._project.var,
                )
            return self._stores[version.id]

    def plan(self, settings: RetrievalFile, embedding: str = "") -> Plan:
        """What an index would be made of as the configuration is now; with ``embedding``, that model's vectors."""
        name = embedding or self._embedders.named()
        words = Analyser(settings.languages)
        return Plan(
            store=settings.store.model_dump_json(),
            embedding=name,
            languages=tuple(settings.languages),
            label=f"{label(self._embedders.get(name))} {words.label}",
        )

    def sync(self, progress: Progress | None = None, *, access_only: bool = False, dry: bool = False) -> SyncReport:
        """Bring the index in line with its sources: only what differs is read into it. ``progress`` gets a line each.

        A sync that was cut off anywhere is mended by the next one. Where the configuration asks for another embedding
        or other languages, a new index is filled while the old one answers, and takes its place when it is whole.
        ``access_only``: only who may see what, and what is gone; ``dry``: only report what a sync would do.

        Raises ``DocumentError`` where not one document can be read, ``SourceError`` where no source can be listed,
        ``ConfigurationError`` where a file is wrong or another process keeps the index.
        """
        tell = progress or _quiet
        with self._telemetry.span("sync") as span:
            settings = load_yaml(self._file, RetrievalFile)
            report = self._follow(settings, tell, access_only, dry)
            if report is None:
                report = self.build(self.plan(settings), tell)
            for name in ("added", "changed", "removed", "skipped"):
                span.set_attribute(f"app.sync.{name}", report.counts[name])
        return report

    def _follow(self, settings: RetrievalFile, tell: Progress, access_only: bool, dry: bool) -> SyncReport | None:
        """Bring the live index in line; only who may see what, and None, where the configuration asks for another."""
        with self.leases.held("sync", tell) as lease:
            live = self.versions.live(now=True)
            if live is None:
                return SyncReport(dry=dry) if access_only or dry else None
            if access_only or dry:
                return self.fill(live, settings, lease.watched(tell), access_only, dry)
            plan = self.plan(settings)
            if not live.fits(plan):
                try:
                    self.fill(live, settings, lease.watched(_quiet), access_only=True)
                except (ConfigurationError, StoreUnavailable) as error:  # a store that is gone must not be for ever
                    tell(f"failed   what answers now is not held to today's rights before it is replaced: {error}")
                return None
            if plan.label == live.label != live.configured:
                self.versions.settle(live)
            report = self.fill(live, settings, lease.watched(tell))
            self.clear()
            return report

    def build(self, plan: Plan, tell: Progress, ready: Callable[[Version], None] = lambda version: None) -> SyncReport:
        """Fill an index made of ``plan`` beside the live one; have it answer once it is whole and ``ready`` agrees.

        One that was cut off goes on where it was. Nothing else changes documents from the last look at the sources to
        the change, so that whoever lost a right to a document has lost it in the new index as well.
        Raises ``SourceError`` where a source cannot be read to its end: its documents would be missing; and whatever
        ``ready`` raises. The new index is kept then, and the live one answers on.
        """
        settings = load_yaml(self._file, RetrievalFile)
        configured = self.plan(settings).label
        with self.leases.held("reindex", tell) as building:
            target = self.versions.kept(plan) or self.start(plan)
            report = self.fill(target, settings, building.watched(tell))
            with self.leases.held("sync", tell, PATIENCE_SECONDS) as lease:
                live = self.versions.live(now=True)
                failed = self.fill(target, settings, lease.watched(_quiet)).failed if live else None
                if failed:
                    raise SourceError(f"The new index lacks documents, and does not answer: {_sentences(failed)}")
                ready(target)
                lease.check()
                self.cut_over(target, configured)
        return report

    def replay(self, progress: Progress | None = None) -> SyncReport:
        """Look again at what is in quarantine, without asking a source, and index what fits its contract by now."""
        tell = progress or _quiet
        with self._telemetry.span("replay"), self.leases.held("sync", tell) as lease:
            settings, live = load_yaml(self._file, RetrievalFile), self.versions.live(now=True)
            return self.fill(live, settings, lease.watched(tell), replay=True) if live else SyncReport()

    def fill(
        self,
        version: Version,
        settings: RetrievalFile,
        progress: Progress,
        access_only: bool = False,
        dry: bool = False,
        replay: bool = False,
    ) -> SyncReport:
        """Bring one index in line with the sources."""
        load_yaml(self._access_file, AccessFile)  # raises where it is wrong: the last good one is no start
        store = self.store(version)
        with self.connected(settings) as sources, store.hold():
            store.built()  # raises where it is damaged
            rules = lambda: self._access.get().rules  # noqa: E731
            run = Sync(store, version.id, self._state, sources, settings, rules, progress)
            return run.replay() if replay else run.run(access_only, dry)

    @contextmanager
    def connected(self, settings: RetrievalFile) -> Iterator[dict[str, tuple[Source, Connector]]]:
        """Every source with its connector, which are closed at the end."""
        sources: dict[str, tuple[Source, Connector]] = {}
        with ExitStack() as opened:
            for name, source in load_sources(self._project).sources.items():
                connector = connect(name, source, self._project, settings)
                opened.callback(connector.close)
                sources[name] = (source, connector)
            yield sources

    def start(self, plan: Plan) -> Version:
        """A new index, empty whatever a lost state database left under its name."""
        version = self.versions.start(plan)
        self.store(version).drop()
        return version

    def cut_over(self, version: Version, configured: str) -> None:
        """Have ``version`` answer from now on; the one that answered stands by for a rollback."""
        self.versions.cut_over(version, configured)
        self.clear()

    def clear(self) -> None:
        """Delete the passages of indexes that are kept no longer."""
        for version in self.versions.dropped():
            try:
                self.store(version).drop()
            except ScaffoldError as error:  # another process uses it, or its server is down: next time, then
                log.warning("the index %s is not deleted yet: %s", version.name, error)
                continue
            self.versions.forget(version)
            with self._switch:
                if store := self._stores.pop(version.id, None):
                    store.close()


@lru_cache
def _every_language(*first: str) -> Analyser:
    """Stopwords of all languages; of equally likely ones, that of the documents is taken."""
    return Analyser(list(dict.fromkeys([*first, *NAMES])))


def _quiet(_: str) -> None:
    """Progress that nobody follows."""


def _sentences(failed: dict[str, str]) -> str:
    return " ".join(f"{origin}: {reason}" for origin, reason in failed.items())
