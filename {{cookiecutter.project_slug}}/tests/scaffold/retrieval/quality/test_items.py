"""Items of the file tree: each file once, unreadable ones with their reason and the right kind of defect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Rule
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import Entry
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.files import FileTree
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import Item, items
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.texts import problem_kind
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

from tests.scaffold.retrieval.conftest import Project

RULES = [Rule(path="a/**", allow=["group:hr"], deny=["user:eve"]), Rule(path="crm/**", allow=["group:sales"])]


def test_a_file_is_an_item_with_what_is_known_of_it(documents: Project) -> None:
    path = documents.write("a/b.md", "---\ntitle: Cranes\n---\n\nThe crane may be booked.\n")
    (item,) = items("documents", FileTree(path.parents[1], 1000), RetrievalFile(), RULES)
    assert item.document is not None
    assert (item.origin, item.source, item.access) == ("documents", "a/b.md", Access(("group:hr",), ("user:eve",)))
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
    (item,) = items("documents", FileTree(folder, 10_000), RetrievalFile(), RULES)
    assert item.document is None
    assert item.problem.startswith(f"{name}: ")
    assert problem_kind(item.problem) == kind


def test_a_file_is_read_when_it_is_asked_for(documents: Project) -> None:
    for name in "ab":
        documents.write(f"{name}.md", "Text enough for a document.")
    read_one_by_one = items("documents", FileTree(documents.root / "data/documents", 1000), RetrievalFile(), RULES)
    assert next(read_one_by_one).source == "a.md"
    documents.write("b.md", "Other text, written meanwhile.")
    read = next(read_one_by_one).document
    assert read is not None and read.text.startswith("Other")


def test_a_link_is_an_item_that_is_not_followed(documents: Project) -> None:
    path = documents.write("a.md", "Text enough for a document.")
    (path.parent / "loop").symlink_to(path.parent)
    first, second = items("documents", FileTree(path.parent, 1000), RetrievalFile(), RULES)
    assert first.document is not None
    assert "symbolic link" in second.problem


class Tickets:
    """A source with lists of its own, a broken record and a tombstone."""

    def entries(self, since: str | None) -> Iterator[Entry]:
        assert since is None
        yield Entry("1", access=Access(("user:ada",)))
        yield Entry("2")
        yield Entry("3", problem="Record 3 has no text.", payload=b"{}")
        yield Entry("4", deleted=True)
        raise SourceError("The source went away.")

    def cursor(self) -> str | None:
        return None

    def read(self, entry: Entry) -> Raw:
        return Raw(entry.id, f"Ticket {entry.id} is about cranes.".encode(), ".txt", title=f"Ticket {entry.id}")

    def close(self) -> None:
        pass


def test_a_source_of_any_kind_gives_items_and_is_never_checked_in_part() -> None:
    read: list[Item] = []
    with pytest.raises(SourceError, match="went away"):
        for each in items("crm", Tickets(), RetrievalFile(), RULES):
            read.append(each)
    assert [(each.origin, each.source, each.access, each.problem) for each in read] == [
        ("crm", "crm/1", Access(("user:ada",)), ""),
        ("crm", "crm/2", Access(("group:sales",)), ""),
        ("crm", "crm/3", Access(("group:sales",)), "Record 3 has no text."),
    ]
    assert read[0].document is not None
    assert (read[0].document.source, read[0].document.title) == ("crm/1", "Ticket 1")
