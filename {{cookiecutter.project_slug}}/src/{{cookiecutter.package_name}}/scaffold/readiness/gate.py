"""The gate: all checks of a stage, from evidence; what cannot be shown is not so."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import AwareDatetime
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..application import Application
from ..config import Strict
from ..errors import ScaffoldError
from ..evaluation import load_suite
from ..evaluation.events import GATE, record
from ..evaluation.store import write_atomically
from ..evidence import fingerprint
from .checks import CHECKS
from .stages import CheckName, Stage, load_stage


class CheckResult(Strict):
    """What one check found."""

    id: str
    failure_mode: str
    passed: bool
    reason: str
    """What was found, or what is missing, where, and how to mend it."""
    evidence: str
    """Where the evidence lies, below the project's folder."""


class GateResult(Strict):
    """Whether the project is fit for a stage, and what that was decided on."""

    stage: str
    passed: bool
    at: AwareDatetime
    digests: dict[str, str]
    """What the gate looked at: ``evidence.fingerprint``."""
    checks: list[CheckResult]


def gate(application: Application, stage: str) -> GateResult:
    """Run every check of ``stage`` and write the result to ``var/gate/STAGE.json``.

    Raises ``UsageError`` for an unknown stage and ``ConfigurationError`` where ``governance/stages.yaml`` is wrong.
    """
    required = load_stage(application.settings, stage)
    suite = load_suite(application.settings, required.evaluation.suite)
    checks = [_run(name, application, required) for name in required.checks]
    result = GateResult(
        stage=stage,
        passed=all(check.passed for check in checks),
        at=datetime.now(UTC),
        digests=fingerprint(application, application.settings.path(suite.dataset)),
        checks=checks,
    )
    target = application.settings.var / "gate" / f"{stage}.json"
    write_atomically(target, (result.model_dump_json(indent=2) + "\n").encode())
    record(application.state, GATE, {"stage": stage, "passed": result.passed})
    return result


def _run(name: CheckName, application: Application, stage: Stage) -> CheckResult:
    failure_mode, evidence, check = CHECKS[name]
    passed = False
    try:
        reason = check(application, stage)
        passed = True
    except ScaffoldError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - a check that cannot be made is not passed, whatever stopped it
        reason = f"The check could not be made: {type(error).__name__}: {error}; mend that first."
    return CheckResult(id=name, failure_mode=failure_mode, passed=passed, reason=reason, evidence=evidence)


def render(result: GateResult) -> RenderableType:
    """A line for each check; then the verdict."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in result.checks:
        colour = "green" if check.passed else "red"
        mark = Text("✓" if check.passed else "✗", style=f"bold {colour}")
        table.add_row(mark, Text(check.id), Text(check.failure_mode, style="dim"), Text(check.reason))
    failed = [check.id for check in result.checks if not check.passed]
    verdict = f"not fit for {result.stage}: {', '.join(failed)}" if failed else f"fit for {result.stage}"
    return Group(table, Text(f"\n{verdict}", style="bold red" if failed else "bold green"))
