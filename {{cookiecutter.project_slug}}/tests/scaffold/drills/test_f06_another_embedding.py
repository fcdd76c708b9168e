"""F06: the embedding cannot be changed any more, because everything would have to be indexed anew."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError, LimitReached
from {{ cookiecutter.package_name }}.scaffold.reindex import drop, estimate, listed, reindex, roll_back
from {{ cookiecutter.package_name }}.scaffold.retrieval import sync

from tests.scaffold.models import vendors
from tests.scaffold.reindexing import PRICED, configure, documents_sent

QUESTION = "How long may a remote access session last?"


def quiet(_: str) -> None:
    pass


@contextmanager
def asked_all_the_while(application: Application) -> Iterator[Counter[str]]:
    """Callers that search without a break; how it went."""
    outcomes, over = Counter[str](), threading.Event()
    moira = application.index.directory.get("moira")

    def ask() -> None:
        while not over.is_set():
            try:
                found = application.index.search(QUESTION, moira)
                outcomes["found" if found else "nothing"] += 1
            except Exception as error:  # noqa: BLE001 - whatever fails is what this looks for
                outcomes[repr(error)] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.drill("F06")
def test_the_embedding_is_changed_while_queries_run(served: Application, vendor: vendors.Vendor, project: Path) -> None:
    """Staged: the embedding is changed, changed back, changed once more, and old indexes deleted, under steady queries.
    Caught by: a new index beside the live one, compared, cut over to at once, and the old one kept: no query fails.
    """
    told: list[str] = []
    with asked_all_the_while(served) as outcomes:
        done = reindex(served, told.append, "dense")
        assert (done["index"], done["previous"]) == (2, 1)
        assert roll_back(served, quiet)["index"] == 1
        reindex(served, quiet, "dense")
        reindex(served, quiet, "other", force=True)
        assert drop(served, quiet) == {"dropped": [2]}
        before = outcomes.total()
        while outcomes.total() < before + 10:
            threading.Event().wait(0.01)
    assert set(outcomes) == {"found"}
    assert any(re.match(r"  recall@5 +\d\.\d{3} → \d\.\d{3}", line) for line in told), told
    record = json.loads((project / "var" / "reindex" / f"{done['comparison']['id']}.json").read_text("utf-8"))
    assert record == done["comparison"]
    events = [each for each in served.audit.records() if each["event"].startswith("index_")]
    assert [(each["event"], each["index"], each["replaced"]) for each in events] == [
        ("index_cutover", 2, 1),
        ("index_rollback", 1, 2),
        ("index_cutover", 2, 1),
        ("index_cutover", 3, 2),
    ]


@pytest.mark.drill("F06")
def test_an_embedding_that_finds_less_is_not_cut_over_to(
    served: Application, vendor: vendors.Vendor, project: Path
) -> None:
    """Staged: the new embedding knows nothing but how long a text is, and decides alone.
    Caught by: the comparison on the reviewed cases: it names those that got worse, and the old index answers on.
    """
    settings = project / "config" / "retrieval.yaml"
    settings.write_text(settings.read_text("utf-8").replace("words_weight: 0.8", "words_weight: 0"), "utf-8")
    told: list[str] = []
    with pytest.raises(EvidenceError, match=r"finds less: recall@5 is .* Nothing is changed\. .* --force"):
        reindex(served, told.append, "dense")
    assert any(line.startswith("    worse: ") for line in told)
    assert [(row["id"], row["status"]) for row in listed(served)] == [(2, "building"), (1, "live")]
    sent = len(documents_sent(vendor))
    assert reindex(served, quiet, "dense", force=True)["index"] == 2
    assert not documents_sent(vendor)[sent:], "what was embedded once was kept"


@pytest.mark.drill("F06")
def test_what_the_budget_has_no_room_for_is_not_begun(
    served: Application, vendor: vendors.Vendor, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: indexing anew would cost more than the budget has left, though its first calls would still fit.
    Caught by: the estimate, which is held to every budget; nothing is sent, and nothing begun.
    """
    monkeypatch.setattr(sync, "BATCH_PASSAGES", 2)
    whole = estimate(served, "dense").foreseen.tokens / 10_000
    configure(project, vendor, limits=f"{PRICED}budget:\n  day: {whole / 2:.6f}\n")
    with pytest.raises(LimitReached) as refused:
        reindex(served, quiet, "dense")
    assert vendor.requests == []
    assert "of the budget budget.day of config/limits.yaml" in str(refused.value)
    assert [row["status"] for row in listed(served)] == ["live"]


@pytest.mark.drill("F06")
def test_the_previous_index_comes_back_with_the_rights_of_today(served: Application, project: Path) -> None:
    """Staged: after the change a right is revoked and a document deleted; then somebody rolls back.
    Caught by: the previous index is held to today's rules and deletions before it answers.
    """
    moira = served.index.directory.get("moira")
    found = {passage.source for passage in served.index.search(QUESTION, moira, k=50)}
    revoked, deleted = "security/remote-access.md", "travel/pool-cars.txt"
    assert {revoked, deleted} <= found
    reindex(served, quiet, "dense", force=True)
    rules = project / "data" / "access.yaml"
    rule = f"rules:\n  - path: {revoked}\n    allow: [user:nobody]\n"
    rules.write_text(rules.read_text("utf-8").replace("rules:\n", rule, 1), "utf-8")
    (project / "data" / "documents" / deleted).unlink()
    roll_back(served, quiet)
    assert served.index.versions.live(now=True).id == 1  # type: ignore[union-attr]
    assert not {revoked, deleted} & {passage.source for passage in served.index.search(QUESTION, moira, k=50)}


KILLED = """
import os, signal, sys
from {package}.scaffold import cli
from {package}.scaffold.retrieval import sync
from {package}.scaffold.retrieval.stores import Store
from tests.scaffold.reindexing import opened

sync.BATCH_PASSAGES = sync.COMMIT_PASSAGES = sync.READ_DOCUMENTS = 2
original, calls = Store.add_documents, 0

def killing(*args, **kwargs):
    global calls
    calls += 1
    result = original(*args, **kwargs)
    if calls == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

Store.add_documents = killing
sys.argv = ["app", "reindex", "--embedding", "dense", "--yes", "--force"]
cli.run(lambda settings: opened(settings.root))
"""


@pytest.mark.drill("F06")
def test_a_build_that_was_killed_goes_on_where_it_was(
    served: Application, vendor: vendors.Vendor, project: Path
) -> None:
    """Staged: the process is killed while it fills the new index, and the command is given again.
    Caught by: the half-built index is kept, goes on, and what it holds is not embedded a second time.
    """
    served.index.close()
    package = Application.__module__.partition(".")[0]
    died = subprocess.run(
        [sys.executable, "-c", KILLED.replace("{package}", package)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"], "APP_ROOT": str(project)},
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    moira = served.index.directory.get("moira")
    assert served.index.search(QUESTION, moira), "the live index answers on"
    before = len(documents_sent(vendor))
    left = estimate(served, "dense")
    assert 0 < left.done < left.documents
    assert reindex(served, quiet, "dense", force=True)["index"] == 2
    again = documents_sent(vendor)[before:]
    assert len(again) == left.foreseen.passages
    assert (served.index.missing(), served.index.documents()) == ([], left.documents)
