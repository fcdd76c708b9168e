"""Documents on disk: found, read once, and turned into plain text with a title, a date and a language."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import DocumentError
from .formats import READERS, Unreadable
from .formats.content import TOO_LONG, day, line
from .settings import RetrievalFile

SOURCE_MAX_CHARACTERS = 500
"""Length of ``documents.source`` in the state database."""
READINGS = 3
"""How often a document is read that changes meanwhile, before it is left for the next run."""
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""How a file is opened: without waiting for the other end of a pipe, without following a link."""
BLANK = b" \t\r\n\v\f\xef\xbb\xbf\xff\xfe"
"""Spaces and marks of UTF-8 and UTF-16: a file of these alone is empty."""


@dataclass(frozen=True)
class Raw:
    """A document as its source handed it over. What the source says about it goes before what the file says."""

    source: str
    """Its name in the index: for files the path below ``data/documents``, for others ``NAME/ID``."""
    data: bytes
    suffix: str
    """Which reader: one of ``formats.READERS``."""
    title: str | None = None
    updated: str | None = None
    """Date, ISO 8601."""
    language: str | None = None
    status: str | None = None
    sha256: str = ""
    """Of ``data``, where the connector has worked it out."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """A file, looked at without opening it."""

    source: str
    about: os.stat_result | None = None
    """None where it is gone again, or a folder that cannot be read."""
    error: DocumentError | None = None
    """Why it cannot be a document."""


def find(folder: Path) -> Iterator[Found]:
    """Every file below ``folder``, in order.

    Files and folders whose name starts with a dot are not looked at.
    """
    failed: list[OSError] = []
    start = len(os.path.join(folder, ""))  # noqa: PTH118  names are put together as text here: it is done for each file
    for name, folders, files in os.walk(folder, onerror=failed.append):
        inside = Path(name[start:]).as_posix() + "/" if len(name) >= start else ""
        links = [entry for entry in folders if os.path.islink(os.path.join(name, entry))]  # noqa: PTH114, PTH118
        folders[:] = sorted(entry for entry in folders if not entry.startswith(".") and entry not in links)
        for entry in sorted([*files, *links]):
            if not entry.startswith("."):
                yield _found(os.path.join(name, entry), inside + entry)  # noqa: PTH118
    for error in failed:
        source = Path(error.filename).relative_to(folder).as_posix()
        yield Found(source, None, DocumentError(f"{source}: the folder cannot be read ({error.strerror})."))


def _found(path: str, source: str) -> Found:
    named = source if source.isascii() else source.encode("utf-8", "backslashreplace").decode()
    try:
        about = os.lstat(path)
    except OSError as error:  # gone since the folder was listed
        return Found(named, None, DocumentError(f"{shown(source)}: cannot be read ({error.strerror})."))
    reason = _unfit(source, about.st_mode)
    return Found(named, about, DocumentError(f"{shown(source)}: {reason}.") if reason else None)


def _unfit(source: str, mode: int) -> str:
    """Why a file of this name and mode cannot be a document; empty where it can."""
    if not source.isprintable() or len(source) > SOURCE_MAX_CHARACTERS:
        return f"has a name that is not plain text of at most {SOURCE_MAX_CHARACTERS} characters; rename it"
    if stat.S_ISLNK(mode):
        # Access goes by path: through a link, a document would be seen under another path's rule.
        return "is a symbolic link, which is not followed; put the document itself there"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    if suffix_of(source) not in READERS:
        return f"is of no kind that can be read ({', '.join(READERS)})"
    return ""


def suffix_of(name: str) -> str:
    """Which reader a file asks for by its name."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def read_bytes(folder: Path, source: str, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of a document and their SHA-256. Raises ``DocumentError`` where there are none or too many.

    Nothing is waited for (a pipe would keep a reader for ever), no link is followed, and nothing is read of a file that
    is too large.
    """
    try:
        _check_place(folder, source)
        for _ in range(READINGS):
            with os.fdopen(os.open(folder / source, FLAGS), "rb") as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise DocumentError(f"{shown(source)}: is not a regular file.")
                _check_size(source, before.st_size, max_bytes)
                data = file.read(max_bytes + 1)
                after = os.fstat(file.fileno())
            if len(data) == before.st_size and (before.st_size, before.st_mtime_ns) == (
                after.st_size,
                after.st_mtime_ns,
            ):
                break
        else:
            raise DocumentError(f"{shown(source)}: changes while it is read; the next run reads it again.")
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise DocumentError(f"{shown(source)}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    if not data.strip(BLANK):
        raise DocumentError(f"{shown(source)}: is empty.")
    return data, hashlib.sha256(data).hexdigest()


def parse(raw: Raw, settings: RetrievalFile) -> Document:
    """The document in ``raw``. Raises ``DocumentError`` saying what is wrong with it."""
    source, data, limits = raw.source, raw.data, settings.limits
    if raw.suffix not in READERS:
        raise DocumentError(f"{shown(source)}: is of no kind that can be read ({', '.join(READERS)}).")
    _check_size(source, len(data), settings.max_megabytes * 1_000_000)
    if not data.strip(BLANK):
        raise DocumentError(f"{shown(source)}: is empty.")
    try:
        content = READERS[raw.suffix](data, limits)
        if len(content.text) > limits.characters:
            raise Unreadable(TOO_LONG)
        if not content.text.strip():
            raise Unreadable("holds no text; if it is a scan, run text recognition (OCR) on it")
    except Unreadable as error:
        raise DocumentError(f"{shown(source)}: {error}.") from None
    except RecursionError:
        raise DocumentError(f"{shown(source)}: is nested too deeply to be read.") from None
    except MemoryError:
        raise DocumentError(f"{shown(source)}: needs more memory than there is; split it.") from None
    except Exception as error:  # noqa: BLE001  damaged files make their readers raise nearly anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:150]
        raise DocumentError(f"{shown(source)}: is a damaged {raw.suffix[1:].upper()} ({reason}).") from None
    name = PurePosixPath(source).stem.replace("-", " ").replace("_", " ").strip()
    return Document(
        source=source,
        title=line(raw.title) or content.title or name,
        text=content.text,
        updated=day(raw.updated) or content.updated,
        language=raw.language or content.language,
        status=raw.status or content.status,
        sha256=hashlib.sha256(data).hexdigest(),
        headings=content.headings,
    )


def shown(source: str) -> str:
    """``source`` in one line that any terminal can print."""
    return source if source.isprintable() else ascii(source)


def _check_place(folder: Path, source: str) -> None:
    at, linked = str(folder), False
    for part in source.split("/"):
        at = os.path.join(at, part)  # noqa: PTH118
        linked = linked or part in ("", "..") or os.path.islink(at)  # noqa: PTH114
    if linked or os.path.isabs(source):  # noqa: PTH117
        raise DocumentError(f"{shown(source)}: leads out of its folder or through a link, which is not followed.")


def _check_size(source: str, size: int, most: float) -> None:
    if size > most:
        raise DocumentError(
            f"{shown(source)}: is larger than config/retrieval.yaml allows ({size / 1_000_000:.1f} MB); split it, or "
            "raise max_megabytes."
        )
