"""What is checked: documents one at a time, as their source hands them over, unreadable ones included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...errors import DocumentError
from ...governance.principal import Rule
from ..access import Access, access_of
from ..documents import Document, find, parse, read_bytes
from ..settings import RetrievalFile

FILES = "documents"
"""The origin of what lies in ``data/documents``."""


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


def file_items(folder: Path, settings: RetrievalFile, rules: Sequence[Rule]) -> Iterator[Item]:
    """Every file below ``folder``, in order; each is read when it is asked for and not kept."""
    for source, error in find(folder):
        access = access_of(source, rules)
        try:
            if error:
                raise error
            about = (folder / source).stat()
            modified, size = datetime.fromtimestamp(about.st_mtime, UTC), about.st_size
        except (DocumentError, OSError) as unfit:
            yield Item(FILES, source, access, None, None, str(unfit), 0)
            continue
        try:
            data, sha256 = read_bytes(folder, source, int(settings.max_megabytes * 1_000_000))
            document = parse(source, data, sha256)
        except DocumentError as unfit:
            yield Item(FILES, source, access, modified, None, str(unfit), size)
        else:
            yield Item(FILES, source, access, modified, document, "", size)
