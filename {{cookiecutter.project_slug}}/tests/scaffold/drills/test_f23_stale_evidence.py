"""F23: a PoC treated as a small production."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.store import save
from {{ cookiecutter.package_name }}.scaffold.readiness import gate
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs

from tests.scaffold.evaluation.cases import Scripted, line, suite

STAGES = """
stages:
  poc:
    evaluation: {suite: small, min_cases: 1, max_age_hours: 1}
    checks: [evaluation]
"""


@pytest.fixture
async def passed(application: Application, project: Path) -> Run:
    """A run on which the gate is green."""
    small = suite(project, [line()])
    (project / "evals" / "suites" / "small.yaml").write_text(small.model_dump_json(), "utf-8")
    (project / "governance" / "stages.yaml").write_text(STAGES, "utf-8")
    made = await run(dataclasses.replace(application, usecase=Scripted()), small)
    assert gate(application, "poc").passed
    return made


def why(application: Application) -> str:
    result = gate(application, "poc")
    assert not result.passed
    return result.checks[0].reason


@pytest.mark.drill("F23")
@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("config/prompts/answer.en.yaml", "prompts"),
        ("evals/datasets/small.jsonl", "dataset"),
        ("governance/policy.yaml", "policy"),
        ("data/access.yaml", "index"),
        ("config/retrieval.yaml", "index"),
    ],
)
def test_evidence_from_another_state_turns_the_gate_red(
    application: Application, project: Path, passed: Run, file: str, part: str
) -> None:
    """Staged: prompt, dataset, policy, access or search changes after the evaluation.
    Caught by: the gate holds the run's digests against what is there now, and names the part.
    """
    with (project / file).open("a") as handle:
        handle.write("\n")
    assert f"{part} changed since the run" in why(application)


def _erase(application: Application, _: Run) -> None:
    with application.state.begin() as connection:
        connection.execute(delete(evaluation_runs))


def _remove(application: Application, made: Run) -> None:
    application.settings.path("evals", "runs", f"{made.id}.json").unlink()


def _embellish(application: Application, made: Run) -> None:
    path = application.settings.path("evals", "runs", f"{made.id}.json")
    path.write_text(path.read_text("utf-8").replace("150 EUR", "160 EUR"), "utf-8")


def _age(application: Application, made: Run) -> None:
    _erase(application, made)
    save(application, made.model_copy(update={"started_at": made.started_at - timedelta(hours=2)}))


def _postdate(application: Application, made: Run) -> None:
    save(application, made.model_copy(update={"id": "ahead", "started_at": made.started_at + timedelta(days=1)}))


@pytest.mark.drill("F23")
@pytest.mark.parametrize(
    ("stage_failure", "reason"),
    [
        (_erase, "No run of the suite 'small' is on record"),
        (_remove, "is gone"),
        (_embellish, "changed afterwards"),
        (_age, "it is 2 h old, at most 1 h count"),
        (_postdate, "it is dated in the future"),
    ],
)
def test_evidence_that_is_missing_touched_or_old_turns_the_gate_red(
    application: Application, passed: Run, stage_failure: Callable[[Application, Run], None], reason: str
) -> None:
    """Staged: the run's record is erased, removed, embellished, too old, or from a clock that was ahead.
    Caught by: the gate accepts only a record that is what the run wrote, recent, and not from the future.
    """
    stage_failure(application, passed)
    assert reason in why(application)


@pytest.mark.drill("F23")
async def test_a_newer_run_that_failed_outweighs_the_one_that_passed(
    application: Application, project: Path, passed: Run
) -> None:
    """Staged: the suite is run until it passes once; then it fails again.
    Caught by: the newest run counts, not the best.
    """
    small = suite(project, [line()])
    await run(dataclasses.replace(application, usecase=Scripted({"question hotel": KeyError("x")})), small)
    assert "correctness is 0.000" in why(application)


@pytest.mark.drill("F23")
def test_a_threshold_raised_after_the_run_turns_the_gate_red(
    application: Application, project: Path, passed: Run
) -> None:
    """Staged: the run passed thresholds that are no longer those of the suite.
    Caught by: the gate judges the run's cases again, by the suite as it is now.
    """
    path = project / "evals" / "suites" / "small.yaml"
    path.write_text(path.read_text("utf-8").replace('"min":0.1', '"min":0.9'), "utf-8")
    assert "at least 0.9 is demanded" in why(application)
