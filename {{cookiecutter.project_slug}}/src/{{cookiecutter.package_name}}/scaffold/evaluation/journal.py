"""What a run has got so far, so that one that is cut off need not ask everything again."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self

from pydantic import ValidationError

from ..config import Settings
from ..errors import EvidenceError, UsageError
from ..evidence import COMPARED
from .metrics import failures
from .record import CaseResult
from .store import naming
from .suite import SuiteFile

FOLDER = "evaluation"
"""Below the project's ``var``. What lies there is no run and counts for nothing."""
KEPT = timedelta(days=7)
"""So long after its last line a journal is dropped: what a model answered then is not what it answers now."""


class Journal:
    """A file of one line a case. Use it in a ``with`` block; what ends in an exception stays to be taken over.

    One run at a time has it. A block that ends in an ``OSError``, as of a full disk, raises ``EvidenceError`` instead:
    which file it was, and what is kept.
    """

    def __init__(
        self, path: Path, file: BinaryIO, started_at: datetime, taken: dict[tuple[str, int], CaseResult], again: str
    ) -> None:
        """``taken``: the answers of the run that was cut off, by id and attempt; ``again``: how to go on with these."""
        self._path, self._file, self.started_at, self.taken = path, file, started_at, taken
        self._again = again

    @classmethod
    def open(
        cls, settings: Settings, suite: SuiteFile, digests: dict[str, str], resume: bool, calls: str = "live"
    ) -> Journal:
        """The journal of ``suite`` on what ``digests`` name. Without ``resume`` what it holds is dropped.

        What was replayed and what was asked never mix: ``calls`` has a journal of its own.

        What ended in an error is asked again, and so is what a grader failed on: whatever was in the way may be gone.
        Journals of any suite that nobody took up again for ``KEPT`` are dropped. Raises ``UsageError`` where another
        run has it: both would take over each other's answers, and count as two.
        """
        path = settings.var / FOLDER / f"{suite.name}-{key_of(suite, digests, calls)}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_old(path.parent)
        file = _alone(path, suite.name)
        data = file.read() if resume else b""
        whole = data[: data.rfind(b"\n") + 1]  # it may be cut off in the middle of a line
        lines = whole.splitlines()
        started = _started(lines)
        with naming(path):
            file.truncate(len(whole) if started else 0)
            if started is None:
                started, lines = datetime.now(UTC), []
                file.write(json.dumps({"started_at": started.isoformat()}).encode() + b"\n")
                file.flush()
        found = [result for line in lines[1:] if (result := _result(line))]
        sound = [result for result in found if not (result.error or failures([result]))]
        begin = f"'eval run {suite.name}' goes on from here, " * (calls == "live") + "this command begins anew"
        again = "the same command goes on from here" if resume else begin
        return cls(path, file, started, {(result.id, result.attempt): result for result in sound}, again)

    def add(self, result: CaseResult) -> None:
        """Keep ``result``; it is with the operating system when this returns, and survives this process."""
        with naming(self._path):
            self._file.write(result.model_dump_json().encode() + b"\n")
            self._file.flush()

    def finished(self) -> None:
        """The run is on record: forget the journal."""
        self._path.unlink(missing_ok=True)  # somebody may have cleared var

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        with suppress(OSError):  # what cannot be written was told when it was added
            self._file.close()
        if isinstance(error, OSError):
            raise EvidenceError(
                f"{error.filename or 'The output'} cannot be written ({error.strerror or error}); mend that. "
                f"What was answered until then is in {self._path}; {self._again}."
            ) from error


def key_of(suite: SuiteFile, digests: dict[str, str], calls: str = "live") -> str:
    """What two runs have in common of which one may take over what the other was answered."""
    on = {part: digests[part] for part in COMPARED}
    same = {"suite": suite.model_dump(mode="json"), "on": on, "calls": calls}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]


def _alone(path: Path, suite: str) -> BinaryIO:
    """``path``, held by this process alone until it closes it or ends, however it ends."""
    import fcntl

    while True:
        file = path.open("a+b")
        try:
            with naming(path):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.seek(0)
                return file
        except BlockingIOError:
            file.close()
            raise UsageError(
                f"A run of the suite {suite!r} is under way, on the same code, configuration and cases; wait for its "
                "end, or end it: the same command then goes on from there."
            ) from None
        except FileNotFoundError:
            pass  # the run that had it ended in between, and removed it
        file.close()


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
