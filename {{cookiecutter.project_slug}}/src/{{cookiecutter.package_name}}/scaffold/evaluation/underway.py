"""A matrix that is under way: what it had asked when it was cut off is not asked, and not paid for, again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field, ValidationError

from ..application import Application
from ..config import Settings, Strict
from ..errors import EvidenceError, UsageError
from ..evidence import fingerprint
from .journal import FOLDER, key_of
from .record import Run
from .runner import Progress, run
from .store import recorded, write_atomically
from .suite import SuiteFile

KEPT = timedelta(days=1)
"""So long a run is taken over: candidates are compared as they are at one time."""


class _Done(Strict):
    run: str
    at: AwareDatetime


class _File(Strict):
    done: dict[str, _Done] = Field(default={})


class Underway:
    """Runs of the suites of one matrix, each asked once, also by the next start after one that was cut off."""

    def __init__(self, settings: Settings, fresh: bool = False) -> None:
        """``fresh``: take nothing over."""
        self._path, self._fresh = settings.var / FOLDER / "matrix.json", fresh
        self._file = _File() if fresh else _read(self._path)

    async def run(self, application: Application, suite: SuiteFile, progress: Progress | None) -> Run:
        """The run of ``suite``: as it was made on the same things less than ``KEPT`` ago, or else made now.

        One in which a case ended in an error is made again, as is one whose record cannot be proven. Raises what
        ``runner.run`` raises.
        """
        key = key_of(suite, fingerprint(application, application.settings.path(suite.dataset)))
        if (done := self._file.done.get(key)) and done.at > datetime.now(UTC) - KEPT:
            try:
                return recorded(application, done.run)
            except (EvidenceError, UsageError):
                del self._file.done[key]
        made = await run(application, suite, progress, resume=not self._fresh)
        if not any(case.error for case in made.cases):
            self._file.done[key] = _Done(run=made.id, at=datetime.now(UTC))
            write_atomically(self._path, self._file.model_dump_json().encode())
        return made

    def finished(self) -> None:
        """The matrix is there: the next one asks everything anew."""
        self._path.unlink(missing_ok=True)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return _File()  # to ask once more is never wrong
