"""Runs on record: each is written once to ``evals/runs``, listed in the state database, and proven when read back."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, delete, insert, select

from ..application import Application
from ..errors import EvidenceError, UsageError
from ..state import evaluation_runs
from .record import Run

RECORD_DIGEST = "record"
"""Key under which the history keeps the digest of the record file itself, beside what the run was measured on."""

ROOM = 1 << 20
"""So many bytes must find room before a run begins: about what the record of 300 cases takes."""

DATA_CHECK = "data check"
"""The name of ``readiness.data``'s check in the history, which no suite can have; its record is a report, not a run."""


def save(application: Application, run: Run) -> Path:
    """Write ``evals/runs/ID.json`` and its row in the history; answers the file.

    Runs of the suite that are dated later than this moment come from a clock that was wrong; they leave the history,
    since they would count as the newest for ever. So does one that began at the same moment: ``run`` took over what it
    had asked, and would count a second time.
    """
    path = application.settings.path("evals", "runs", f"{run.id}.json")
    data = (run.model_dump_json(indent=2) + "\n").encode()
    write_atomically(path, data)
    ended = timestamp(run)
    with application.state.begin() as connection:
        later = (evaluation_runs.c.suite == run.suite) & (evaluation_runs.c.started_at >= ended)
        connection.execute(delete(evaluation_runs).where(later))
        connection.execute(
            insert(evaluation_runs).values(
                id=run.id,
                suite=run.suite,
                started_at=ended,
                passed=int(run.passed),
                score=run.score,
                digests={**run.digests, RECORD_DIGEST: hashlib.sha256(data).hexdigest()},
                record=path.relative_to(application.settings.root).as_posix(),
            )
        )
    return path


def timestamp(run: Run) -> str:
    """When the run started, in the history's format: UTC, fixed width, so that text order is time order."""
    return run.started_at.isoformat(timespec="microseconds")


def newest(application: Application, suite: str) -> Run:
    """The newest run of ``suite``, passed or not, proven to be what was recorded.

    Raises ``EvidenceError`` where there is none, or where its record is gone, changed or not a record.
    """
    row = _row(application, evaluation_runs.c.suite == suite)
    if row is None:
        raise EvidenceError(f"No run of the suite {suite!r} is on record; run 'make eval'.")
    return proven(application, row, "the newest run")


def before(application: Application, run: Run) -> Run | None:
    """The run of the same suite before ``run``, proven; None where there is none."""
    table = evaluation_runs.c
    row = _row(application, (table.suite == run.suite) & (table.started_at < timestamp(run)))
    return proven(application, row, "the run before") if row else None


def recorded(application: Application, run_id: str) -> Run:
    """The run of that id, proven. Raises ``UsageError`` where no run is called so."""
    row = _row(application, evaluation_runs.c.id == run_id)
    if row is None:
        raise UsageError(f"There is no run {run_id!r} on record; the files in evals/runs are named by their runs.")
    return proven(application, row, "the run")


def _row(application: Application, condition: ColumnElement[bool]) -> Row[Any] | None:
    newest_first = evaluation_runs.c.started_at.desc(), evaluation_runs.c.id.desc()
    with application.state.begin() as connection:
        return connection.execute(select(evaluation_runs).where(condition).order_by(*newest_first)).first()


def proven(application: Application, row: Row[Any], named: str) -> Run:
    """The run of a row of the history. Raises ``EvidenceError`` where its record is gone, or is not what was written.

    ``named`` is what messages call the run.
    """
    return _proven(row, _read(application, row, named))


def _proven(row: Row[Any], data: bytes) -> Run:
    changed = _changed(row)
    if hashlib.sha256(data).hexdigest() != row.digests.get(RECORD_DIGEST):
        raise changed
    try:
        run = Run.model_validate_json(data)
    except ValidationError:
        raise changed from None
    told = {**row.digests}
    told.pop(RECORD_DIGEST)
    if (run.id, run.suite, timestamp(run), run.digests) != (row.id, row.suite, row.started_at, told):
        raise changed
    return run


def written(application: Application, row: Row[Any], named: str) -> None:
    """Raise ``EvidenceError`` as ``proven`` does, for a row whose record need not be of a run."""
    if hashlib.sha256(_read(application, row, named)).hexdigest() != row.digests.get(RECORD_DIGEST):
        raise _changed(row)


def _read(application: Application, row: Row[Any], named: str) -> bytes:
    try:
        return application.settings.path(row.record).read_bytes()
    except OSError:
        raise EvidenceError(f"{row.record}, the record of {named}, is gone; run 'make eval'.") from None


def _changed(row: Row[Any]) -> EvidenceError:
    return EvidenceError(f"{row.record} is not what the run wrote: it was changed afterwards; run 'make eval'.")


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` is whole or absent, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with naming(path):
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def writable(folder: Path) -> None:
    """Raise ``OSError`` where nothing could be written into ``folder``, or below what there is of it."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    with naming(there):
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with TemporaryFile(dir=there) as file:
            file.write(bytes(ROOM))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the system in the block name ``path``: of a full disk they name nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
