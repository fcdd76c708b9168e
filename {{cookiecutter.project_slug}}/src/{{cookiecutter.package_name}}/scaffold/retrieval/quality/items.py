"""What is checked: documents one at a time, as their source hands them over, unreadable ones included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ...errors import DocumentError, SourceError
from ...governance.principal import Rule
from ..access import Access, effective
from ..connectors import Connector, Entry, Source, prefix_of
from ..documents import Document, parse
from ..settings import RetrievalFile


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
    """In bytes; 0 where nothing can be read of it."""


def items_of(
    sources: Mapping[str, tuple[Source, Connector]], settings: RetrievalFile, rules: Sequence[Rule]
) -> Iterator[Item]:
    """Every document of every source; each is read when it is asked for and not kept.

    A source that cannot be listed to its end is an item of its own, which cannot be read.
    """
    for name, (_, connector) in sources.items():
        try:
            for entry in connector.entries(None):
                yield _item(name, connector, entry, settings, rules)
        except SourceError as error:
            yield Item(name, name, None, None, None, f"{name}: {error}", 0)


def _item(name: str, connector: Connector, entry: Entry, settings: RetrievalFile, rules: Sequence[Rule]) -> Item:
    source = prefix_of(name) + entry.id
    access = effective(entry.access, source, rules)
    if entry.problem:
        return Item(name, source, access, entry.modified, None, entry.problem, len(entry.payload))
    size = 0
    try:
        raw = replace(connector.read(entry), source=source)
        size = len(raw.data)
        return Item(name, source, access, entry.modified, parse(raw, settings), "", size)
    except DocumentError as error:
        return Item(name, source, access, entry.modified, None, str(error), size)
