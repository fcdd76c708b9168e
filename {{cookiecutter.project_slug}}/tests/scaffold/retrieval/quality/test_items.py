"""Items of the file tree: each file once, unreadable ones with their reason and the right kind of defect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Rule
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.files import FileTree
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.settings import Files
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import Item, items_of
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.texts import problem_kind
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

from tests.scaffold.retrieval.conftest import Project


def file_items(folder: Path, settings: RetrievalFile, rules: list[Rule]) -> Iterator[Item]:
    tree = FileTree(folder, int(settings.max_megabytes * 1_000_000))
    return items_of({"documents": (Files(kind="files"), tree)}, settings, rules)


def test_a_source_that_cannot_be_listed_is_an_item_that_cannot_be_read(tmp_path: Path) -> None:
    (item,) = file_items(tmp_path / "gone", RetrievalFile(), [])
    assert (item.document, item.problem.startswith("documents: There is no folder")) == (None, True)
    assert problem_kind(item.problem) == "unreadable"


def test_a_file_is_an_item_with_what_is_known_of_it(documents: Project) -> None:
    path = documents.write("a/b.md", "---\ntitle: Cranes\n---\n\nThe crane may be booked.\n")
    (item,) = file_items(path.parents[1], RetrievalFile(), [Rule(path="a/**", allow=["group:hr"])])
    assert item.document is not None
    assert (item.origin, item.source, item.access) == ("documents", "a/b.md", Access(("group:hr",)))
    assert (item.document.title, item.problem, item.size) == ("Cranes", "", path.stat().st_size)
    assert item.modified is not None and item.modified.timestamp() == pytest.approx(path.stat().st_ctime)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b" \n\t\n", "empty"),
        ("a.md", b"---\ntitle: T\n---\n", "empty"),
        ("a.html", b"<html><body></body></html>", "empty"),
        ("a.md", "Größe".encode("latin-1"), "encoding"),
        ("a.html", b'<meta charset="klingon"><p>text', "encoding"),
        ("a.md", b"\x89PNG\x00\x00", "unreadable"),
        ("a.pdf", b"%PDF-1.4 broken", "unreadable"),
        ("a.exe", b"MZ", "unreadable"),
        ("a.md", b"---\ntitle: [\n---\ntext", "unreadable"),
        ("a.md", b"x" * 20_000, "oversized"),
    ],
)
def test_what_cannot_be_read_is_an_item_with_its_reason(documents: Project, name: str, data: bytes, kind: str) -> None:
    folder = documents.write(name, data).parent
    (item,) = file_items(folder, RetrievalFile(max_megabytes=0.01), [])
    assert item.document is None
    assert item.problem.startswith(f"{name}: ")
    assert problem_kind(item.problem) == kind


def test_a_file_is_read_when_it_is_asked_for(documents: Project) -> None:
    for name in "ab":
        documents.write(f"{name}.md", "Text enough for a document.")
    items = file_items(documents.root / "data" / "documents", RetrievalFile(), [])
    assert next(items).source == "a.md"
    documents.write("b.md", "Other text, written meanwhile.")
    read = next(items).document
    assert read is not None and read.text.startswith("Other")


def test_a_link_is_an_item_that_is_not_followed(documents: Project) -> None:
    path = documents.write("a.md", "Text enough for a document.")
    (path.parent / "loop").symlink_to(path.parent)
    first, second = file_items(path.parent, RetrievalFile(), [])
    assert first.document is not None
    assert "symbolic link" in second.problem
