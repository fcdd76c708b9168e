"""Every run that is on record, over time, and what was different each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from ..application import Application
from ..errors import EvidenceError
from ..evidence import COMPARED
from ..state import evaluation_runs
from .record import Run
from .store import DATA_CHECK, proven, written

LEVELS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Entry:
    """One run. Where its record is gone or was changed, ``missing`` says so, and there is nothing to look into."""

    id: str
    suite: str
    at: datetime
    passed: bool
    score: float
    changed: list[str]
    """What was different from the run of this suite before: parts of ``evidence.COMPARED``."""
    missing: str = ""
    cases: int | None = None
    """None also of a data check, which asks none."""
    seen: Any = None
    """What ``look`` made of the run."""

    def as_dict(self) -> dict[str, object]:
        """For JSON, without what was seen."""
        told = {name: value for name, value in vars(self).items() if name != "seen"}
        return told | {"at": self.at.isoformat()}


def history(
    application: Application, suite: str | None = None, look: Callable[[Run], Any] = lambda run: None
) -> list[Entry]:
    """Every run of ``suite``, or of all suites, oldest first; one record is held in memory at a time."""
    table = evaluation_runs.c
    query = select(evaluation_runs).order_by(table.started_at, table.id)
    with application.state.connect() as connection:
        rows = connection.execute(query.where(table.suite == suite) if suite else query).all()
    before: dict[str, dict[str, str]] = {}
    entries = []
    for row in rows:
        cases, seen, missing = None, None, ""
        try:
            if row.suite == DATA_CHECK:
                written(application, row, "this check")
            else:
                run = proven(application, row, "this run")
                cases, seen = run.asked, look(run)
        except EvidenceError as error:
            missing = str(error).removesuffix("; run 'make eval'.") + "."
        old = before.get(row.suite)
        changed = [part for part in COMPARED if old is not None and old.get(part) != row.digests.get(part)]
        before[row.suite] = row.digests
        at = datetime.fromisoformat(row.started_at)
        entries.append(Entry(row.id, row.suite, at, bool(row.passed), row.score, changed, missing, cases, seen))
    return entries


def sparkline(values: Sequence[float], low: float = 0, high: float = 1) -> str:
    """One sign a value, the higher the fuller."""
    steps = len(LEVELS) - 1
    return "".join(LEVELS[round(steps * min(1, max(0, (value - low) / (high - low))))] for value in values)


def render(entries: Sequence[Entry]) -> Table:
    """The runs as a table, newest last, with the course of each suite's score above."""
    named = sorted({entry.suite for entry in entries})
    courses = [f"{name} {sparkline([each.score for each in entries if each.suite == name][-60:])}" for name in named]
    table = Table(
        "run", "suite", "when (UTC)", "outcome", "score", "cases", "changed since the one before",
        box=None, pad_edge=False, title="  ".join(courses), title_justify="left",
    )  # fmt: skip
    for each in entries:
        outcome = Text("passed", "green") if each.passed else Text("not passed", "red")
        if each.missing:
            outcome.append(", record gone or changed", "yellow")
        cases = "?" if each.missing else "-" if each.cases is None else str(each.cases)
        changed = ", ".join(each.changed)
        table.add_row(
            Text(each.id), each.suite, f"{each.at:%Y-%m-%d %H:%M}", outcome, f"{each.score:.3f}", cases, changed
        )
    return table
