"""What a prompt shows: as much as fits, nothing twice, and of two that contradict the newest first, and said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.retrieval import Packed, Passage, pack
from {{ cookiecutter.package_name }}.scaffold.retrieval.chunking import split
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Document
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Chunking

PLENTY = 100_000


def passage(text: str, source: str = "a.md", chunk: int = 0, **fields: Any) -> Passage:
    given: dict[str, Any] = {
        "title": "Rules",
        "score": 0.5,
        "lexical": 0.5,
        "bm25": 1.0,
        "cosine": 0.5,
        "origin": "documents",
        "updated": None,
        "sha256": source,
        "section": "",
        "language": "en",
        "status": None,
        **fields,
    }
    return Passage(text=text, source=source, chunk=chunk, **given)


def two(old: str, new: str, **fields: Any) -> Packed:
    """Of two documents, the older one first, as a search may well give them."""
    older = passage(old, "old.md", updated="2023-02-01", **fields)
    return pack([older, passage(new, "new.md", updated="2026-03-01", **fields)], PLENTY)


def sources(packed: Packed) -> list[str]:
    return [each.source for each in packed.passages]


def test_what_does_not_fit_is_left_out_whole_and_the_best_stays() -> None:
    given = [passage("word " * length, f"{length}.md") for length in (40, 400, 20)]
    assert sources(pack(given, PLENTY)) == ["40.md", "400.md", "20.md"]
    packed = pack(given, 300)
    assert sources(packed) == ["40.md", "20.md"]
    assert [each.text for each in packed.passages] == [given[0].text, given[2].text]


@given(st.lists(st.text(max_size=300), min_size=1, max_size=8), st.integers(100, 1000))
def test_the_budget_holds_for_any_text(texts: list[str], tokens: int) -> None:
    given = [passage(text, f"{number}.md") for number, text in enumerate(texts)]
    try:
        packed = pack(given, tokens)
    except ConfigurationError:
        assert all(len(text.encode()) / 2 > tokens - 60 for text in texts)
        return
    assert sum(len(each.text.encode()) / 2 for each in packed.passages) <= tokens
    assert sources(packed) == sorted(sources(packed))


def test_when_nothing_fits_it_says_so_and_how_much_would() -> None:
    with pytest.raises(ConfigurationError, match=r"Not one of 2 passages .* about 1045 tokens; raise context_tokens"):
        pack([passage("x" * 2000), passage("x" * 3000)], 1000)
    assert pack([], 100).excerpts == []


def cut(text: str, section: str = "") -> list[Passage]:
    """A text as the index cuts it."""
    document = Document("long.txt", "Long", text, None, "en", None, "0" * 64)
    chunks = split(document, Chunking(size=200, overlap=60))
    return [passage(chunk.text, "long.txt", chunk.number, section=section) for chunk in chunks]


LONG = " ".join(f"Sentence number {number} is here." for number in range(40))


@given(st.permutations(range(len(cut(LONG)))))
def test_neighbours_that_overlap_become_one_piece_in_whatever_order_they_were_found(order: list[int]) -> None:
    chunks = cut(LONG)
    packed = pack([chunks[number] for number in order], PLENTY)
    assert [(excerpt.passage.text, len(excerpt.ids)) for excerpt in packed.excerpts] == [(LONG, len(chunks))]


def test_a_piece_stands_where_its_best_part_stood_with_that_parts_signals() -> None:
    chunks = cut(LONG)
    best = passage("Something else altogether.", "other.md", score=0.9)
    found = [chunks[3], best, chunks[2], chunks[0]]
    packed = pack([passage(**{**vars(each), "score": 1 - n / 10}) for n, each in enumerate(found)], PLENTY)
    assert [excerpt.ids for excerpt in packed.excerpts] == [
        ("long.txt#2", "long.txt#3"),
        ("other.md#0",),
        ("long.txt#0",),
    ]
    assert packed.passages[0].score == 1
    assert packed.passages[0].text in LONG


@pytest.mark.parametrize(
    "fields",
    [{"source": "b.md", "sha256": "a.md"}, {"chunk": 2}, {"section": "Other"}, {"sha256": "an earlier version"}],
    ids=["another document", "no neighbour", "another section", "another version"],
)
def test_other_passages_stay_apart_whatever_they_share(fields: dict[str, Any]) -> None:
    shared = "these words end one and begin the other"
    first = passage(f"One. {shared}", chunk=0)
    second = passage(**{**vars(passage(f"{shared} Two.", chunk=1)), **fields})
    assert len(pack([first, second], PLENTY).excerpts) == 2
    assert len(pack([first, passage(f"{shared} Two.", chunk=1)], PLENTY).excerpts) == 1
    assert len(pack([passage("ends with a"), passage("a begins", chunk=1)], PLENTY).excerpts) == 2


CONTRADICTING = [
    ("A hotel may cost 120 EUR a night.", "A hotel may cost 150 EUR a night."),
    ("First class is allowed after four hours.", "Trains leave. First class is allowed after three hours."),
    ("Expenses are claimed by 1 March 2023 at the latest.", "Expenses are claimed by 1 March 2026 at the latest."),
    ("Install version v2.3 of the client.", "Install version v4.0 of the client."),
    ("Der Zuschuss beträgt 3,80 EUR je Essen.", "Der Zuschuss beträgt 4,20 EUR je Essen."),
    ("| Place | Limit |\n|---|---|\n| Hamburg | 120 EUR |", "Place | Limit\nHamburg | 150 EUR"),
    ("- Level 3: up to 500 EUR\n- Level 4: up to 900 EUR", "- Level 3: up to 550 EUR\n- Level 4: up to 900 EUR"),
    ("Reply within 5 days, from Monday on.", "Reply within 1,000 days, from Monday on."),
]
AGREEING = [
    ("A hotel may cost 150 EUR a night.", "A hotel may cost 150 EUR a night."),
    ("The prize is 1,000.50 EUR for winners.", "The prize is 1.000,50 EUR for winners."),
    ("First class is allowed after 3 hours.", "First class is allowed after three hours."),
    ("A hotel may cost 120 EUR a night.", "A parking space may cost 15 EUR a week."),
    ("The probe L300 weighs 5 kg in air.", "The probe L310 weighs 7 kg in air."),
    ("| Hamburg | 120 EUR |", "| Berlin | 150 EUR |"),
    ("- Level 3: up to 500 EUR\n- Level 4: up to 900 EUR", "- Level 4: up to 900 EUR"),
    ("Level 3: 500 EUR for trips.", "Level 4: 900 EUR for trips."),
    ("You may book 2 rooms at once.", "You may not book 3 rooms at once."),
    ("Nothing is said here.", "Nothing is told there."),
    ("", "7"),
]


@pytest.mark.parametrize(("old", "new"), CONTRADICTING)
def test_of_two_that_state_the_same_with_other_figures_the_newer_stands_first_and_is_named(old: str, new: str) -> None:
    packed = two(old, new, section="Travel")
    assert sources(packed) == ["new.md", "old.md"]
    assert packed.notes == ["[1] is newer than [2], and states the same with other figures."]


@pytest.mark.parametrize(("old", "new"), AGREEING)
def test_what_does_not_contradict_stays_as_it_was_found(old: str, new: str) -> None:
    packed = two(old, new, section="Travel")
    assert (sources(packed), packed.notes) == (["old.md", "new.md"], [])


def test_rows_of_tables_under_other_headings_are_of_other_things() -> None:
    old = passage("| Hamburg | 120 EUR |", "old.md", section="Parking", updated="2023-02-01")
    new = passage("| Hamburg | 150 EUR |", "new.md", section="Hotels", updated="2026-03-01")
    assert pack([old, new], PLENTY).notes == []


def test_one_document_does_not_contradict_itself() -> None:
    given = [passage(text, chunk=chunk) for chunk, text in enumerate(CONTRADICTING[0])]
    assert pack(given, PLENTY).notes == []


@pytest.mark.parametrize(
    ("old", "new"), [(None, None), ("2026-03-01", "2026-03-01"), (None, "2026-03-01"), ("2023", None)]
)
def test_where_no_date_tells_which_is_newer_that_is_said(old: str | None, new: str | None) -> None:
    given = [passage(CONTRADICTING[0][0], "old.md", updated=old), passage(CONTRADICTING[0][1], "new.md", updated=new)]
    packed = pack(given, PLENTY)
    assert sources(packed) == ["old.md", "new.md"]
    assert packed.notes == ["[1] states the same as [2] with other figures, and nothing tells which is newer."]


def test_of_many_versions_the_newest_comes_first_and_each_is_set_against_the_older_ones() -> None:
    dates = ["2022-01-01", "2024-01-01", "2021-01-01", "2026-01-01"]
    given = [passage(f"A hotel may cost {n}0 EUR.", f"{d[:4]}.md", updated=d) for n, d in enumerate(dates, 8)]
    other = passage("Unrelated, and found first.", "other.md")
    packed = pack([other, *given], PLENTY)
    assert sources(packed)[0:2] == ["other.md", "2026.md"]
    assert sources(packed).index("2024.md") < sources(packed).index("2022.md") < sources(packed).index("2021.md")
    for note in packed.notes:
        found = re.fullmatch(r"\[(\d)\] is newer than (.*), and states the same with other figures\.", note)
        assert found
        assert all(int(found[1]) < int(older) for older in re.findall(r"\d", found[2]))
    assert len(packed.notes) == 3


def test_what_says_of_itself_that_it_is_superseded_stands_last_and_is_named() -> None:
    superseded = passage(CONTRADICTING[0][0], "a.md", updated="2026-12-24", status="superseded")
    packed = pack([superseded, passage("Unrelated.", "b.md"), passage(CONTRADICTING[0][1], "c.md")], PLENTY)
    assert sources(packed) == ["b.md", "c.md", "a.md"]
    assert packed.notes == [
        "[2] is newer than [3], and states the same with other figures.",
        "Superseded, as their documents say: [3].",
    ]


def test_an_older_one_is_not_shown_where_the_newer_does_not_fit() -> None:
    old = passage(CONTRADICTING[0][0], "old.md", updated="2023-02-01")
    new = passage(CONTRADICTING[0][1] + " More about it." * 50, "new.md", updated="2026-03-01")
    packed = pack([old, new, passage("Unrelated.", "other.md")], 200)
    assert (sources(packed), packed.notes) == (["other.md"], [])


def test_a_piece_with_an_older_part_stands_behind_the_newer_one() -> None:
    shared = "these words end one and begin the other."
    one = passage(f"First of all, {shared}", "old.md", 0, updated="2023-02-01")
    two = passage(f"{shared} {CONTRADICTING[0][0]}", "old.md", 1, updated="2023-02-01")
    new = passage(CONTRADICTING[0][1], "new.md", updated="2026-03-01")
    packed = pack([one, two, new], PLENTY)
    assert [excerpt.ids for excerpt in packed.excerpts] == [("new.md#0",), ("old.md#0", "old.md#1")]


@given(st.lists(st.tuples(st.sampled_from([text for pair in CONTRADICTING for text in pair]), st.text()), max_size=6))
def test_notes_hold_figures_and_fixed_words_whatever_documents_are_called(given: list[tuple[str, str]]) -> None:
    packed = pack([passage(text, f"{n}{name}", updated=name) for n, (text, name) in enumerate(given)], PLENTY)
    for note in packed.notes:
        assert re.fullmatch(
            r"\[\d\] (is newer than|states the same as) \[\d\](, \[\d\])*(, and states the same)? with other figures"
            r"(, and nothing tells which is newer)?\.",
            note,
        )
