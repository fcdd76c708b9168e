"""A folder of files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...errors import SourceError
from ..documents import Raw, find, read_bytes, suffix_of
from .port import Entry

RACY_NS = 5_000_000_000
"""How long ago a file must have changed for its times to tell: two changes within a tick of the clock look like one.

As git's index does it (Documentation/technical/racy-git): FAT counts in steps of two seconds, others in finer ones.
"""


class FileTree:
    """Every file below ``folder`` whose name does not start with a dot."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """``max_bytes``: the largest file that is read."""
        self.folder, self._max_bytes = folder, max_bytes

    def entries(self, since: str | None) -> Iterator[Entry]:
        """All of them, in order, with stamps: what a file holds is only known by reading it."""
        if not self.folder.is_dir():
            raise SourceError(f"There is no folder {self.folder}; make it and put documents there.")
        now = time.time_ns()  # before a look at any file: what is written to it later is dated later
        for found in find(self.folder):
            modified, stamp = (_modified(found.about), self._stamp(found.about, now)) if found.about else (None, None)
            yield Entry(found.source, None, stamp, modified, problem=str(found.error or ""))

    def _stamp(self, about: os.stat_result, now: int) -> str | None:
        """What the system changes with the file, whoever writes it, puts another in its place or sets its times.

        None where that cannot be relied on: what has just changed, a clock that is behind the file system's, Windows,
        which does not count changes. And where the file is too large by now: reading says so.
        """
        if os.name == "nt" or not 0 < about.st_ctime_ns <= now - RACY_NS or about.st_size > self._max_bytes:
            return None
        return f"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}-{about.st_ctime_ns:x}"

    def cursor(self) -> str | None:
        """None: all is listed every time."""
        return None

    def read(self, entry: Entry) -> Raw:
        """The file's bytes."""
        data, sha256 = read_bytes(self.folder, entry.id, self._max_bytes)
        return Raw(entry.id, data, suffix_of(entry.id), sha256=sha256)

    def close(self) -> None:
        """Nothing is held open."""


def _modified(about: os.stat_result) -> datetime | None:
    """When the file came to be as it is: people and programs set its time of modification to whatever they like."""
    try:
        return datetime.fromtimestamp(about.st_mtime if os.name == "nt" else about.st_ctime, UTC)
    except (OSError, OverflowError, ValueError):  # a time stamp that is no time
        return None
