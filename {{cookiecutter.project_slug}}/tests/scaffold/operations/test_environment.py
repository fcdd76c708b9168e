"""``.env.example`` and the hooks name what there is, and all of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.config import Settings

ROOT = Path(__file__).resolve().parents[3]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
LINES = {"case.schema.json", "label.schema.json"}  # of files of lines, which loading them checks
SCHEMA_HOOKS = [hook for hook in HOOKS if "--schemafile" in hook["entry"]]


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    named = set(re.findall(r"\b(APP_\w+)=", (ROOT / ".env.example").read_text("utf-8")))
    assert named == {f"APP_{name.upper()}" for name in Settings.model_fields} - {"APP_ROOT"}


def test_the_example_environment_sets_nothing() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_git_ignores_secrets_and_state() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {".env", "var/", "evals/runs/", ".venv/"} <= set(ignored)


def test_every_schema_is_held_against_its_files_before_a_commit() -> None:
    checked = {Path(shlex.split(hook["entry"])[2]).name for hook in SCHEMA_HOOKS}
    assert checked == {path.name for path in (ROOT / "schemas").glob("*.json")} - LINES


@pytest.mark.parametrize("hook", SCHEMA_HOOKS, ids=lambda hook: hook["id"])
def test_the_hook_finds_its_files_and_a_mistake_in_them(hook: dict[str, Any], tmp_path: Path) -> None:
    name, *arguments = shlex.split(hook["entry"])
    assert name == ".venv/bin/check-jsonschema"
    files = [p for p in ROOT.rglob("*.yaml") if re.search(hook["files"], p.relative_to(ROOT).as_posix())]
    assert files, f"nothing matches {hook['files']}"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(files[0].read_text("utf-8") + "\nthere_is_no_such_field: 1\n", "utf-8")
    for paths, exit_code in ((files, 0), ([wrong], 1)):
        command = [sys.executable, "-m", "check_jsonschema", *arguments, *map(str, paths)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == exit_code
