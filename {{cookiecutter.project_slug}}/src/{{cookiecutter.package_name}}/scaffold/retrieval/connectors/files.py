"""A folder of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...errors import SourceError
from ..documents import Raw, find, read_bytes, suffix_of
from .port import Entry


class FileTree:
    """Every file below ``folder`` whose name does not start with a dot."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """``max_bytes``: the largest file that is read."""
        self.folder, self._max_bytes = folder, max_bytes

    def entries(self, since: str | None) -> Iterator[Entry]:
        """All of them, in order; what a file holds is only known by reading it."""
        if not self.folder.is_dir():
            raise SourceError(f"There is no folder {self.folder}; make it and put documents there.")
        for source, error in find(self.folder):
            yield Entry(source, modified=self._modified(source), problem=str(error) if error else "")

    def _modified(self, source: str) -> datetime | None:
        """When the file came to be as it is: people and programs set its time of modification to whatever they like."""
        try:
            about = os.lstat(os.path.join(self.folder, source))  # noqa: PTH118
            return datetime.fromtimestamp(about.st_mtime if os.name == "nt" else about.st_ctime, UTC)
        except (OSError, OverflowError, ValueError):  # gone since; a time stamp that is no time
            return None

    def cursor(self) -> str | None:
        """None: all is listed every time."""
        return None

    def read(self, entry: Entry) -> Raw:
        """The file's bytes."""
        data, sha256 = read_bytes(self.folder, entry.id, self._max_bytes)
        return Raw(entry.id, data, suffix_of(entry.id), sha256=sha256)

    def close(self) -> None:
        """Nothing is held open."""
