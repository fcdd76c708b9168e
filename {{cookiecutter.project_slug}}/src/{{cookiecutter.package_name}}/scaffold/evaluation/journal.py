"""What a run has got so far, so that one that is cut off need not ask everything again."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from ..config import Settings
from ..evidence import COMPARED
from .graders import failures
from .record import CaseResult
from .suite import SuiteFile

FOLDER = "evaluation"
"""Below the project's ``var``. What lies there is no run and counts for nothing."""
KEPT = timedelta(days=7)
"""So long after its last line a journal is dropped: what a model answered then is not what it answers now."""


class Journal:
    """A file of one line a case. Use it in a ``with`` block; what ends in an exception stays to be taken over."""

    def __init__(self, path: Path, started_at: datetime, taken: dict[tuple[str, int], CaseResult]) -> None:
        """``taken``: the answers of the run that was cut off, by id and attempt."""
        self._path, self.started_at, self.taken = path, started_at, taken
        self._file = path.open("ab")

    @classmethod
    def open(
        cls, settings: Settings, suite: SuiteFile, digests: dict[str, str], resume: bool, calls: str = "live"
    ) -> Journal:
        """The journal of ``suite`` on what ``digests`` name. Without ``resume`` what it holds is dropped.

        What was replayed and what was asked never mix: ``calls`` has a journal of its own.

        What ended in an error is asked again, and so is what a grader failed on: whatever was in the way may be gone.
        Journals of any suite that nobody took up again for ``KEPT`` are dropped.
        """
        same = {
            "suite": suite.model_dump(mode="json"),
            "on": {part: digests[part] for part in COMPARED},
            "calls": calls,
        }
        key = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]
        path = settings.var / FOLDER / f"{suite.name}-{key}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_old(path.parent)
        if not resume:
            path.unlink(missing_ok=True)
        lines = path.read_bytes().splitlines() if path.is_file() else []
        started = _started(lines)
        if started is None:
            started, lines = datetime.now(UTC), []
            path.write_bytes(json.dumps({"started_at": started.isoformat()}).encode() + b"\n")
        elif not path.read_bytes().endswith(b"\n"):  # cut off in the middle of a line
            path.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
        found = [result for line in lines[1:] if (result := _result(line))]
        sound = [result for result in found if not (result.error or failures([result]))]
        return cls(path, started, {(result.id, result.attempt): result for result in sound})

    def add(self, result: CaseResult) -> None:
        """Keep ``result``; it is with the operating system when this returns, and survives this process."""
        self._file.write(result.model_dump_json().encode() + b"\n")
        self._file.flush()

    def finished(self) -> None:
        """The run is on record: forget the journal."""
        self._path.unlink(missing_ok=True)  # another run of the same may have been here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _drop_old(folder: Path) -> None:
    since = (datetime.now(UTC) - KEPT).timestamp()
    for journal in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):  # another run finished it, or dropped it too
            if journal.stat().st_mtime < since:
                journal.unlink()


def _started(lines: list[bytes]) -> datetime | None:
    try:
        first: dict[str, Any] = json.loads(lines[0])
        return datetime.fromisoformat(first["started_at"])
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def _result(line: bytes) -> CaseResult | None:
    try:
        return CaseResult.model_validate_json(line)
    except ValidationError:
        return None
