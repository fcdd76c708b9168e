"""A project keeps what its people did, gets what the template did, and says so when it cannot have both.

Projects are made by each engine from version 1000.0.0 of a copy of this template (what is here, as if released
now) and updated to versions that the tests make. Released versions come from `releases.json`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from engines import (
    SPEC,
    TREE,
    Answers,
    by_cookiecutter_command,
    by_copier_command,
    by_cruft_command,
    commit,
    copy_template,
    differences,
    git,
    run,
    snapshot,
    template_files,
)
from questions import ROOT, outputs

Make = Callable[[Path, Path, Answers], Path]
ENGINES = {"cookiecutter": by_cookiecutter_command, "copier": by_copier_command, "cruft": by_cruft_command}
RELEASES: dict[str, str] = (
    json.loads((ROOT / "releases.json").read_text(encoding="utf-8")) if (ROOT / "releases.json").exists() else {}
)
USE_CASE = "src/acme_assistant/knowledge_assistant"
PACKAGE = "src/{{cookiecutter.package_name}}"
TOO_MANY = (f"{TREE}/{PACKAGE}/scaffold/", f"{TREE}/tests/scaffold/", f"{TREE}/data/", f"{TREE}/docs/")
TEXT = "first line\n" + "".join(f"line {number}\n" for number in range(20)) + "last line\n"
READS_NEW_QUESTION = "region: {{ cookiecutter.region }}\n"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    write(root, name, text.replace(old, new, 1))


def change_questions(template: Path, change: Callable[[dict[str, Any]], None]) -> None:
    spec = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    change(spec)
    write(template, "cookiecutter.json", json.dumps(spec, ensure_ascii=False, indent=2))
    write(template, "copier.yml", outputs(template)[template / "copier.yml"])


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """This template with a few more files to change, released as 1000.0.0.

    Most of its code is left out: copier takes milliseconds a file, and an update renders the project three times.
    """
    kept = [name for name in template_files() if not name.startswith(TOO_MANY) or name.endswith("__init__.py")]
    copy = copy_template(tmp_path / "genai-template", only=kept)
    tree = copy / TREE
    for name in (
        "maintained.txt",
        "edited.txt",
        "goes.txt",
        "removed_by_user.txt",
        f"{PACKAGE}/scaffold/maintained.txt",
        "config/mine.txt",
        "config/removed_by_user.txt",
        "data/sample/removed_by_user.txt",
        f"{PACKAGE}/knowledge_assistant/mine.txt",
        "tests/knowledge_assistant/mine.txt",
        "operations/notes/mine.yaml",
    ):
        write(tree, name, TEXT)
    write(tree, "operations/notes/mine.yaml", "first: line\nlast: line\n")
    commit(copy, "first", "v1000.0.0")
    return copy


def release_changes(template: Path) -> None:
    """Version 1001.0.0: changes, a new file, a file that goes, a new question, a new file for the user to own."""
    tree = template / TREE
    for name in ("maintained.txt", "edited.txt", "removed_by_user.txt", f"{PACKAGE}/scaffold/maintained.txt"):
        edit(tree, name, "last line", "last line, changed by the template")
    for name in (
        "config/mine.txt",
        "config/removed_by_user.txt",
        "data/sample/removed_by_user.txt",
        f"{PACKAGE}/knowledge_assistant/mine.txt",
        "tests/knowledge_assistant/mine.txt",
    ):
        edit(tree, name, "last line", "must not reach a project that exists")
    edit(tree, "operations/notes/mine.yaml", "last: line", "last: must not reach a project that exists")
    (tree / "goes.txt").unlink()
    write(tree, f"{PACKAGE}/scaffold/arrives.txt", "new\n")
    write(tree, "region.yaml", READS_NEW_QUESTION)
    write(tree, "config/arrives.txt", "a new starter file\n")
    write(tree, "config/does_not_arrive.txt", "one that nobody listed\n")

    def change(spec: dict[str, Any]) -> None:
        after = {"region": "eu", **{key: spec.pop(key) for key in list(spec) if key.startswith("_")}}
        spec.update(after)
        spec["__prompts__"]["region"] = "Where it runs"
        spec["_validators"]["region"] = [{"match": "[a-z]+", "say": "is no region."}]
        spec["_questions"].append("region")
        spec["_starter_files"] += 1
        spec["_arrivals"]["config/arrives.txt"] = spec["_starter_files"]

    change_questions(template, change)
    commit(template, "second", "v1001.0.0")


def edit_as_people_do(project: Path) -> None:
    edit(project, "edited.txt", "first line", "first line, edited by a person")
    for name in ("config/mine.txt", f"{USE_CASE}/mine.txt", "tests/knowledge_assistant/mine.txt"):
        edit(project, name, "last line", "last line, edited by a person")
    edit(project, "operations/notes/mine.yaml", "last: line", "last: edited by a person")
    write(project, "added.txt", "added by a person\n")
    write(project, "config/added.txt", "added by a person\n")
    write(project, "src/acme_assistant/scaffold/added.txt", "added by a person\n")
    for name in ("removed_by_user.txt", "config/removed_by_user.txt", "data/sample/removed_by_user.txt"):
        (project / name).unlink()


KEPT = {
    "config/mine.txt": "last line, edited by a person",
    f"{USE_CASE}/mine.txt": "last line, edited by a person",
    "tests/knowledge_assistant/mine.txt": "last line, edited by a person",
    "operations/notes/mine.yaml": "last: edited by a person",
    "added.txt": "added by a person",
    "config/added.txt": "added by a person",
    "src/acme_assistant/scaffold/added.txt": "added by a person",
    "edited.txt": "first line, edited by a person",
}
REMOVED = ("goes.txt", "removed_by_user.txt", "config/removed_by_user.txt", "data/sample/removed_by_user.txt")


def unmerged(project: Path) -> list[str]:
    """Files in which an update left its conflicts: copier exits with 0 all the same."""
    return [
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_file()
        and ".git" not in path.relative_to(project).parts
        and (path.suffix == ".rej" or re.search(rb"(?m)^(<<<<<<<|>>>>>>>) ", path.read_bytes()))
    ]


def owned(name: str, package: str = "acme_assistant") -> bool:
    paths = [path.replace("{{ cookiecutter.package_name }}", package) for path in SPEC["_owned"]]
    return any(name == path or name.startswith(f"{path}/") for path in paths)


def update(project: Path) -> str:
    return run("copier", "update", "--defaults", cwd=project).stdout


def made(engine: str, template: Path, tmp_path: Path, answers: Answers | None = None) -> Path:
    project = ENGINES[engine](template, tmp_path / engine, answers or {})
    commit(project, "made")
    return project


def assert_current(project: Path, fresh: Path, *, touched: set[str]) -> None:
    """Where nobody had a hand in it, the project is what the new version would make."""

    def untouched(root: Path) -> dict[str, tuple[int, bytes | None]]:
        files = {name: found for name, found in snapshot(root).items() if found[1] is not None}
        return {name: found for name, found in files.items() if not owned(name) and name not in touched}

    assert differences(untouched(project), untouched(fresh)) == []


@pytest.mark.parametrize("engine", ["cookiecutter", "copier"])
def test_an_update_to_the_same_version_changes_nothing(engine: str, released: Path, tmp_path: Path) -> None:
    project = made(engine, released, tmp_path)
    update(project)
    assert git(project, "status", "--porcelain") == ""


def test_an_update_to_the_same_version_names_the_version_where_cruft_named_the_commit(
    released: Path, tmp_path: Path
) -> None:
    project = made("cruft", released, tmp_path)
    update(project)
    assert git(project, "status", "--porcelain").split() == ["M", ".copier-answers.yml"]
    assert git(project, "diff", "--numstat").split()[:2] == ["1", "1"]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_update_brings_what_the_template_did_and_keeps_what_people_did(
    engine: str, template: Path, tmp_path: Path
) -> None:
    project = made(engine, template, tmp_path)
    edit_as_people_do(project)
    commit(project, "our work")
    release_changes(template)

    update(project)

    assert unmerged(project) == []
    for name, text in KEPT.items():
        assert text in (project / name).read_text(encoding="utf-8"), name
        assert "must not reach" not in (project / name).read_text(encoding="utf-8"), name
    for name in (*REMOVED, "config/does_not_arrive.txt"):
        assert not (project / name).exists(), name
    assert "changed by the template" in (project / "edited.txt").read_text(encoding="utf-8")
    assert (project / "config/arrives.txt").read_text(encoding="utf-8") == "a new starter file\n"
    assert (project / "region.yaml").read_text(encoding="utf-8") == "region: eu\n"
    fresh = by_copier_command(template, tmp_path / "fresh", {})
    assert_current(project, fresh, touched={*KEPT, *REMOVED, ".cruft.json"})


def test_a_starter_file_that_was_thrown_away_stays_away(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    release_changes(template)
    update(project)
    (project / "config/arrives.txt").unlink()
    edit(project, "config/mine.txt", "first", "our")
    commit(project, "not needed")
    edit(template / TREE, "config/arrives.txt", "starter", "newer starter")
    edit(template / TREE, "maintained.txt", "first line", "first line, changed again")
    commit(template, "third", "v1002.0.0")

    update(project)

    assert not (project / "config/arrives.txt").exists()
    assert "changed again" in (project / "maintained.txt").read_text(encoding="utf-8")
    assert "our line" in (project / "config/mine.txt").read_text(encoding="utf-8")


def test_a_file_that_is_already_there_is_not_overwritten_by_a_new_starter_file(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    write(project, "config/arrives.txt", "ours was here first\n")
    commit(project, "ours")
    release_changes(template)
    update(project)
    assert (project / "config/arrives.txt").read_text(encoding="utf-8") == "ours was here first\n"


def test_two_versions_can_be_jumped_at_once(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    edit_as_people_do(project)
    commit(project, "our work")
    release_changes(template)
    edit(template / TREE, "maintained.txt", "first line", "first line, changed again")
    commit(template, "third", "v1002.0.0")
    update(project)
    assert unmerged(project) == []
    assert (project / "config/arrives.txt").exists()
    fresh = by_copier_command(template, tmp_path / "fresh", {})
    assert_current(project, fresh, touched={*KEPT, *REMOVED})


def test_cruft_updates_its_own_projects_and_keeps_what_people_did(template: Path, tmp_path: Path) -> None:
    """cruft knows no owned files but those that `tool.cruft.skip` of the project names."""
    project = made("cruft", template, tmp_path)
    edit_as_people_do(project)
    commit(project, "our work")
    release_changes(template)

    run("cruft", "update", "--skip-apply-ask", cwd=project)

    assert unmerged(project) == []
    for name, text in KEPT.items():
        assert text in (project / name).read_text(encoding="utf-8"), name
        assert "must not reach" not in (project / name).read_text(encoding="utf-8"), name
    assert "changed by the template" in (project / "edited.txt").read_text(encoding="utf-8")
    for name in REMOVED:
        assert not (project / name).exists(), name


def test_a_conflict_is_left_in_the_file_and_can_be_found(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    edit(project, "maintained.txt", "last line", "last line, edited by a person")
    commit(project, "our edit of a maintained file")
    release_changes(template)
    update(project)
    assert unmerged(project) == ["maintained.txt"]
    assert "UU maintained.txt" in git(project, "status", "--short")


def test_what_an_update_rejects_is_shown_by_git(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    edit(project, "maintained.txt", "last line", "last line, edited by a person")
    commit(project, "our edit of a maintained file")
    release_changes(template)
    run("copier", "update", "--defaults", "--conflict", "rej", cwd=project)
    assert "edited by a person" not in (project / "maintained.txt").read_text(encoding="utf-8")
    assert "edited by a person" in (project / "maintained.txt.rej").read_text(encoding="utf-8")
    assert "?? maintained.txt.rej" in git(project, "status", "--short")


def test_an_option_can_be_changed_by_an_update(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    update_to = {"ci": "none", "deployment": "none"}
    given = [part for key, value in update_to.items() for part in ("--data", f"{key}={value}")]
    run("copier", "update", "--defaults", *given, cwd=project)
    for row in SPEC["_conditional_paths"]:
        assert not (project / row["path"]).exists()
    commit(project, "without")
    run("copier", "update", "--defaults", "--data", "ci=github", "--data", "deployment=compose", cwd=project)
    commit(project, "with, as before")
    assert git(project, "diff", "--stat", "HEAD~2") == ""


def test_a_fresh_copy_over_a_project_spares_what_is_the_users(template: Path, tmp_path: Path) -> None:
    project = made("cookiecutter", template, tmp_path)
    edit_as_people_do(project)
    commit(project, "our work")
    run("copier", "recopy", "--defaults", "--overwrite", cwd=project)
    for name, text in KEPT.items():
        if owned(name) or "added" in name:
            assert text in (project / name).read_text(encoding="utf-8"), name


def test_an_update_needs_the_new_question_answered_by_its_default_only(template: Path, tmp_path: Path) -> None:
    project = made("copier", template, tmp_path)
    release_changes(template)
    update(project)
    recorded = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (recorded["region"], recorded["_commit"]) == ("eu", "v1001.0.0")


def test_cruft_is_told_what_belongs_to_the_user(released: Path, tmp_path: Path) -> None:
    import tomllib

    project = made("cookiecutter", released, tmp_path)
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    expected = [path.replace("{{ cookiecutter.package_name }}", "acme_assistant") for path in SPEC["_owned"]]
    assert settings["tool"]["cruft"]["skip"] == expected


def with_release(version: str, tmp_path: Path) -> Path:
    """A clone of this repository in which only the given version is tagged, and what is here comes after it."""
    if run("git", "cat-file", "-e", RELEASES[version], cwd=ROOT, check=False).returncode:
        pytest.skip(f"this clone does not hold the commit of version {version}")
    template = tmp_path / "genai-template"
    run("git", "clone", "--quiet", ROOT, template, cwd=tmp_path)
    for tag in git(template, "tag").split():
        git(template, "tag", "--delete", tag)
    git(template, "checkout", "--quiet", RELEASES[version])
    git(template, "tag", f"v{version}")
    return template


def release_what_is_here(template: Path) -> None:
    for path in template.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    copy_template(template)
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--allow-empty", "--message", "what is here")
    git(template, "tag", "v1000.0.0")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("version", RELEASES)
def test_every_released_version_updates_to_what_is_here(version: str, engine: str, tmp_path: Path) -> None:
    template = with_release(version, tmp_path)
    project = made(engine, template, tmp_path)
    names = set(git(project, "ls-files").splitlines())
    mine = sorted(name for name in names if name.startswith("config/") and name.endswith(".yaml"))
    readme = (project / "README.md").read_text(encoding="utf-8")
    write(project, "README.md", f"{readme}\n## Our notes\n\nWritten by us.\n")
    for name in mine:
        write(project, name, (project / name).read_text(encoding="utf-8") + "# ours\n")
    write(project, f"{USE_CASE}/ours.py", "OURS = True\n")
    gone = next(name for name in sorted(names) if name.startswith("data/"))
    (project / gone).unlink()
    commit(project, "our work")
    release_what_is_here(template)

    update(project)

    assert unmerged(project) == []
    assert (project / "README.md").read_text(encoding="utf-8").endswith("Written by us.\n")
    assert all((project / name).read_text(encoding="utf-8").endswith("# ours\n") for name in mine)
    assert (project / f"{USE_CASE}/ours.py").exists()
    assert not (project / gone).exists()
    fresh = by_copier_command(template, tmp_path / "fresh", {})
    assert_current(project, fresh, touched={"README.md", ".cruft.json"})
