"""What every store does, whatever its engine."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, UsageError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Store

from .conftest import ANN, BOB, KINDS, Open


@pytest.fixture
def store(kind: str, open_kind: Open) -> Store:
    """One of each kind, opened by ann, of group hr."""
    return open_kind(kind, caller=ANN)


def texts(documents: Sequence[Document]) -> list[str]:
    return [document.page_content for document in documents]


def passage(source: str, number: int, text: str, **metadata: Any) -> Document:
    return Document(
        id=f"{source}#{number}", page_content=text, metadata={"source": source, "allow": ["group:hr"], **metadata}
    )


LISTS = [
    ("nobody is allowed", [], [], False),
    ("she is", ["user:ann"], [], True),
    ("her group is", ["group:x", "group:hr"], [], True),
    ("others are", ["group:x", "user:bob"], [], False),
    ("a group with her name is", ["group:ann"], [], False),
    ("another spelling is", ["user:Ann", "user:ann ", "user:an"], [], False),
    ("she is denied", ["group:hr"], ["user:ann"], False),
    ("her group is denied and she is allowed", ["user:ann"], ["group:hr"], False),
    ("others are denied", ["group:hr"], ["user:bob", "group:x"], True),
    ("she is denied and nobody is allowed", [], ["user:ann"], False),
]


@pytest.mark.parametrize(("name", "allow", "deny", "seen"), LISTS, ids=[case[0] for case in LISTS])
def test_a_passage_is_seen_by_whom_its_lists_let_see_it(
    store: Store, name: str, allow: list[str], deny: list[str], seen: bool
) -> None:
    ids = store.add_texts(["the harbour"], [{"allow": allow, "deny": deny}])
    expected = ["the harbour"] if seen else []
    assert texts(store.similarity_search("harbour")) == expected
    assert texts(store.get_by_ids(ids)) == expected
    assert texts(store.max_marginal_relevance_search("harbour")) == expected
    store.restrict("", ["user:bob"], [])
    assert store.similarity_search("harbour") == []
    store.restrict("", allow, deny)
    assert texts(store.similarity_search("harbour")) == expected


def test_without_a_caller_nothing_is_returned(kind: str, open_kind: Open) -> None:
    store = open_kind(kind)
    ids = store.add_texts(["a text", "another text"], [{"allow": ["group:hr"]}, {}])
    assert store.similarity_search("text") == store.get_by_ids(ids) == store.as_retriever().invoke("text") == []
    assert store.max_marginal_relevance_search("text") == []
    assert store.similarity_search_with_score("text") == []
    assert store.hits("text", None, 5) == []
    assert (texts(store.get_by_ids(ids, ANN)), store.get_by_ids(ids, BOB)) == (["a text"], [])
    assert [hit.document.page_content for hit in store.hits("text", ANN, 5)] == ["a text"]


def test_a_caller_whose_name_no_store_can_keep_sees_nothing(store: Store) -> None:
    store.add_texts(["a text"], [{"allow": ["group:hr", "user:a\0b", "user:\ud800"], "deny": ["user:e\0vil"]}])
    for name in ("a\0b", "\ud800", "e\0vil"):
        assert store.hits("text", Principal(name, frozenset({"hr"})), 5) == []
    assert len(store.hits("text", ANN, 5)) == 1


def test_what_the_caller_may_not_see_moves_no_score(store: Store) -> None:
    store.add_documents([passage(f"{n}.md", 0, f"The harbour has berth {n}.") for n in range(9)])
    before = store.hits("harbour berth 3", ANN, 5)
    secret = [passage(f"s{n}.md", 0, "harbour berth", allow=["user:bob"]) for n in range(60)]
    store.add_documents(secret)
    assert store.hits("harbour berth 3", ANN, 5) == before
    assert store.hits("harbour berth 3", BOB, 5)[0].document.metadata["source"].startswith("s")


FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"a", "b", "c"}),
    ({"kind": "memo"}, {"a"}),
    ({"kind": ["memo", "plan"]}, {"a", "b"}),
    ({"year": 2026}, {"b", "c"}),
    ({"year": [2025, 2026]}, {"a", "b", "c"}),
    ({"year": "2026"}, set()),
    ({"tags": "x"}, {"a", "b"}),
    ({"kind": "plan", "year": 2026}, {"b"}),
    ({"kind": "memo", "year": 2026}, set()),
    ({"two words": "ja"}, {"c"}),
    ({"a.b": "dotted"}, {"c"}),
    ({"nested": "key"}, set()),
    ({"unknown": "memo"}, set()),
    ({"kind": []}, set()),
    ({"kind": "me\0mo"}, set()),
    ({"kind": "' OR 1=1 --"}, set()),
    ({"allow": "group:hr"}, set()),
]


@pytest.mark.parametrize(
    ("asked", "found"), FILTERS, ids=lambda value: str(value if value and isinstance(value, dict) else sorted(value))
)
def test_metadata_are_filtered_by(store: Store, asked: dict[str, Any], found: set[str]) -> None:
    store.add_texts(
        ["harbour a", "harbour b", "harbour c", "harbour d"],
        [
            {"kind": "memo", "year": 2025, "tags": ["x", "y"]},
            {"kind": "plan", "year": 2026, "tags": ["x"]},
            {"year": 2026, "tags": [], "two words": "ja", "a.b": "dotted", "nested": {"key": "value"}},
            {"kind": "memo", "year": 2026, "tags": ["x"], "allow": ["user:bob"]},
        ],
        ids=["a", "b", "c", "d"],
    )
    assert {document.id for document in store.similarity_search("harbour", k=9, filter=asked)} == found
    assert {document.id for document in store.max_marginal_relevance_search("harbour", k=9, filter=asked)} == found


@pytest.mark.parametrize("name", ["", 'a"b', "a[0]", "a\0", "x" * 101])
def test_a_name_of_metadata_that_cannot_be_looked_for_is_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="is no name of metadata that can be filtered by"):
        store.similarity_search("harbour", filter={name: "x"})


def test_words_and_embedding_both_find(store: Store) -> None:
    store.add_texts(["The harbour opens at six.", "Harbourmaster's office", "Lunch is at noon."])
    hits = store.hits("harbour", ANN, 3)
    assert [hit.document.page_content for hit in hits][:2] == ["The harbour opens at six.", "Harbourmaster's office"]
    assert [hit.bm25 > 0 for hit in hits] == [True, False, False]
    assert hits[0].score == 1
    assert hits[1].cosine > hits[2].cosine
    assert [hit.document.page_content for hit in store.hits("office harbour", ANN, 1, words_weight=0)] == [
        "Harbourmaster's office"
    ]


def test_scores_are_within_0_and_1_and_fall(store: Store) -> None:
    store.add_texts([f"harbour berth {n} " + "sand " * n for n in range(8)])
    scores = [score for _, score in store.similarity_search_with_relevance_scores("harbour berth 3", k=8)]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] < scores[0] <= 1
    found = store.as_retriever(search_type="similarity_score_threshold", search_kwargs={"score_threshold": scores[0]})
    assert len(found.invoke("harbour berth 3")) == 1


def test_diversity_chooses_what_is_unlike_what_is_chosen(store: Store) -> None:
    same = "The harbour opens at six in the morning."
    store.add_texts([same, same + " ", same + "  ", "The harbour has a crane."])
    assert "The harbour has a crane." not in texts(store.similarity_search("when does the harbour open", k=2))
    found = store.max_marginal_relevance_search("when does the harbour open", k=2, lambda_mult=0.3)
    assert texts(found)[1] == "The harbour has a crane."
    hits = store.hits("when does the harbour open", ANN, 2, diversity=0.7)
    assert [hit.document.page_content for hit in hits] == texts(found)
    assert store.hits("when", ANN, 4, diversity=1)[0] == store.hits("when", ANN, 4)[0]


def test_a_known_id_is_replaced_and_the_last_of_equals_stays(store: Store) -> None:
    store.add_documents([passage("a.md", 0, "The harbour opens at six."), passage("b.md", 0, "Lunch is at noon.")])
    store.add_documents([passage("a.md", 0, "draft"), passage("a.md", 0, "The crane is new.", allow=["user:ann"])])
    assert store.sources() == {"a.md": 1, "b.md": 1}
    assert texts(store.similarity_search("crane", k=1)) == ["The crane is new."]
    assert all(hit.bm25 == 0 for hit in store.hits("harbour draft", ANN, 5))
    with pytest.raises(ValueError, match="argument 2 is longer"):
        store.add_documents([passage("a.md", 0, "one"), passage("a.md", 1, "two")], ids=["a"])


def test_sources_are_counted_removed_and_kept(store: Store) -> None:
    store.add_documents([passage("a.md", n, f"harbour {n}") for n in range(4)])
    store.add_documents([passage("ordner/b ü.md", n, f"harbour {n}", allow=["user:bob"]) for n in range(2)])
    assert store.sources() == {"a.md": 4, "ordner/b ü.md": 2}
    store.remove("a.md", but=["a.md#0", "a.md#3", "ordner/b ü.md#0"])
    assert store.sources() == {"a.md": 2, "ordner/b ü.md": 2}
    assert {document.id for document in store.similarity_search("harbour", k=9)} == {"a.md#0", "a.md#3"}
    store.remove("ordner/b ü.md")
    store.remove("c.md")
    assert store.sources() == {"a.md": 2}
    assert store.delete(["a.md#0", "unknown"])
    assert store.delete([])
    assert store.sources() == {"a.md": 1}
    assert store.delete()
    assert (store.sources(), store.similarity_search("harbour")) == ({}, [])


def test_access_lists_are_not_handed_out(store: Store) -> None:
    store.add_texts(["a text"], [{"allow": ["group:hr"], "deny": ["user:eve"], "kind": "note"}], ids=["t"])
    [found] = store.similarity_search("text")
    assert (found.metadata, store.get_by_ids(["t"])) == ({"kind": "note"}, [found])


ODD = [
    "",
    "  ",
    "?",
    "the of and",
    "\ud800",
    "a\0b",
    "x" * 4000,
    "'; DROP TABLE t; --",
    "日本語",
    "%s %(x)s :x",
    "👩‍👩‍👧",
]


@pytest.mark.parametrize("query", ODD, ids=ascii)
def test_odd_questions_and_texts_are_no_mistakes(store: Store, query: str) -> None:
    store.add_texts([query, "a text"], [{"note": query, "allow": ["group:hr", query]}, {}], ids=[query or "-", "t"])
    assert all(0 <= hit.score <= 1 and 0 <= hit.lexical <= 1.000001 for hit in store.hits(query, ANN, 5))
    assert len(store.get_by_ids([query or "-", "t"])) == 2
    assert store.similarity_search("text", k=1, filter={"note": query}) == store.get_by_ids([query or "-"])


def test_before_the_first_write_there_is_nothing_and_nothing_is_made(store: Store) -> None:
    assert store.similarity_search("text") == store.get_by_ids(["x"]) == []
    assert list(store.points()) == []
    assert store.count() == 0
    assert (store.sources(), store.built(), store.delete(["x"]), store.delete()) == ({}, None, True, True)
    store.remove("a.md")
    store.restrict("a.md", [], [])
    store.flush()
    store.drop()
    assert store.built() is None


def test_another_embedding_is_refused_until_the_index_is_dropped(kind: str, open_kind: Open) -> None:
    store = open_kind(kind, caller=ANN)
    store.add_texts(["a text"])
    store.close()
    other = open_kind(kind, caller=ANN, embeddings=HashEmbeddings(32))
    for use in (lambda: other.similarity_search("text"), lambda: other.add_texts(["more"])):
        with pytest.raises(ConfigurationError, match=r"was built with hashing-64@1 .* now says hashing-32@1"):
            use()
    other.drop()
    other.add_texts(["more"])
    assert texts(other.similarity_search("text")) == ["more"]


def test_all_points_come_once_whole_and_from_where_one_stopped(store: Store) -> None:
    store.add_documents([passage("a.md", n, f"harbour {n}", deny=["user:eve"]) for n in range(600)])
    points = list(store.points())
    assert store.count() == len(points)
    assert sorted(point.id for point in points) == sorted(f"a.md#{n}" for n in range(600))
    assert [point.id for point in store.points(after=points[299].id)] == [point.id for point in points[300:]]
    assert (points[0].allow, points[0].deny, len(points[0].dense)) == (["group:hr"], ["user:eve"], 64)
    assert points[0].words


WORDS = [
    "harbour",
    "berth",
    "crane",
    "gate",
    "lunch",
    "train",
    "hotel",
    "pilot",
    "anchor",
    "tide",
    "lock",
    "quay",
    "rope",
    "light",
    "ferry",
    "dock",
]


def corpus(seed: int, size: int) -> list[Document]:
    draw = random.Random(seed)
    groups = [f"group:{name}" for name in "abcd"]
    return [
        passage(
            f"{n % 40}.md",
            n,
            " ".join(draw.choices(WORDS, k=draw.randint(3, 30))) + f" {n}",
            allow=draw.sample(groups, draw.randint(0, 3)),
            deny=draw.sample(groups, draw.choice([0, 0, 1])),
            year=draw.choice([2024, 2025]),
        )
        for n in range(size)
    ]


def results(store: Store) -> list[list[tuple[Any, ...]]]:
    draw, found = random.Random(3), []
    for turn in range(40):
        caller = Principal("x", frozenset(draw.sample("abcd", draw.randint(1, 3))))
        where = {"year": [2025]} if turn % 3 == 0 else None
        query = " ".join(draw.choices([*WORDS, "unicorn"], k=draw.randint(1, 4))) + f" {turn}"
        hits = store.hits(query, caller, 8, where=where, diversity=turn % 2 * 0.3)
        found.append(
            [
                (hit.document.id, *(round(number, 3) for number in (hit.score, hit.bm25, hit.cosine, hit.lexical)))
                for hit in hits
            ]
        )
    return found


def test_three_stores_give_the_same_passages_in_the_same_order_with_the_same_scores(open_kind: Open) -> None:
    stores = [open_kind(kind) for kind in KINDS]
    for store in stores:
        store.add_documents(corpus(1, 400))
    first, *others = [results(store) for store in stores]
    assert sum(len(found) for found in first) > 200
    for other in others:
        assert other == first


@pytest.mark.parametrize(("taken", "given"), list(itertools.product(KINDS, KINDS)), ids=str)
def test_a_snapshot_of_any_store_fills_any_other(taken: str, given: str, open_kind: Open, tmp_path: Path) -> None:
    store = open_kind(taken, "old", caller=ANN)
    store.add_documents(corpus(2, 300))
    store.add_texts(["ünïcode 日本語 👩‍👩‍👧", "?"], [{"deny": ["user:eve"], "n": [1, {"a": None}]}, {}], ids=["u", "q"])
    assert store.snapshot(tmp_path / "kept") == 302
    copy = open_kind(given, "new", caller=ANN)
    assert copy.restore(tmp_path / "kept") == 302
    assert (results(copy), copy.sources()) == (results(store), store.sources())
    assert copy.get_by_ids(["u"]) == store.get_by_ids(["u"])
    with pytest.raises(ConfigurationError, match="is not empty"):
        copy.restore(tmp_path / "kept")
    with pytest.raises(ConfigurationError, match="is there already"):
        store.snapshot(tmp_path / "kept")


def rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


DAMAGE = [
    ("another text", lambda folder: rewrite(folder / "points.jsonl", "harbour", "habrour")),
    ("cut off", lambda folder: (folder / "vectors.f32").write_bytes(b"")),
    ("half made", lambda folder: (folder / "snapshot.json").unlink()),
    ("something else", lambda folder: (folder / "snapshot.json").write_text(json.dumps(["x"]))),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE, ids=[case[0] for case in DAMAGE])
def test_a_damaged_snapshot_is_refused_and_nothing_is_written(
    open_kind: Open, tmp_path: Path, name: str, damage: Any
) -> None:
    store = open_kind("edge", "old")
    with pytest.raises(ConfigurationError, match="holds nothing yet"):
        store.snapshot(tmp_path / "kept")
    store.add_documents(corpus(2, 20))
    store.snapshot(tmp_path / "kept")
    damage(tmp_path / "kept")
    copy = open_kind("edge", "new")
    with pytest.raises(ConfigurationError, match="is no whole snapshot"):
        copy.restore(tmp_path / "kept")
    assert copy.built() is None


def test_a_snapshot_or_a_restore_that_fails_leaves_nothing(
    store: Store, open_kind: Open, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_documents(corpus(2, 300))
    copy, write, calls = open_kind(kind, "new"), type(store)._write, itertools.count()

    def failing(self: Store, *given: Any) -> None:
        if next(calls):
            raise OSError("disk full")
        write(self, *given)

    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        store.snapshot(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    store.snapshot(tmp_path / "kept")
    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr(type(store), "_write", failing)
        copy.restore(tmp_path / "kept")
    assert copy.built() is None
    assert copy.restore(tmp_path / "kept") == 300


def test_a_snapshot_of_another_embedding_is_refused(open_kind: Open, tmp_path: Path) -> None:
    store = open_kind("edge")
    store.add_documents(corpus(2, 20))
    store.snapshot(tmp_path / "kept")
    with pytest.raises(ConfigurationError, match=r"was made with hashing-64@1 .* now says hashing-32@1"):
        open_kind("edge", "new", embeddings=HashEmbeddings(32)).restore(tmp_path / "kept")


@pytest.mark.parametrize("kind", ["edge", "pgvector"])
def test_many_threads_write_search_and_remove(kind: str, open_kind: Open) -> None:
    problems: list[BaseException] = []
    stores = [open_kind(kind, caller=ANN) for _ in range(1 if kind == "edge" else 4)]

    def run(number: int) -> None:
        store = stores[number % len(stores)]
        try:
            for turn in range(8):
                store.add_documents([passage(f"{number}.md", n, f"harbour {n} {turn}") for n in range(5)])
                store.add_documents([passage("all.md", n, f"harbour {number}") for n in range(5)])
                assert store.similarity_search("harbour")
            store.remove(f"{number}.md", but=[f"{number}.md#0"])
        except BaseException as problem:  # noqa: BLE001  handed to the test's own thread
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert stores[0].sources() == {"all.md": 5, **{f"{number}.md": 1 for number in range(4)}}
