"""Documents beside each other: what repeats, contradicts or outdates another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..documents import Document
from . import dates, duplicates, numbers, texts
from .items import Item
from .report import Finding, finding
from .settings import QualityFile

ALIKE = 0.05
"""Estimated similarity from which two documents of the same title in different folders are about the same thing."""
SAME_TITLE = 3
"""A title that more documents have names a kind of document, such as "Minutes"."""
SERIES = 15
"""More documents whose names differ in a year alone are numbered rather than dated."""


class Known(NamedTuple):
    """What is kept of a document that was read; its text lies in a file."""

    origin: str
    source: str
    sha256: str
    title: str
    stated: bool
    """Whether the document states its title."""
    updated: str
    language: str
    superseded: bool
    digest: bytes
    start: int
    length: int


@dataclass
class Corpus:
    """Everything read, without its text: about 2 kB a document, whatever its size."""

    texts: BinaryIO
    known: list[Known]
    signatures: list[duplicates.Signature]

    def add(self, item: Item, document: Document) -> None:
        """Note a document, and put its text where it can be read again."""
        words, data = duplicates.words_of(document.text), document.text.encode("utf-8", "replace")
        updated, language = document.updated or "", document.language or ""
        stated, superseded = texts.has_title(document), dates.is_superseded(document)
        about = (item.origin, item.source, document.sha256, document.title, stated, updated, language, superseded)
        self.known.append(Known(*about, duplicates.digest(words), self.texts.seek(0, 2), len(data)))
        self.signatures.append(duplicates.signature(words))
        self.texts.write(data)

    def text(self, known: Known) -> str:
        """A document's text, read again."""
        self.texts.seek(known.start)
        return self.texts.read(known.length).decode("utf-8")


def compare(corpus: Corpus, settings: QualityFile) -> list[Finding]:
    """The rules on documents beside each other. One that says it is superseded contradicts nothing and repeats nothing.

    Newest first, then by name: of several the newest is the one to keep.
    """
    current = [number for number, known in enumerate(corpus.known) if not known.superseded]
    current.sort(key=lambda number: (corpus.known[number].source, corpus.known[number].origin))
    current.sort(key=lambda number: corpus.known[number].updated, reverse=True)
    found: list[Finding] = []
    first: dict[bytes, Known] = {}
    unique = []
    for number in current:
        known = corpus.known[number]
        same = first.setdefault(known.digest, known)
        if same is known:
            unique.append(number)
        else:
            reason = f"holds the same text as {same.source}"
            found.append(finding(known.origin, known.source, "exact_duplicate", reason, [same.source]))
    every = [corpus.known[number] for number in unique]
    signatures = np.array([corpus.signatures[number] for number in unique]).reshape(
        len(unique), duplicates.BANDS * duplicates.ROWS
    )
    contradicted: set[int] = set()

    def words(number: int) -> Sequence[str]:
        return duplicates.words_of(corpus.text(every[number]))

    for number, other, alike in duplicates.near_duplicates(signatures, words, settings.near_duplicate):
        mine, theirs = every[number], every[other]
        reason = f"shares {alike:.0%} of its word sequences with {theirs.source}"
        found.append(finding(mine.origin, mine.source, "near_duplicate", reason, [theirs.source]))
        if one_subject(mine, theirs) and (said := numbers.differing(corpus.text(mine), corpus.text(theirs))):
            reason = f"says “{said[0]}” where {theirs.source} says “{said[1]}”"
            found.append(finding(mine.origin, mine.source, "contradictory", reason, [theirs.source]))
            contradicted.add(number)
    found += same_titles(every, signatures, contradicted)
    found += older_years(every, settings.timeless)
    return found


def one_subject(one: Known, other: Known) -> bool:
    """Whether two documents are versions of one: data sheets made of one template differ in their numbers rightly."""
    return not (one.stated and other.stated) or numbers.subject(one.title) == numbers.subject(other.title)


def same_titles(every: Sequence[Known], signatures: NDArray[np.uint32], but: set[int]) -> Iterator[Finding]:
    """Documents of one title and language with different dates: which one holds?

    They lie in one folder, or are somewhat alike, so that "Overview" may stand in each folder. False alarm: parts of a
    series that all bear its name; give each a title of its own.
    """
    titles: dict[tuple[str, str], list[int]] = {}
    for number, known in enumerate(every):
        if known.stated and known.updated:
            titles.setdefault((" ".join(duplicates.words_of(known.title)), known.language), []).append(number)
    for members in titles.values():
        if len(members) > SAME_TITLE:
            continue
        for place, number in enumerate(members):
            for other in members[:place]:
                mine, theirs = every[number], every[other]
                folders = {(known.origin, known.source.rpartition("/")[0]) for known in (mine, theirs)}
                alike = duplicates.similarity(signatures[number], signatures[other : other + 1])[0]
                if number not in but and mine.updated != theirs.updated and (len(folders) == 1 or alike >= ALIKE):
                    reason = f"is of {mine.updated} and has the title of {theirs.source}, which is of {theirs.updated}"
                    mend = "If the newer one replaces it, mark it status: superseded or take it away; else retitle it."
                    yield finding(mine.origin, mine.source, "contradictory", reason, [theirs.source], mend)
                    break


def older_years(every: Sequence[Known], timeless: Sequence[str]) -> Iterator[Finding]:
    """Documents named after a year beside one of a later year, by title or by name in one folder.

    False alarm: reports that stay true of their year; list them under ``timeless``.
    """
    newest: dict[tuple[str, str], tuple[int, Known]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    years: list[tuple[Known, list[tuple[tuple[str, str], int]]]] = []
    for known in every:
        if dates.is_timeless(known.source, timeless):
            continue
        folder, _, name = known.source.rpartition("/")
        named = [dates.year_of(name.rpartition(".")[0].casefold()), dates.year_of(known.title.casefold())]
        keys = [((folder if place == 0 else "", each[0]), each[1]) for place, each in enumerate(named) if each]
        years.append((known, keys))
        counts.update(key for key, _ in keys)
        for key, year in keys:
            if year > newest.get(key, (0, known))[0]:
                newest[key] = year, known
    for known, keys in years:
        for key, year in keys:
            latest, newer = newest[key]
            if year < latest and counts[key] <= SERIES:
                reason = f"is of {year} by its name, and {newer.source} is of {latest}"
                yield finding(known.origin, known.source, "outdated", reason, [newer.source])
                break
