"""A file that is as it was is not opened; whatever happens to one, the index has its bytes after the next sync."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import files
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import read_bytes
from {{ cookiecutter.package_name }}.scaffold.retrieval.manifest import Manifest

from tests.scaffold.retrieval.conftest import Project

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows does not count changes: files are always read")


class Counted(HashEmbeddings):
    """Knows how many texts it embedded."""

    count = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.count += len(texts)
        return super().embed_documents(texts)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files were read; all that a test writes is old enough for its stamp to tell."""
    names: list[str] = []

    def reading(folder: Path, source: str, max_bytes: int) -> tuple[bytes, str]:
        names.append(source)
        return read_bytes(folder, source, max_bytes)

    monkeypatch.setattr(files, "read_bytes", reading)
    monkeypatch.setattr(files, "RACY_NS", 0)
    return names


def rewrite(path: Path) -> None:
    """As many bytes, and the times that people see."""
    before = path.stat()
    path.write_text("The harbour opens at ten.", "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def put_another_in_its_place(path: Path) -> None:
    before, other = path.stat(), path.with_name(".other")
    other.write_text("The harbour opens at ten.", "utf-8")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def write_through_another_name(path: Path) -> None:
    other = path.with_name(".other")
    other.hardlink_to(path)
    rewrite(other)


def change_places(path: Path) -> None:
    """With one that is as long and of the same age."""
    other, between = path.with_name("b.md"), path.with_name(".between")
    path.replace(between)
    other.replace(path)
    between.replace(other)


@pytest.mark.parametrize("change", [rewrite, put_another_in_its_place, write_through_another_name, change_places])
def test_what_changed_is_found_however_it_was_done(
    documents: Project, opened: list[str], change: Callable[[Path], None]
) -> None:
    path, other = (
        documents.write("a.md", "The harbour opens at six."),
        documents.write("b.md", "The harbour opens at ten."),
    )
    now = time.time_ns()
    for each in (path, other):
        os.utime(each, ns=(now, now))
    index = documents.index()
    index.sync()
    opened.clear()
    assert (index.sync().unchanged, opened) == (2, [])
    change(path)
    assert "a.md" in index.sync().changed
    opened.clear()
    assert (index.sync().unchanged, opened) == (2, [])


def test_a_file_that_was_touched_is_read_once_and_not_embedded_again(documents: Project, opened: list[str]) -> None:
    path, embeddings = documents.write("a.md", "The harbour opens at six."), Counted()
    index = documents.index(embeddings)
    index.sync()
    embedded = embeddings.count
    os.utime(path, ns=(0, 0))
    opened.clear()
    assert [index.sync().unchanged for _ in range(3)] == [1, 1, 1]
    assert (opened, embeddings.count) == (["a.md"], embedded)


@pytest.mark.parametrize("seconds", [3600, -3600], ids=["changed a moment ago", "the clock is behind the files'"])
def test_a_stamp_that_may_not_tell_is_not_relied_on(
    documents: Project, opened: list[str], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seconds > 0:
        monkeypatch.setattr(files, "RACY_NS", seconds * 10**9)
    else:
        behind = time.time_ns() + seconds * 10**9
        monkeypatch.setattr(time, "time_ns", lambda: behind)
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    opened.clear()
    assert (index.sync().unchanged, opened) == (1, ["a.md"])


def test_from_time_to_time_the_bytes_are_read_all_the_same(
    documents: Project, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = documents.write("a.md", "The harbour opens at six.")
    monkeypatch.setattr(files.FileTree, "_stamp", lambda *_: "a file system that tells nothing")
    index = documents.index()
    index.sync()
    path.write_text("The harbour opens at ten.", "utf-8")
    assert index.sync().unchanged == 1
    hourly = {"sources": {"documents": {"kind": "files", "full_every_hours": 0}}}
    (documents.root / "config" / "sources.yaml").write_text(yaml.safe_dump(hourly), "utf-8")
    assert index.sync().changed == ["a.md"]


def test_what_is_in_doubt_is_indexed_anew_and_what_is_too_large_by_now_is_named(
    documents: Project, opened: list[str]
) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour opens at ten, and closes at night. " * 50)
    index = documents.index()
    index.sync()
    Manifest(index._state, 1).doubt(["a.md"])
    assert index.sync().changed == ["a.md"]
    documents.configure(max_megabytes=0.001)
    (skipped,) = index.sync().skipped
    assert "is larger than config/retrieval.yaml allows" in skipped[1]
