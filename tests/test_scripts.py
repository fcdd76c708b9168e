"""The commands of this repository refuse what cannot work, and say what would."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines import commit, copy_template, git, pairwise, run, supported
from questions import ROOT


def test_make_alone_prints_every_target() -> None:
    said = run("make", cwd=ROOT).stdout
    for target in ("setup", "demo", "test", "test-all", "lint", "bench", "render", "release"):
        assert f"  {target} " in said


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    copy = copy_template(tmp_path / "genai-template")
    (copy / "releases.json").unlink(missing_ok=True)
    commit(copy, "as it is")
    return copy


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("", '"" is not a version; write three numbers, such as 0.2.0'),
        ("v1.0", '"v1.0" is not a version; write three numbers, such as 0.2.0'),
        ("999.0.0", 'CHANGELOG.md has no section "## 999.0.0"'),
    ],
)
def test_a_release_that_cannot_be_is_refused(version: str, sentence: str, repository: Path) -> None:
    done = run("python", "scripts/release.py", *filter(None, [version]), cwd=repository, check=False)
    assert done.returncode == 2
    assert sentence in done.stdout


def test_a_release_is_recorded_and_tagged_once(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text("# Changes\n\n## 900.0.0\n", encoding="utf-8")
    done = run("python", "scripts/release.py", "900.0.0", cwd=repository, check=False)
    assert (done.returncode, "not committed" in done.stdout) == (2, True)
    commit(repository, "changes")
    before = git(repository, "rev-parse", "HEAD")
    run("python", "scripts/release.py", "900.0.0", cwd=repository)
    assert git(repository, "describe") == "v900.0.0"
    assert before in (repository / "releases.json").read_text(encoding="utf-8")
    again = run("python", "scripts/release.py", "900.0.0", cwd=repository, check=False)
    assert "does not come after 900.0.0" in again.stdout


def test_few_combinations_hold_every_pair() -> None:
    few = pairwise()
    pairs = {(answers["model_provider"], answers["data_classification"]) for answers in few}
    assert len(few) < 1.25 * len(pairs)  # each takes a combination of its own
    assert all(supported(answers) for answers in few)
