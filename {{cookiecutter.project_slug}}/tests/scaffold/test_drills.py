"""The drills' table: every drill says what it stages, and the worst outcome is what counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.detach import ROOT

HEAD = 'import pytest\n\npytest_plugins = ["tests.scaffold.drills"]\n'
DRILL = '''

@pytest.mark.drill("{id}")
@pytest.mark.parametrize("value", [True, {second}])
def test_{name}(value):
    """{doc}"""
    assert value
'''
DOC = "Staged: a cable\n    is cut.\n    Caught by: the spare.\n    "


def run(folder: Path, *drills: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = drill(id): a drill\n", "utf-8")
    (folder / "conftest.py").write_text(HEAD, "utf-8")
    defaults = {"id": "F08", "second": "True", "name": "it", "doc": DOC}
    text = HEAD.splitlines()[0] + "".join(DRILL.format(**{**defaults, **drill}) for drill in drills)
    (folder / "test_it.py").write_text(text, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--drills", "-p", "no:cacheprovider"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_drill_is_a_line_with_the_worst_of_its_outcomes(tmp_path: Path) -> None:
    done = run(tmp_path, {"name": "late", "id": "F15"}, {"name": "early", "second": "False"})
    lines = [each.split("  ") for each in done.stdout.splitlines() if each.strip().startswith("F")]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert [line for line in cells if line[0] in ("F08", "F15")] == [
        ["F08", "access lists applied inside the search", "a cable is cut.", "the spare.", "NOT CAUGHT"],
        ["F15", "append-only, chained audit log", "a cable is cut.", "the spare.", "caught"],
    ]


@pytest.mark.parametrize(
    "drill",
    [
        {"doc": "A test."},
        {"doc": "Staged: something."},
        {"doc": "Staged: \n    Caught by: the spare."},
        {"doc": "Caught by: the spare.\n    Staged: something."},
        {"id": "F99"},
    ],
)
def test_a_drill_that_does_not_say_what_it_stages_is_refused(tmp_path: Path, drill: dict[str, str]) -> None:
    done = run(tmp_path, drill)
    assert done.returncode == 4
    assert "a drill is marked with an id" in done.stderr
    assert "test_it.py::test_it[" in done.stderr
