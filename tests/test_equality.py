"""Both engines write the same project, byte for byte, for every supported combination of choices."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from engines import (
    QUESTIONS,
    SPEC,
    TREE,
    Answers,
    by_cookiecutter,
    by_cookiecutter_command,
    by_copier,
    by_copier_command,
    by_cruft_command,
    combinations,
    commit,
    differences,
    git,
    named,
    pairwise,
    run,
    snapshot,
    template_files,
)
from presets import PRESETS
from rendered import leftovers, unfit_names, unparsable

FEW = pairwise()


@pytest.mark.parametrize(
    "answers",
    [pytest.param(each, marks=[] if each in FEW else pytest.mark.long) for each in combinations()],
    ids=named,
)
def test_every_combination_is_the_same_by_both_engines_and_sound(answers: Answers, plain: Path, tmp_path: Path) -> None:
    one = by_cookiecutter(plain, tmp_path / "cookiecutter", answers)
    other = by_copier(plain, tmp_path / "copier", answers)
    found = snapshot(one)
    assert differences(found, snapshot(other)) == []
    assert unparsable(one) == []
    assert leftovers(one, "acme_assistant") == []
    assert unfit_names(list(found)) == []
    for row in SPEC["_conditional_paths"]:
        wanted = all(answers[key] in values for key, values in row["only"].items())
        assert (row["path"] in found) == wanted
    shutil.rmtree(one)
    shutil.rmtree(other)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_documented_commands_write_the_same(preset: str, released: Path, tmp_path: Path) -> None:
    answers = PRESETS[preset]
    one = by_cookiecutter_command(released, tmp_path / "cookiecutter", answers)
    other = by_copier_command(released, tmp_path / "copier", answers)
    assert differences(snapshot(one), snapshot(other)) == []


@pytest.mark.parametrize("make", [by_cookiecutter_command, by_copier_command], ids=["cookiecutter", "copier"])
def test_answers_are_recorded_so_that_copier_can_update(
    make: Callable[[Path, Path, Answers], Path], released: Path, tmp_path: Path
) -> None:
    project = make(released, tmp_path, {"license": "MIT"})
    recorded = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert list(recorded) == ["_commit", "_src_path", *QUESTIONS, "starter_files"]
    assert recorded["_commit"] == "v1000.0.0"
    assert recorded["_src_path"] == str(released)
    assert recorded["license"] == "MIT"


def test_cruft_makes_the_same_project(released: Path, tmp_path: Path) -> None:
    one = snapshot(by_cookiecutter_command(released, tmp_path / "cookiecutter", {}))
    other = snapshot(by_cruft_command(released, tmp_path / "cruft", {}))
    del other[".cruft.json"]
    assert differences(one, other) == ["contents differ: .copier-answers.yml"]  # a commit where others know the tag
    recorded = yaml.safe_load(other[".copier-answers.yml"][1] or b"")
    assert recorded["_commit"] == git(released, "rev-parse", "HEAD")
    assert recorded["_src_path"] == str(released)


def test_a_git_address_is_recorded_without_its_credentials(released: Path, tmp_path: Path) -> None:
    address = "https://someone:secret@git.example.com/team/genai-template"
    redirect = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{released}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{address}.git",
    }
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    run("cookiecutter", "--no-input", f"{address}.git", cwd=one, environment=redirect)
    run("copier", "copy", "--defaults", f"{address}.git", "acme-assistant", cwd=other, environment=redirect)
    assert differences(snapshot(one), snapshot(other)) == []
    text = (one / "acme-assistant" / ".copier-answers.yml").read_text(encoding="utf-8")
    assert '_src_path: "https://git.example.com/team/genai-template.git"' in text


def test_a_relative_path_to_the_template_is_recorded_in_full(released: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "template").symlink_to(released)
    run("cookiecutter", "--no-input", "../template", "--output-dir", "sub/folder", cwd=tmp_path / "here")
    text = (tmp_path / "here/sub/folder/acme-assistant/.copier-answers.yml").read_text(encoding="utf-8")
    assert f'_src_path: "{released}"' in text


def test_a_zip_has_no_versions_and_so_no_answers_file(plain: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "template"), "zip", plain.parent, plain.name)
    said = run("cookiecutter", "--no-input", archive, cwd=tmp_path).stdout
    assert "No .copier-answers.yml was written" in said
    assert not (tmp_path / "acme-assistant" / ".copier-answers.yml").exists()


def test_an_unreleased_state_says_when_updates_begin(tmp_path: Path, released: Path) -> None:
    template = tmp_path / "genai-template"
    run("git", "clone", "--quiet", released, template, cwd=tmp_path)
    (template / "note.txt").write_text("after the release\n")
    commit(template, "later")
    said = run("cookiecutter", "--no-input", template, cwd=tmp_path).stdout
    assert re.search(r"Made from an unreleased state \(v1000\.0\.0-1-g\w+\)", said)


def test_names_in_the_template_suit_every_file_system() -> None:
    assert unfit_names(template_files()) == []


def test_files_that_are_not_text_arrive_as_they_are(default: Path) -> None:
    """Each engine has its own idea of what is binary; a file on which they differ would be rendered by one."""
    for name in template_files():
        if name.startswith(TREE) and name.endswith((".pdf", ".png", ".ico", ".gz", ".docx", ".xlsx", ".woff2")):
            made = default / name.removeprefix(f"{TREE}/")
            assert made.read_bytes() == (Path(__file__).parent.parent / name).read_bytes(), name
