"""What a source of documents has to be able to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..access import Access
from ..documents import Raw


@dataclass(frozen=True)
class Entry:
    """A document as its source lists it."""

    id: str
    """Unique within the source; reads like a path."""
    version: str | None = None
    """Other content has another one, such as an ETag or a revision; None where only reading tells."""
    stamp: str | None = None
    """Beside no version: while it stays, so do the bytes, most likely; they are read from time to time all the same."""
    modified: datetime | None = None
    """When the source says that it changed, with a time zone."""
    access: Access | None = None
    """Who may see it as the source says; None where the rules of ``data/access.yaml`` decide.

    Beside a problem: who may see what is indexed of it already; nobody, where the source's own lists cannot be read.
    """
    deleted: bool = False
    """A listing of changes says so of what is gone."""
    problem: str = ""
    """Why it cannot be a document: a record that broke its contract, a symbolic link. A whole sentence."""
    payload: bytes = b""
    """What was listed, as far as ``read`` needs it, or quarantine keeps it."""


class Connector(Protocol):
    """A source of documents. A listing is read once, from one thread; documents are read while it is not."""

    def entries(self, since: str | None) -> Iterator[Entry]:
        """Every document, in any order; what changed since ``since`` where that is given, see ``cursor``.

        Raises ``SourceError`` where the source cannot be listed to its end.
        """

    def cursor(self) -> str | None:
        """Where the next listing of changes starts, after ``entries`` ended; None where all is listed every time."""

    def read(self, entry: Entry) -> Raw:
        """The document; its ``source`` is the entry's id. Raises ``DocumentError`` where it cannot be read."""

    def close(self) -> None:
        """Let go of connections."""
