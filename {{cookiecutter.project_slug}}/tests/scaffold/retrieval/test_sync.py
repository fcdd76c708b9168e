"""The index follows the folder, whatever happens to either."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, DocumentError, SourceError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, RetrievalFile, SyncReport
from {{ cookiecutter.package_name }}.scaffold.retrieval import index as index_module
from {{ cookiecutter.package_name }}.scaffold.retrieval import sync as sync_module
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import Entry, connect
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw

from .conftest import STAFF, Project

ROOT = Path(__file__).parents[3]
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
    with pytest.raises(
        ConfigurationError, match=r"built with hashing-1024@1, which cannot be had now: .* Run 'ingest'"
    ):
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
    assert index.missing() == []
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


def test_a_dry_run_says_what_a_sync_would_do_and_changes_nothing(documents: Project) -> None:
    for name in "abcd":
        documents.write(f"{name}.md", f"The harbour has berth {name}.")
    index = documents.index()
    index.sync()
    digest = index.digest()
    documents.write("b.md", "The harbour lost berth b.")
    documents.write("new.md", "The harbour grows.")
    documents.write("e.md", "The harbour has berth d.")
    for gone in ("c.md", "d.md"):
        documents.remove(gone)
    documents.allow({"a.md": ["group:other"], "**": ["group:staff"]})
    dry = index.sync(dry=True)
    assert (changes(dry), dry.renamed) == (
        (["e.md", "new.md"], ["a.md", "b.md"], ["c.md", "d.md"], 0),
        [("d.md", "e.md")],
    )
    assert "  ~ b.md\n" in dry.summary()
    assert (index.digest(), set(seen(index))) == (digest, {"a.md", "b.md", "c.md", "d.md"})
    real = index.sync()
    assert [sorted(names) for names in changes(real)[:3]] == [sorted(names) for names in changes(dry)[:3]]
    assert real.renamed == dry.renamed
    assert changes(index.sync(dry=True)) == ([], [], [], 4)

    documents.write("a.md", "The harbour lost berth a.")
    documents.remove("b.md")
    documents.allow({"a.md": ["group:board"], "b.md": ["group:board"], "new.md": ["group:staff"]})
    dry = index.sync(dry=True)
    assert changes(dry) == ([], ["a.md", "b.md"], ["e.md", "b.md"], 1), "each is named once for each thing that happens"


def test_a_dry_run_tells_of_rules_that_a_listing_of_changes_would_not_show(documents: Project, feed: Feed) -> None:
    feed.records = {"one": ("The harbour has one.", None), "two": ("The harbour has two.", None)}
    index = documents.index()
    index.sync()
    documents.allow({"crm/one": ["group:other"]})
    assert changes(index.sync(dry=True))[1:3] == (["crm/one"], ["crm/two"])
    assert set(seen(index)) == {"crm/one", "crm/two"}


def test_rights_alone_are_brought_in_line_at_once(documents: Project) -> None:
    for name in "abc":
        documents.write(f"{name}.md", f"The harbour has berth {name}.")
    documents.index().sync()
    documents.close()
    documents.write("b.md", "The harbour lost berth b.")
    documents.write("new.md", "The harbour grows.")
    documents.remove("c.md")
    documents.allow({"a.md": ["group:other"], "**": ["group:staff"]})
    index = documents.index(Down())
    report = index.sync(access_only=True)
    assert changes(report) == ([], ["a.md"], ["c.md"], 0)
    assert seen(index) == {"b.md": "The harbour has berth b."}, "no content was read, and no embedding asked"


class Meanwhile(HashEmbeddings):
    """An embedding that takes so long that somebody changes something meanwhile."""

    def __init__(self, change: Callable[[], None]) -> None:
        super().__init__()
        self.change = change

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if len(texts) == 1:
            self.change()
        return super().embed_documents(texts)


def test_a_right_taken_away_while_a_sync_goes_on_does_not_wait_for_its_end(
    documents: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "COMMIT_PASSAGES", 1)
    monkeypatch.setattr(sync_module, "READ_DOCUMENTS", 1)
    for name in "abc":
        documents.write(f"{name}.md", f"The harbour has berth {name}.")
    found: list[set[str]] = []

    def change() -> None:
        found.append(set(seen(index)))
        documents.allow({"a.md": ["group:other"], "b.md": ["group:staff"]})

    index = documents.index(Meanwhile(change))
    index.versions.cut_over(index.start(index.plan(RetrievalFile())), "")  # as if it answered already
    report = index.sync()
    assert found == [set(), set()], "nothing is shown under the rules of before, and c.md is not even embedded"
    assert (report.added, report.unnamed, set(seen(index)), set(seen(index, caller=OTHER))) == (
        ["a.md", "b.md"],
        ["c.md"],
        {"b.md"},
        {"a.md"},
    )
    assert changes(index.sync()) == ([], [], [], 2)


class Feed:  # a record whose text is "broken" breaks its contract
    """A source whose records say themselves who may see them, and which can list what changed."""

    def __init__(self) -> None:
        self.records: dict[str, tuple[str, Access | None]] = {}
        self.listed: list[str | None] = []
        self.broken, self.changed = "", list[str]()

    def entries(self, since: str | None) -> Iterator[Entry]:
        self.listed.append(since)
        for id_ in list(self.records) if since is None else self.changed:
            if id_ not in self.records:
                yield Entry(id_, deleted=True)
                continue
            text, access = self.records[id_]
            if text == "broken":
                yield Entry(id_, problem="text: it is broken", access=access, payload=b"{}")
                continue
            yield Entry(id_, str(len(text)), access=access, payload=text.encode())
            if self.broken:
                raise SourceError(self.broken)

    def cursor(self) -> str | None:
        return str(len(self.listed))

    def read(self, entry: Entry) -> Raw:
        return Raw(entry.id, entry.payload, ".txt")

    def close(self) -> None:
        pass


@pytest.fixture
def feed(documents: Project, monkeypatch: pytest.MonkeyPatch) -> Feed:
    feed = Feed()
    (documents.root / "data" / "feed").mkdir()
    (documents.root / "config" / "sources.yaml").write_text(
        "sources:\n  documents: {kind: files}\n  crm: {kind: files, folder: data/feed}\n", "utf-8"
    )
    monkeypatch.setattr(
        index_module,
        "connect",
        lambda name, each, *rest: feed if each.folder == "data/feed" else connect(name, each, *rest),
    )
    return feed


STAFF_ONLY = Access(("group:staff",))


def test_a_source_may_say_itself_who_sees_what_and_what_changed(documents: Project, feed: Feed) -> None:
    documents.allow({"crm/secret": [], "*.md": ["group:staff"]}, deny={"crm/secret": ["user:sam"]})
    documents.write("a.md", "The harbour opens at six.")
    feed.records = {
        "open": ("The harbour has a customer.", STAFF_ONLY),
        "other": ("The harbour has a rival.", Access(("group:other",))),
        "secret": ("The harbour has a secret.", STAFF_ONLY),
        "silent": ("The harbour says nothing.", None),
    }
    index = documents.index()
    assert index.sync().unnamed == ["crm/silent"]
    assert seen(index).keys() == {"a.md", "crm/open"}, "a rule may take away, but its own lists are what allows"
    assert seen(index, caller=OTHER).keys() == {"crm/other"}

    feed.records["open"] = ("The harbour has two customers.", STAFF_ONLY)
    feed.records["other"] = ("The harbour has a rival.", STAFF_ONLY)
    del feed.records["secret"]
    feed.changed = ["open", "other", "secret"]
    report = index.sync()
    assert (feed.listed, report.removed) == ([None, "1"], ["crm/secret"])
    assert sorted(report.changed) == ["crm/open", "crm/other"]
    assert seen(index)["crm/open"] == "The harbour has two customers."
    assert seen(index, caller=OTHER) == {}

    feed.records["other"], feed.changed = ("The harbour has a rival.", Access(("group:other",))), ["other"]
    assert index.sync().changed == ["crm/other"], "what it takes back is taken back"
    assert (set(seen(index)), set(seen(index, caller=OTHER))) == ({"a.md", "crm/open"}, {"crm/other"})

    documents.configure(chunking={"size": 200, "overlap": 0})
    index.sync()
    assert feed.listed[3:] == [None], "all is indexed otherwise, so all is listed"


def test_a_record_that_breaks_its_contract_is_never_shown_to_more_people_than_before(
    documents: Project, feed: Feed
) -> None:
    documents.allow({"**": ["group:staff", "group:other"]})
    feed.records = {"one": ("The harbour has one.", STAFF_ONLY), "two": ("The harbour has two.", STAFF_ONLY)}
    index = documents.index()
    index.sync()
    feed.records = {"one": ("broken", None), "two": ("broken", Access(("group:board",)))}
    feed.changed = ["one", "two"]
    assert [source for source, _ in index.sync().quarantined] == ["crm/one", "crm/two"]
    assert (set(seen(index)), set(seen(index, caller=OTHER))) == ({"crm/one"}, set())
    assert seen(index, caller=Principal("bea", frozenset({"board"}))).keys() == {"crm/two"}


def test_a_folder_never_passes_for_another_source(documents: Project, feed: Feed) -> None:
    documents.write("crm/one.md", "The harbour has an impostor.")
    documents.write("crm.md", "The harbour has a customer register.")
    feed.records = {"one.md": ("The harbour has one.", STAFF_ONLY)}
    index = documents.index()
    report = index.sync()
    assert (
        "crm/one.md",
        "crm/one.md: its folder has the name of the source crm; rename one of them.",
    ) in report.skipped
    for _ in range(2):
        assert seen(index) == {"crm/one.md": "The harbour has one.", "crm.md": "The harbour has a customer register."}
        assert changes(index.sync())[:3] == ([], [], [])


def test_a_source_that_goes_away_costs_nothing_but_its_own_changes(documents: Project, feed: Feed) -> None:
    documents.write("a.md", "The harbour opens at six.")
    feed.records = {"one": ("The harbour has one.", STAFF_ONLY), "two": ("The harbour has two.", STAFF_ONLY)}
    index = documents.index()
    index.sync()
    documents.write("a.md", "The harbour opens at seven.")
    documents.allow({"crm/two": [], "*.md": ["group:staff"]}, deny={"crm/two": ["group:staff"]})
    feed.broken, feed.changed = "crm does not answer.", ["one"]
    report = index.sync()
    assert report.failed == {"crm": "crm does not answer."}
    assert "  crm: crm does not answer." in report.summary()
    assert seen(index) == {"a.md": "The harbour opens at seven.", "crm/one": "The harbour has one."}, (
        "what is indexed stays, and yet a rule of now holds for it"
    )
    assert [each.reason for each in index.freshness()] == ["nothing is waiting", "its last whole sync"]
    feed.broken = ""
    index.sync()
    assert feed.listed == [None, "1", "1"], "changes are listed from where they were last read whole"


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
sync.READ_DOCUMENTS = 1
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


KILLED_ANYWHERE = """
import os, signal, sys
from pathlib import Path
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, index, sync
from {{ cookiecutter.package_name }}.scaffold.state import open_state
from tests.scaffold.retrieval.conftest import Only

root, limit = sys.argv[1], int(sys.argv[2])
sync.BATCH_PASSAGES, sync.COMMIT_PASSAGES, sync.LISTED, sync.READ_DOCUMENTS = 2, 3, 2, 2
package, calls = sync.__package__, 0

def count(frame, event, argument):
    global calls
    if event in ("call", "return", "c_call", "c_return") and str(frame.f_globals.get("__package__")).startswith(package):
        calls += 1
        if calls == limit:
            os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(root=Path(root), offline=True)
opened = Index.open(settings, open_state(settings), Only(HashEmbeddings(16)), Telemetry.start(settings, "tests"))
sys.setprofile(count)
opened.sync()
sys.setprofile(None)
print(calls)
"""


def run_killed(project: Project, limit: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED_ANYWHERE, str(project.root), str(limit)]
    environment = {"PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)]), "PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def held(index: Index) -> tuple[str, set[tuple[str, str, int, str, str]]]:
    """What the index holds, as whoever asks finds it."""
    found = {
        (caller.id, passage.source, passage.chunk, passage.text, passage.sha256)
        for caller in (STAFF, OTHER)
        for query in ("harbour berth", "lighthouse", "more text")
        for passage in index.search(query, caller, k=50)
    }
    return index.digest(), found


KILLS = 8
"""How often; ``make detach`` and a busy machine pay for each with a process."""


def test_a_sync_killed_anywhere_and_again_leaves_what_a_fresh_build_has(new_project: Callable[[str], Project]) -> None:
    fresh, killed = new_project("fresh"), new_project("killed")
    old_documents(killed)
    whole = run_killed(killed, 0)
    assert whole.returncode == 0, whole.stderr
    new_documents(killed)
    new_documents(fresh)
    expected = fresh.index(HashEmbeddings(16))
    expected.sync()
    chance, steps = random.Random(7), int(whole.stdout)
    died = 0
    for number in range(KILLS):
        killed.write("1.md", f"The harbour lost berth 1, {number}.")  # so that there is always something to do
        died += run_killed(killed, chance.randrange(1, steps)).returncode == -signal.SIGKILL
    assert died > KILLS // 2
    killed.write("1.md", "The harbour lost berth 1.")
    mended = killed.index(HashEmbeddings(16))
    mended.sync()
    assert held(mended) == held(expected)
    assert mended.missing() == []


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
