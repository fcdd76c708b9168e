"""What runs on the code host is what runs on a person's machine: make targets, and as few rights as they need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="this project was generated without workflows")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key "on" as true, which nothing here looks at.
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


@each_workflow
def test_the_workflow_is_valid(path: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@each_workflow
def test_every_step_is_a_make_target(path: Path) -> None:
    commands = [step["run"] for step in steps(path) if "run" in step]
    assert commands
    for command in commands:
        assert re.fullmatch(r"make [a-z-]+", command), f"{command!r}: write it as a target of the Makefile"
        assert command.removeprefix("make ") in TARGETS


@each_workflow
def test_actions_are_pinned_by_commit(path: Path) -> None:
    for action in [step["uses"] for step in steps(path) if "uses" in step]:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{action}: a tag can be moved, name the commit"


@each_workflow
def test_rights_are_given_one_by_one(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "write" not in job["permissions"].values()
        assert job["timeout-minutes"] <= 60


def how(path: Path) -> list[str]:
    """How the answers that a workflow measures are had."""
    return [step.get("env", {}).get("EVAL", "") for step in steps(path) if step.get("run") == "make eval"]


def test_a_change_is_measured_on_recorded_answers_without_a_secret_and_every_night_the_models_are_asked() -> None:
    changes, nightly = (ROOT / f".github/workflows/{name}.yml" for name in ("ci", "nightly"))
    assert (how(changes), how(nightly)) == (["--replay"], ["--live"])
    assert "secrets." not in changes.read_text("utf-8")


def test_no_workflow_measures_the_offline_model_in_the_place_of_another() -> None:
    for step in [step for path in WORKFLOWS for step in steps(path)]:
        if step.get("run") in ("make eval", "make gate", "make data-check"):
            assert step.get("env", {}).get("APP_OFFLINE", "0") == "0", step
    for workflow in map(read, WORKFLOWS):
        assert "APP_OFFLINE" not in workflow.get("env", {})


@each_workflow
def test_what_was_measured_is_kept_and_shown_whatever_came_of_it(path: Path) -> None:
    if not how(path):
        return
    (kept,) = [step for step in steps(path) if "upload-artifact" in step.get("uses", "")]
    assert (kept["with"]["path"].split(), kept["if"]) == (["evals/runs", "var/reports"], "always()")
    (shown,) = [step for step in steps(path) if step.get("run") == "make summary"]
    assert "!cancelled()" in shown["if"]


def test_the_summary_goes_onto_the_page_of_the_job(tmp_path: Path) -> None:
    reports, page = tmp_path / "var" / "reports", tmp_path / "page.md"
    reports.mkdir(parents=True)
    (reports / "evaluation-knowledge.md").write_text("### Evaluation\n", "utf-8")
    page.write_text("before\n", "utf-8")
    subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "summary"],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_STEP_SUMMARY": str(page)},
        check=True,
    )
    assert page.read_text("utf-8") == "before\n### Evaluation\n"
