"""What is checked: documents one at a time, as their source hands them over, unreadable ones included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from ...config import Settings
from ...errors import DocumentError
from ...governance.principal import Rule
from ..access import Access, effective, ruled
from ..connectors import Connector, connect, load_sources, prefix_of
from ..documents import Document, Raw, parse, shown
from ..processing import harmless
from ..settings import RetrievalFile
from ..workers import Workers


@dataclass(frozen=True)
class Item:
    """One document, or what should have been one."""

    origin: str
    """Name of the source that it comes from."""
    source: str
    """Its name in the index, unique over all origins."""
    access: Access | None
    """Who may see it; None where no rule names it."""
    modified: datetime | None
    """Aware; None where the source does not say."""
    document: Document | None
    """None where it cannot be read."""
    problem: str
    """Why it cannot be read, a sentence; empty where it can."""
    size: int
    """In bytes; 0 where it could not be fetched."""


def all_items(settings: Settings, retrieval: RetrievalFile, rules: Sequence[Rule]) -> Iterator[Item]:
    """Every document of every source of ``config/sources.yaml``, one source after the other, as it is there now.

    Raises ``SourceError`` where a source cannot be listed: a check of a part would pass for one of the whole.
    """
    for name, source in load_sources(settings).sources.items():
        connector = connect(name, source, settings, retrieval)
        try:
            yield from items(name, connector, retrieval, rules)
        finally:
            connector.close()


def items(name: str, connector: Connector, settings: RetrievalFile, rules: Sequence[Rule]) -> Iterator[Item]:
    """Every document of a source, in its order; each is read when it is asked for and not kept.

    What could keep its reader busy for long is read by another process, within the limits of ``config/retrieval.yaml``.
    """
    limits, read, of = settings.limits, partial(_read, settings=settings), ruled(rules)
    workers = Workers(read, _lost, 1, limits.seconds, limits.memory_megabytes)
    try:
        for entry in connector.entries(None):
            if entry.deleted:
                continue
            source, size = prefix_of(name) + entry.id, 0
            found: Document | str = entry.problem
            try:
                if not found:
                    raw = replace(connector.read(entry), source=source)
                    size = len(raw.data)
                    found = read(raw) if harmless(raw) else next(workers.run([[raw]]))[0]
            except DocumentError as error:
                found = str(error)
            document, problem = (None, found) if isinstance(found, str) else (found, "")
            access = effective(entry.access, of(source))
            yield Item(name, source, access, entry.modified, document, problem, size)
    finally:
        workers.close()


def _read(raw: Raw, settings: RetrievalFile) -> Document | str:
    try:
        return parse(raw, settings)
    except DocumentError as error:
        return str(error)


def _lost(raw: Raw, reason: str) -> Document | str:
    return f"{shown(raw.source)}: {reason}."
