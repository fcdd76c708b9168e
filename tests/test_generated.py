"""A generated project installs, passes its own checks and runs, by the commands that its people type."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines import Answers, by_cookiecutter, named, pairwise, run
from presets import PRESETS
from questions import ROOT


def make(project: Path, *targets: str) -> str:
    return run("make", "--no-print-directory", *targets, cwd=project).stdout


@pytest.mark.project
def test_the_default_project_passes_its_own_checks(default: Path) -> None:
    make(default, "setup")
    make(default, "lint")
    make(default, "test")


@pytest.mark.project
def test_a_first_look_needs_one_command() -> None:
    """`make demo` of this repository: from nothing to the result of the gate."""
    said = run("make", "--no-print-directory", "demo", cwd=ROOT).stdout
    assert "cd build/demo/acme-assistant && make run" in said


@pytest.mark.long
@pytest.mark.project
@pytest.mark.parametrize("answers", pairwise(), ids=named)
def test_every_pair_of_choices_passes_its_own_checks(answers: Answers, plain: Path, tmp_path: Path) -> None:
    project = by_cookiecutter(plain, tmp_path, answers)
    make(project, "setup")
    make(project, "lint")
    make(project, "test")


@pytest.mark.long
@pytest.mark.project
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs_its_own_demo(preset: str, plain: Path, tmp_path: Path) -> None:
    project = by_cookiecutter(plain, tmp_path, PRESETS[preset])
    make(project, "demo")


@pytest.mark.long
@pytest.mark.project
def test_other_names_work_as_well_as_the_default_ones(plain: Path, tmp_path: Path) -> None:
    answers = {"project_name": "Ünïcödé \"Bot\" 🎉 \\ 'x'", "project_slug": "no", "package_name": "other_name"}
    project = by_cookiecutter(plain, tmp_path, answers)
    make(project, "setup")
    make(project, "lint")
    make(project, "test")
