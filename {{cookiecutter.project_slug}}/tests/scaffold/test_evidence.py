"""Fingerprints: the same for the same, different for every difference, git or no git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evidence import COMPARED, commit, digest_files, fingerprint

DATASET = Path("evals/datasets/knowledge.jsonl")


def test_nothing_changed_means_the_same_fingerprint(application: Application, project: Path) -> None:
    first = fingerprint(application, project / DATASET)
    assert first == fingerprint(application, project / DATASET)
    assert first.keys() == {*COMPARED, "commit"}
    assert all(len(first[part]) == 64 for part in COMPARED)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("config/prompts/answer.de.yaml", "prompts"),
        ("evals/datasets/knowledge.jsonl", "dataset"),
        ("data/access.yaml", "index"),
        ("config/retrieval.yaml", "index"),
        ("governance/policy.yaml", "policy"),
    ],
)
def test_a_byte_more_in_a_file_changes_its_part_and_no_other(
    application: Application, project: Path, file: str, part: str
) -> None:
    before = fingerprint(application, project / DATASET)
    with (project / file).open("a") as handle:
        handle.write("\n")
    after = fingerprint(application, project / DATASET)
    assert [name for name in before if before[name] != after[name]] == [part]


def test_a_document_more_in_the_index_changes_the_index(application: Application, project: Path) -> None:
    before = fingerprint(application, project / DATASET)
    (project / "data" / "documents" / "travel" / "new.md").write_text("# Trams\n\nTrams are free for staff.\n", "utf-8")
    application.index.sync()
    after = fingerprint(application, project / DATASET)
    assert [name for name in before if before[name] != after[name]] == ["index"]


def test_a_tree_is_named_by_names_and_contents(tmp_path: Path) -> None:
    def digest() -> str:
        return digest_files(tmp_path, tmp_path.rglob("*"))

    seen = [digest()]
    (tmp_path / "sub").mkdir()
    assert digest() == seen[0], "an empty folder is nothing"
    (tmp_path / "sub" / "a.py").write_text("x = 1")
    seen.append(digest())
    (tmp_path / "sub" / "a.py").write_text("x = 2")
    seen.append(digest())
    (tmp_path / "sub" / "a.py").rename(tmp_path / "a.py")
    seen.append(digest())
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    seen.append(digest())
    assert len(set(seen)) == len(seen)


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


def test_the_commit_is_named_with_whether_it_is_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) == "none"
    git(tmp_path, "init", "--quiet")
    assert commit(tmp_path) == "none"
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    git(tmp_path, "tag", "v1")
    clean = commit(tmp_path)
    assert len(clean) == 40
    (tmp_path / "a").write_text("2")
    assert commit(tmp_path) == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert commit(tmp_path) == "none"
