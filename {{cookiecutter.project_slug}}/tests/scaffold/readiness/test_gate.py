"""The gate: green only where every check of the stage returned, and written down with what it looked at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ScaffoldError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evidence import fingerprint
from {{ cookiecutter.package_name }}.scaffold.readiness import GateResult, gate, render
from {{ cookiecutter.package_name }}.scaffold.readiness.checks import CHECKS

STAGES = """
stages:
  poc:
    evaluation: {suite: knowledge, min_cases: 20, max_age_hours: 168}
    checks: [access, conflicts]
"""


@pytest.fixture
def stages(project: Path) -> Path:
    path = project / "governance" / "stages.yaml"
    path.write_text(STAGES, "utf-8")
    return path


def test_a_gate_whose_checks_all_return_is_green_and_written_down(
    application: Application, project: Path, stages: Path
) -> None:
    result = gate(application, "poc")
    assert result.passed
    assert [(check.id, check.failure_mode) for check in result.checks] == [("access", "F08"), ("conflicts", "F23")]
    assert result.digests == fingerprint(application, project / "evals" / "datasets" / "knowledge.jsonl")
    assert GateResult.model_validate_json((project / "var" / "gate" / "poc.json").read_bytes()) == result


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ScaffoldError("The rule is gone; write one."), "The rule is gone; write one."),
        (ZeroDivisionError("division by zero"), "The check could not be made: ZeroDivisionError: division by zero"),
        (OSError(28, "No space left on device"), "The check could not be made: OSError: [Errno 28] No space left"),
    ],
)
def test_a_check_that_raises_has_failed_and_the_others_are_still_made(
    application: Application, stages: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def broken(*_: object) -> str:
        raise error

    monkeypatch.setattr(
        sys.modules[gate.__module__], "CHECKS", {**CHECKS, "access": ("F08", "data/access.yaml", broken)}
    )
    result = gate(application, "poc")
    assert not result.passed
    assert [check.passed for check in result.checks] == [False, True]
    assert result.checks[0].reason.startswith(reason)


def test_a_gate_that_failed_is_written_down_too(application: Application, project: Path, stages: Path) -> None:
    (project / "left.rej").touch()
    assert not gate(application, "poc").passed
    assert not GateResult.model_validate_json((project / "var" / "gate" / "poc.json").read_bytes()).passed


def test_an_unknown_stage_is_refused_and_nothing_is_written(application: Application, project: Path) -> None:
    with pytest.raises(UsageError, match="known: poc"):
        gate(application, "../poc")
    assert not (project / "var" / "gate").exists()


def test_the_terminal_shows_each_check_with_the_remedy_for_what_failed(
    application: Application, project: Path, stages: Path
) -> None:
    (project / "[bold]left.rej").touch()
    console = Console(soft_wrap=True, color_system=None, width=200)
    with console.capture() as capture:
        console.print(render(gate(application, "poc")))
    shown = capture.get()
    assert "✓  access     F08  A rule names each of" in shown
    assert "✗  conflicts  F23  An update left conflicts in [bold]left.rej; resolve them." in shown
    assert "not fit for poc: conflicts" in shown
