"""Drills stage a failure that kills projects, and show what catches it. ``make drills`` prints the table.

A pytest plugin: each test marked ``drill("F08")`` says in its docstring what is ``Staged:`` and what it is ``Caught by:``.
"""

from __future__ import annotations

import io
import re
import shutil
from dataclasses import dataclass, field

import pytest
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

CONTROLS = {
    "F01": "roles resolved by config/models.yaml; vendor SDKs in one module",
    "F02": "versioned prompt files, reloaded while running",
    "F03": "deadline, retries with jitter, circuit breaker, fallback chain",
    "F04": "a canary that asks the same cases and compares, case by case",
    "F05": "budgets reserved before each call, kill switch",
    "F06": "a new index beside the live one: compared, cut over, rolled back",
    "F07": "incremental sync of every source, freshness against an objective",
    "F08": "access lists applied inside the search",
    "F09": "data check: defects named and scored, limits per stage",
    "F10": "connectors with a contract, pacing, retries and quarantine",
    "F11": "datasets, graders and thresholds that fail the build",
    "F12": "least number of reviewed cases per stage",
    "F13": "answers held against their citations",
    "F14": "personal data found and hidden, by policy",
    "F15": "append-only, chained audit log",
    "F16": "keys and tokens, closed by default; groups known for certain",
    "F17": "provider allow-list per data class",
    "F18": "ownership that names somebody",
    "F19": "traces, metrics, logs and alert rules",
    "F23": "a gate that computes stages from evidence and fails closed",
    "F26": "citations, versions and trace id on every answer",
    "F27": "thresholds for each language and slice",
    "F28": "parity over counterfactual pairs of cases",
    "F29": "untrusted text fenced",
    "F31": "a matrix of models: the same cases, ranked, who may take whose place",
    "F32": "workflows and images that are tested",
    "F33": "drift of answers against an accepted period, its bias corrected",
    "F34": "a runbook whose commands run as written",
    "F35": "a system card written from records, red once they say something else",
}
"""The control against each failure, in a few words; a drill of another id adds its line."""

TOLD = re.compile(
    r"^\s*Staged:\s*(?P<staged>\S.*?)\s*^\s*Caught by:\s*(?P<caught>\S.*?)\s*\Z", re.DOTALL | re.MULTILINE
)


@dataclass
class Drill:
    """One drill and how it went: its worst outcome over setup, call and teardown, and over its parameters."""

    id: str
    staged: str
    caught: str
    outcomes: set[str] = field(default_factory=set)

    @property
    def result(self) -> tuple[str, str]:
        """Word and colour."""
        if "failed" in self.outcomes:
            return "NOT CAUGHT", "bold red"
        return ("skipped", "yellow") if "skipped" in self.outcomes or not self.outcomes else ("caught", "green")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--drills``: print the table."""
    parser.addoption("--drills", action="store_true", help="Print what each drill staged, and what caught it.")


def pytest_configure(config: pytest.Config) -> None:
    """The table is kept for the run that asked for it."""
    if config.getoption("--drills"):
        config.pluginmanager.register(DrillTable())


def drill_of(item: pytest.Item) -> Drill | None:
    """The drill that ``item`` is, if any. Raises ``pytest.UsageError`` where it does not say what it stages."""
    marker = item.get_closest_marker("drill")
    if marker is None:
        return None
    told = TOLD.search(getattr(item, "function", item).__doc__ or "")
    if len(marker.args) != 1 or marker.args[0] not in CONTROLS or told is None:
        raise pytest.UsageError(
            f"{item.nodeid}: a drill is marked with an id of tests/scaffold/drills/__init__.py, and its docstring is "
            "'Staged: …' followed by a line 'Caught by: …'."
        )
    return Drill(marker.args[0], " ".join(told["staged"].split()), " ".join(told["caught"].split()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold every drill to its form, in every run."""
    for item in items:
        drill_of(item)


class DrillTable:
    """Collects how the drills went, and prints it."""

    def __init__(self) -> None:
        self.drills: dict[str, Drill] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the drills that will run."""
        for item in session.items:
            if drill := drill_of(item):
                self.drills.setdefault(item.nodeid.partition("[")[0], drill)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome."""
        drill = self.drills.get(report.nodeid.partition("[")[0])
        if drill and (report.when == "call" or report.outcome != "passed"):
            drill.outcomes.add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        table = Table(box=SIMPLE, show_edge=False)
        for heading in ("", "control", "staged", "caught by", "result"):
            table.add_column(heading, ratio=None if heading in ("", "result") else 1)
        for drill in sorted(self.drills.values(), key=lambda drill: drill.id):
            word, colour = drill.result
            cells = (drill.id, CONTROLS[drill.id], drill.staged, drill.caught)
            table.add_row(*map(Text, cells), Text(word, style=colour))
        page, width = io.StringIO(), max(100, shutil.get_terminal_size((140, 0)).columns)
        Console(file=page, width=width, force_terminal=terminalreporter.hasmarkup).print(table)
        terminalreporter.section("drills")
        terminalreporter.write_line(page.getvalue().rstrip())
