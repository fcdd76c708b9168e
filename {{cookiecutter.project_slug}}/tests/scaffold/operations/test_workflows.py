"""What runs on the code host is what runs on a person's machine: make targets, and as few rights as they need."""

from __future__ import annotations

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
