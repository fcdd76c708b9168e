"""The index follows the folder, whatever happens to either."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, DocumentError, SourceError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, SyncReport

from .conftest import STAFF, Project

OTHER = Principal("oda", frozenset({"other"}))


def seen(index: Index, query: str = "harbour", caller: Principal = STAFF) -> dict[str, str]:
    return {passage.source: passage.text for passage in index.search(query, caller, k=50)}


def changes(report: SyncReport) -> tuple[list[str], list[str], list[str], int]:
    return report.added, report.changed, report.removed, report.unchanged


def test_what_is_added_changed_renamed_and_deleted_is_followed(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour is closed on Sunday.\n\n" + "Long text. " * 300)
    index = documents.index()
    assert changes(index.sync()) == (["a.md", "b.md"], [], [], 0)
    first = index.digest()
    assert changes(index.sync()) == ([], [], [], 2)
    assert index.digest() == first

    documents.write("a.md", "The harbour opens at seven.")
    assert changes(index.sync()) == ([], ["a.md"], [], 1)
    assert seen(index)["a.md"] == "The harbour opens at seven."
    assert index.digest() != first

    documents.write("b.md", "The harbour is short.")  # fewer passages than before
    report = index.sync()
    assert (changes(report), report.chunks) == (([], ["b.md"], [], 1), 2)

    documents.write("c.md", "The harbour opens at seven.")
    documents.remove("a.md")
    assert changes(index.sync()) == (["c.md"], [], ["a.md"], 1)
    assert seen(index).keys() == {"b.md", "c.md"}
    assert index.documents() == 2


def test_a_document_of_many_passages_is_not_counted_once_it_is_gone(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.\n\n" + "Long text. " * 600)
    documents.write("b.md", "The harbour opens at six.\n\n" + "Long text. " * 600)
    index = documents.index()
    chunks = index.sync().chunks
    documents.remove("a.md")
    documents.write("c.md", "The harbour closes at nine.")
    report = index.sync()
    assert (report.removed, report.documents, report.chunks) == (["a.md"], 2, chunks // 2 + 1)


def test_a_revoked_right_holds_after_the_next_sync(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour closes at nine.")
    index = documents.index()
    index.sync()
    before = index.digest()
    documents.allow({"a.md": ["group:other"], "**": ["group:staff"]})
    assert changes(index.sync()) == ([], ["a.md"], [], 1)
    assert seen(index).keys() == {"b.md"}
    assert seen(index, caller=OTHER).keys() == {"a.md"}
    assert index.digest() != before
    documents.allow({"b.md": ["group:staff"]})
    report = index.sync()
    assert (changes(report), report.unnamed) == (([], [], ["a.md"], 1), ["a.md"])
    assert seen(index, caller=OTHER) == {}


class Down(HashEmbeddings):
    """An embedding whose vendor does not answer."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise ConnectionError("down")


def test_a_revocation_needs_no_embedding(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour closes at nine.")
    documents.write("c.md", "The harbour has a crane.")
    documents.index().sync()
    documents.close()
    documents.write("a.md", "The harbour opens at seven.")
    documents.write("new.md", "The harbour grows.")
    documents.allow({"a.md": ["group:other"], "b.md": ["group:other"], "new.md": ["group:staff"]})
    index = documents.index(Down())
    with pytest.raises(ConnectionError):
        index.sync()
    assert seen(index) == {}
    assert seen(index, caller=OTHER).keys() == {"a.md", "b.md"}


def test_what_cannot_be_read_is_named_dropped_and_the_rest_goes_on(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour closes at nine.")
    index = documents.index()
    index.sync()
    documents.write("b.md", b"\0\1")
    documents.write("c.doc", "old")
    report = index.sync()
    assert [source for source, _ in report.skipped] == ["c.doc", "b.md"]
    assert (report.removed, report.documents, report.chunks) == (["b.md"], 1, 1)
    assert seen(index).keys() == {"a.md"}
    assert "b.md: is not text, but binary data." in report.summary()
    assert report.as_dict()["skipped"][1] == ("b.md", "b.md: is not text, but binary data.")


def test_a_sync_fails_only_where_not_one_document_can_be_read(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    documents.write("a.md", b"\0")
    documents.write("b.md", b"")
    with pytest.raises(DocumentError, match=r"Not one of 2 documents can be read; the first: b\.md: is empty"):
        index.sync()
    assert seen(index).keys() == {"a.md"}  # as it was: the next sync decides


def test_an_empty_folder_is_an_empty_index_and_a_missing_one_a_mistake(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    documents.remove("a.md")
    assert changes(index.sync()) == ([], [], ["a.md"], 0)
    shutil.rmtree(documents.root / "data" / "documents")
    with pytest.raises(SourceError, match="There is no folder"):
        index.sync()


SETTINGS: list[dict[str, Any]] = [{"chunking": {"size": 200, "overlap": 0}}, {"languages": ["de", "en"]}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_other_settings_index_every_document_anew(documents: Project, settings: dict[str, Any]) -> None:
    documents.write("a.md", "The harbour opens at six. " * 20)
    index = documents.index()
    index.sync()
    documents.configure(**settings)
    report = index.sync()
    assert report.added + report.changed == ["a.md"]
    assert seen(index).keys() == {"a.md"}


def test_another_embedding_is_refused_until_all_is_indexed_anew(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.index().sync()
    documents.close()
    index = documents.index(HashEmbeddings(64))
    with pytest.raises(ConfigurationError, match="built with hashing-1024@1, which cannot be had now: .* Run 'ingest'"):
        index.search("harbour", STAFF)
    assert changes(index.sync()) == (["a.md"], [], [], 0)
    assert seen(index).keys() == {"a.md"}


@pytest.mark.parametrize("lost", ["index", "state.db"])
def test_either_half_of_the_state_may_be_lost(documents: Project, lost: str) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour closes at nine.")
    index = documents.index()
    index.sync()
    digest = index.digest()
    documents.close()
    documents.remove("b.md")
    documents.write("b.md", "The harbour closes at nine.")
    path = documents.root / "var" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    index = documents.index()
    index.sync()
    assert index.digest() == digest
    assert seen(index).keys() == {"a.md", "b.md"}


def test_passages_that_no_row_knows_are_removed(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.write("b.md", "The harbour closes at nine.")
    documents.index().sync()
    documents.close()
    (documents.root / "var" / "state.db").unlink()
    documents.remove("b.md")
    index = documents.index()
    assert changes(index.sync()) == (["a.md"], [], [], 0)
    assert seen(index).keys() == {"a.md"}


KILLED_SYNC = """
import os, signal, sys
from pathlib import Path
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, sync
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import EdgeVectorStore
from {{ cookiecutter.package_name }}.scaffold.state import open_state
from tests.scaffold.retrieval.conftest import Only

root, method, when, number = sys.argv[1:]
sync.BATCH_PASSAGES = sync.COMMIT_PASSAGES = 2
original, calls = getattr(EdgeVectorStore, method), 0

def killing(*args, **kwargs):
    global calls
    calls += 1
    if calls == int(number) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **kwargs)
    if calls == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(EdgeVectorStore, method, killing)
settings = Settings(root=Path(root), offline=True)
Index.open(settings, open_state(settings), Only(HashEmbeddings()), Telemetry.start(settings, "tests")).sync()
"""


def old_documents(project: Project) -> None:
    for number in range(4):
        project.write(f"{number}.md", f"The harbour has berth {number}.\n\n" + "# More\n\nLong harbour text. " * 5)
    project.write("gone.md", "The harbour had a lighthouse.")


def new_documents(project: Project) -> None:
    old_documents(project)
    project.remove("gone.md")
    project.write("1.md", "The harbour lost berth 1.")
    project.write("4.md", "The harbour got berth 4.")
    project.write("5.md", "The harbour got berth 5.")
    project.allow({"0.md": ["group:other"], "**": ["group:staff"]})


@pytest.mark.parametrize(
    ("method", "when", "number"),
    [
        ("add_documents", "after", 1),
        ("remove", "after", 1),
        ("remove", "after", 2),
        ("restrict", "after", 1),
        ("flush", "before", 2),
    ],
)
def test_a_sync_that_was_killed_is_mended_by_the_next(
    new_project: Callable[[str], Project], method: str, when: str, number: int
) -> None:
    fresh, killed = new_project("fresh"), new_project("killed")
    new_documents(fresh)
    expected = fresh.index()
    expected.sync()

    old_documents(killed)
    killed.index().sync()
    killed.close()
    new_documents(killed)
    died = subprocess.run(
        [sys.executable, "-c", KILLED_SYNC, str(killed.root), method, when, str(number)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    mended = killed.index()
    mended.sync()
    assert mended.digest() == expected.digest()
    for caller in (STAFF, OTHER):
        for query in ("harbour berth", "lighthouse", "more text"):
            found, wanted = mended.search(query, caller, k=50), expected.search(query, caller, k=50)
            assert {(p.source, p.chunk, p.text, p.sha256) for p in found} == {
                (p.source, p.chunk, p.text, p.sha256) for p in wanted
            }


def test_the_first_sync_killed_while_the_index_is_made_leaves_no_half_of_one(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    (documents.root / "var" / "index" / "1.new" / "shard").mkdir(parents=True)
    (documents.root / "var" / "index" / "1.new" / "shard" / "edge_config.json").write_text("{")
    index = documents.index()
    assert index.search("harbour", STAFF) == []
    index.sync()
    assert seen(index).keys() == {"a.md"}


def test_a_damaged_index_is_named(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.index().sync()
    documents.close()
    (documents.root / "var" / "index" / "1" / "shard" / "edge_config.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"cannot be opened .* delete that folder and run 'ingest'"):
        documents.index().search("harbour", STAFF)


def test_rules_that_cannot_be_read_stop_a_sync(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    Path(documents.root / "data" / "access.yaml").write_text("rules: [", "utf-8")
    with pytest.raises(ConfigurationError, match=r"access\.yaml"):
        index.sync()
