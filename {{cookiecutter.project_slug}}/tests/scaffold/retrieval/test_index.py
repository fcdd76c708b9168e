"""Searching: what a passage says, how rankings fuse, what the settings refuse."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ModelUnavailable, StoreUnavailable
from {{ cookiecutter.package_name }}.scaffold.retrieval import RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.fusion import fuse
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Qdrant

from .conftest import STAFF, Project


def test_a_passage_says_where_it_is_from(documents: Project) -> None:
    path = documents.write(
        "travel/policy.md",
        "---\ntitle: Travel policy\nupdated: 2026-03-01\nstatus: superseded\n---\n"
        "# Travel policy\n\nBy train.\n\n## Hotels\n\nIn Hamburg up to 150 EUR.\n",
    )
    index = documents.index()
    index.sync()
    passage = index.search("hotel Hamburg", STAFF)[0]
    assert passage.text == "## Hotels\n\nIn Hamburg up to 150 EUR."
    assert (passage.source, passage.chunk) == ("travel/policy.md", 1)
    assert (passage.title, passage.section) == ("Travel policy", "Hotels")
    assert (passage.updated, passage.language, passage.status) == ("2026-03-01", "en", "superseded")
    assert passage.score == 1.0
    assert passage.lexical == pytest.approx(1)
    assert passage.bm25 > 0
    assert passage.cosine > 0
    assert passage.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_title_finds_passages_that_do_not_repeat_it(documents: Project) -> None:
    documents.write("a.md", "---\ntitle: Parental leave\n---\nFourteen weeks on full pay.")
    documents.write("b.md", "---\ntitle: Annual leave\n---\nThirty days on full pay.")
    index = documents.index()
    index.sync()
    assert index.search("parental leave", STAFF)[0].source == "a.md"


def test_settings_are_followed_while_running(documents: Project) -> None:
    for number in range(9):
        documents.write(f"{number}.md", f"The harbour has berth {number}.")
    index = documents.index()
    index.sync()
    assert len(index.search("harbour", STAFF)) == 5
    documents.configure(passages=2, words_weight=0)
    assert len(index.search("harbour", STAFF)) == 2
    assert len(index.search("harbour", STAFF, k=7)) == 7
    documents.configure(passages=0)
    assert len(index.search("harbour", STAFF)) == 2
    assert "passages" in str(index.error)


FUSED = [
    ("one ranking", [["a", "b"]], [1.0], [("a", 1.0), ("b", 11 / 12)]),
    ("agreement", [["a", "b"], ["a", "b"]], [0.5, 0.5], [("a", 1.0), ("b", 11 / 12)]),
    (
        "the heavier ranking leads",
        [["a", "b"], ["b", "a"]],
        [0.8, 0.2],
        [("a", 0.8 + 0.2 * 11 / 12), ("b", 0.8 * 11 / 12 + 0.2)],
    ),
    ("a weight of nothing", [["a"], ["b"]], [0.0, 1.0], [("b", 1.0)]),
    ("found by one alone", [["a"], ["b"]], [0.75, 0.25], [("a", 0.75), ("b", 0.25)]),
    ("nothing found", [[], []], [0.5, 0.5], []),
]


@pytest.mark.parametrize(("name", "rankings", "weights", "expected"), FUSED, ids=[case[0] for case in FUSED])
def test_rankings_fuse(
    name: str, rankings: list[list[str]], weights: list[float], expected: list[tuple[str, float]]
) -> None:
    fused = fuse(rankings, weights)
    assert [item for item, _ in fused] == [item for item, _ in expected]
    assert [score for _, score in fused] == pytest.approx([score for _, score in expected])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"languages": []}, "languages"),
    ({"languages": ["xx"]}, "'da', 'de', 'en'"),
    ({"chunking": {"size": 10}}, "chunking.size: input should be greater than or equal to 100, not 10"),
    ({"chunking": {"size": 200, "overlap": 150}}, "at most half of size (100) is allowed"),
    ({"words_weight": 1.5}, "less than or equal to 1, not 1.5"),
    ({"passage": 3}, "did you mean 'passages'?"),
    ({"max_megabytes": 0}, "greater than 0"),
]


@pytest.mark.parametrize(("values", "message"), WRONG, ids=str)
def test_wrong_settings_are_refused_with_what_is_allowed(
    documents: Project, values: dict[str, Any], message: str
) -> None:
    documents.configure(**values)
    with pytest.raises(ConfigurationError) as refused:
        documents.index()
    assert message in str(refused.value)
    assert "retrieval.yaml:" in str(refused.value)


def test_a_search_leaves_a_span_and_metrics_without_text(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    index.search("harbour", STAFF)
    assert index.documents() == 1
    page = documents.telemetry.metrics_page().decode()
    assert "app_passages_total 1.0" in page
    assert "app_indexed_documents 1.0" in page
    assert "harbour" not in page


def test_an_index_that_is_gone_is_an_error_and_no_answer(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    assert index.search("harbour", STAFF) == [], "nothing was indexed yet"
    index.sync()
    assert (index.missing(), len(index.search("harbour", STAFF))) == ([], 1)
    index.close()
    shutil.rmtree(documents.root / "var" / "index")
    assert index.missing() == ["a.md"]
    with pytest.raises(ConfigurationError, match="is gone; run 'ingest'"):
        index.search("harbour", STAFF)
    index.sync()
    assert (index.missing(), len(index.search("harbour", STAFF))) == ([], 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "built.json").write_text("{", "utf-8"),
        lambda folder: (folder / "built.json").write_text('{"surprise": 1}', "utf-8"),
        lambda folder: (folder / "built.json").unlink(),
        lambda folder: folder.rename(folder.with_name("away")) and folder.write_text("", "utf-8"),
    ],
    ids=["half a file", "another file", "no file", "a file in place of the folder"],
)
def test_a_damaged_index_is_named_whatever_is_done_with_it(documents: Project, damage: Callable[[Path], Any]) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    index.close()
    damage(documents.root / "var" / "index" / "1")
    for use in (lambda: index.search("harbour", STAFF), index.sync):
        with pytest.raises(ConfigurationError, match=r"cannot be opened .*; delete that folder and run 'ingest'"):
            use()


def test_a_disk_without_room_is_named_before_the_engine_writes(
    documents: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    with monkeypatch.context() as disk:
        disk.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5_000_000))
        with pytest.raises(ConfigurationError, match="has 5 MB left, and the index needs at least 64 MB"):
            index.sync()
    assert index.sync().added == ["a.md"]


class Unreachable(Embeddings):
    label = "far away"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise ModelUnavailable("Nobody is there.")

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_the_index_is_kept_where_the_new_embedding_cannot_be_reached(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    documents.index().sync()
    documents.close()
    with pytest.raises(ModelUnavailable):
        documents.index(Unreachable()).sync()
    documents.close()
    assert len(documents.index().search("harbour", STAFF)) == 1


def test_a_search_may_be_narrowed(documents: Project) -> None:
    documents.write("a.md", "---\nlanguage: de\n---\nThe harbour opens at six.")
    documents.write("b.md", "---\nlanguage: en\n---\nThe harbour opens at seven.")
    index = documents.index()
    index.sync()

    def found(**where: list[str]) -> list[str]:
        return sorted(passage.source for passage in index.search("harbour", STAFF, where=where))

    assert found(language=["de"]) == ["a.md"]
    assert found(language=["de", "en"], origin=["documents"]) == ["a.md", "b.md"]
    assert found(origin=["crm"]) == []


def by_length(query: str, passages: Sequence[str]) -> Sequence[float]:
    return [len(passage) for passage in passages]


def test_a_search_asks_the_reranker_that_the_configuration_names(documents: Project) -> None:
    documents.write("a.md", "The harbour.")
    documents.write("b.md", "There is a long story about a harbour, and about much else.")
    index = documents.index()
    index.sync()
    assert [passage.source for passage in index.search("harbour", STAFF)] == ["a.md", "b.md"]
    documents.configure(reranker=f"{__name__}:by_length")
    assert [passage.source for passage in index.search("harbour", STAFF)] == ["b.md", "a.md"]


def test_metrics_are_told_whatever_is_wrong_with_the_sources(
    documents: Project, caplog: pytest.LogCaptureFixture
) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    (documents.root / "config" / "sources.yaml").write_text("sources: [", "utf-8")
    index.measure()
    assert "app_indexed_documents 1.0" in documents.telemetry.metrics_page().decode()
    assert "nobody knows how fresh the sources are" in caplog.text


def test_a_store_that_is_gone_for_good_can_be_left(documents: Project) -> None:
    documents.write("a.md", "The harbour opens at six.")
    index = documents.index()
    index.sync()
    gone = index.plan(RetrievalFile(store=Qdrant(kind="qdrant", url="http://127.0.0.1:1", timeout_seconds=1)))
    index.versions.cut_over(index.versions.start(gone), gone.label)
    with pytest.raises(StoreUnavailable):
        index.search("harbour", STAFF)
    told: list[str] = []
    assert index.sync(told.append).documents == 1
    assert "is not held to today's rights before it is replaced" in " ".join(told)
    assert [passage.source for passage in index.search("harbour", STAFF)] == ["a.md"]
