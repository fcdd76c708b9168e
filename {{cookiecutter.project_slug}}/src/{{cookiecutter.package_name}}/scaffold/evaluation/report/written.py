"""Reports as files, where people and build servers look for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select

from ...application import Application
from ...errors import UsageError
from ...state import evaluation_runs
from ..baseline import Kept, read, where
from ..record import Run
from ..store import recorded, write_atomically
from .junit import junit
from .markdown import markdown
from .page import page
from .terminal import text

FORMATS: Mapping[str, tuple[str, Callable[[Run, Mapping[str, Kept]], str]]] = {
    "html": ("html", page),
    "md": ("md", markdown),
    "junit": ("xml", lambda run, _: junit(run)),
    "text": ("txt", lambda run, _: text(run)),
}
"""Each format with the ending of its files and what renders it."""

WRITTEN = ("html", "md", "junit")
"""Those that every run leaves."""

RUNS = "evals/runs/"
"""Where records of runs lie; what else is in the history is none."""


def write(application: Application, run: Run) -> list[str]:
    """Write ``var/reports/evaluation-SUITE.*``; answers the files below the project's folder, the page first."""
    before = baseline(application, run)
    paths = []
    for name in WRITTEN:
        ending, rendered = FORMATS[name]
        path = application.settings.var / "reports" / f"evaluation-{run.suite}.{ending}"
        write_atomically(path, rendered(run, before).encode())
        paths.append(path.relative_to(application.settings.root).as_posix())
    return paths


def baseline(application: Application, run: Run) -> Mapping[str, Kept]:
    """The cases of the baseline that ``run`` was held against, by id; none where another was accepted since."""
    path = application.settings.path(where(run.suite))
    if run.against is None or not path.exists():
        return {}
    accepted = read(path)
    if accepted.run != run.against.baseline:
        return {}
    return {kept.id: kept for kept in accepted.cases if kept.id not in run.against.left_out}


def latest(application: Application, name: str) -> Run:
    """The run of that id, or the newest of the suite of that name; without a name the newest of all.

    Raises ``UsageError`` where there is none, ``EvidenceError`` where its record is gone or was changed.
    """
    table = evaluation_runs.c
    known = (table.id == name) | (table.suite == name) if name else table.id == table.id
    query = (
        select(table.id).where(table.record.startswith(RUNS), known).order_by(table.started_at.desc(), table.id.desc())
    )
    with application.state.begin() as connection:
        found = connection.execute(query).scalar()
    if found is None:
        what = (
            f"{name!r} is neither the id of a run on record nor a suite that was run" if name else "No run is on record"
        )
        raise UsageError(f"{what}; run 'make eval', or see {RUNS}.")
    return recorded(application, found)
