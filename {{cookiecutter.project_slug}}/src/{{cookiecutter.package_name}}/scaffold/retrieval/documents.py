"""Documents on disk: found, read once, and turned into plain text with a title, a date and a language."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DocumentError
from . import formats
from .settings import RetrievalFile

SOURCE_MAX_CHARACTERS = 500
"""Length of ``documents.source`` in the state database."""


@dataclass(frozen=True)
class Raw:
    """A document as its source handed it over. What the source says about it goes before what the file says."""

    source: str
    """Its name in the index: for files the path below ``data/documents``, for others ``NAME/ID``."""
    data: bytes
    suffix: str
    """Which reader: one of ``READERS``."""
    title: str | None = None
    updated: str | None = None
    """Date, ISO 8601."""
    language: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Document:
    """A document as it was read."""

    source: str
    """As ``Raw.source``."""
    title: str
    text: str
    updated: str | None
    """Date, ISO 8601; None where the document gives none."""
    language: str | None
    """Two letters, as ISO 639-1; None where the document gives none."""
    status: str | None
    """As the document says, for example ``superseded``."""
    sha256: str
    """Of the bytes that ``text`` was read from."""
    headings: bool = False
    """Whether lines of ``text`` that start with # are headings."""


READERS: dict[str, Callable[[bytes], formats.Content]] = {
    ".md": formats.markdown,
    ".markdown": formats.markdown,
    ".html": formats.html,
    ".htm": formats.html,
    ".txt": formats.text,
    ".pdf": formats.pdf,
}


def find(folder: Path) -> Iterator[tuple[str, DocumentError | None]]:
    """Every file below ``folder`` as its source, in order, with the reason where it cannot be a document.

    Files and folders whose name starts with a dot are not looked at.
    """
    failed: list[OSError] = []
    for name, folders, files in os.walk(folder, onerror=failed.append):
        at = Path(name)
        links = [entry for entry in folders if (at / entry).is_symlink()]
        folders[:] = sorted(entry for entry in folders if not entry.startswith(".") and entry not in links)
        for entry in sorted([*files, *links]):
            if not entry.startswith("."):
                source = (at / entry).relative_to(folder).as_posix()
                yield source.encode("utf-8", "backslashreplace").decode(), _unfit(at / entry, source)
    for error in failed:
        source = Path(error.filename).relative_to(folder).as_posix()
        yield source, DocumentError(f"{source}: the folder cannot be read ({error.strerror}).")


def _unfit(path: Path, source: str) -> DocumentError | None:
    if not source.isprintable() or len(source) > SOURCE_MAX_CHARACTERS:
        reason = f"has a name that is not plain text of at most {SOURCE_MAX_CHARACTERS} characters; rename it"
    elif path.is_symlink():
        # Access goes by path: through a link, a document would be seen under another path's rule.
        reason = "is a symbolic link, which is not followed; put the document itself there"
    elif not stat.S_ISREG(path.lstat().st_mode):
        reason = "is not a regular file"
    elif path.suffix.lower() not in READERS:
        reason = f"is of no kind that can be read ({', '.join(READERS)})"
    else:
        return None
    return DocumentError(f"{source if source.isprintable() else ascii(source)}: {reason}.")


def read_bytes(folder: Path, source: str, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of a document and their SHA-256. Raises ``DocumentError`` where there are none or too many."""
    try:
        with (folder / source).open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise DocumentError(f"{source}: cannot be read ({error.strerror}).") from None
    if len(data) > max_bytes:
        raise DocumentError(f"{source}: is larger than config/retrieval.yaml allows; split it, or raise max_megabytes.")
    if not data.strip():
        raise DocumentError(f"{source}: is empty.")
    return data, hashlib.sha256(data).hexdigest()


def parse(raw: Raw, settings: RetrievalFile) -> Document:
    """The document in ``raw``. Raises ``DocumentError`` saying what is wrong with it."""
    source = raw.source
    reader = READERS.get(raw.suffix)
    if reader is None:
        raise DocumentError(f"{source}: is of no kind that can be read ({', '.join(READERS)}).")
    if len(raw.data) > settings.max_megabytes * 1_000_000:
        raise DocumentError(f"{source}: is larger than config/retrieval.yaml allows; split it, or raise max_megabytes.")
    if not raw.data.strip():
        raise DocumentError(f"{source}: is empty.")
    try:
        content = reader(raw.data)
    except formats.Unreadable as error:
        raise DocumentError(f"{source}: {error}.") from None
    except RecursionError:
        raise DocumentError(f"{source}: is nested too deeply to be read.") from None
    if not content.text.strip():
        raise DocumentError(f"{source}: holds no text; if it is a scan, run text recognition (OCR) on it.")
    return Document(
        source=source,
        title=raw.title or content.title or PurePosixPath(source).stem.replace("-", " ").replace("_", " ").strip(),
        text=content.text,
        updated=raw.updated or content.updated,
        language=raw.language or content.language,
        status=raw.status or content.status,
        sha256=hashlib.sha256(raw.data).hexdigest(),
        headings=content.headings,
    )
