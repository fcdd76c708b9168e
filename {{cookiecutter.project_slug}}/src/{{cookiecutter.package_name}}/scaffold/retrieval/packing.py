"""Passages packed into a prompt: best first, within a budget, no text twice, and the newest first where two contradict.

Contradictions are found by words: the same statement of two documents with other figures. That is precise rather than
complete. Statements in other words, in another language, or without a figure are not noticed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, pairwise

from ..errors import ConfigurationError
from ..guardrails.grounding import facts, sentences
from .passages import Passage

BYTES_PER_TOKEN = 2
"""Conservative, since no vendor's tokenizer is asked: English has about four, German three, tables of figures two."""
HEAD_TOKENS = 40
"""For what stands round a passage beside its title and source: number, date, and its share of the notes."""
SAME_WORDS = 0.8
"""Least share of content words (Jaccard) that makes two sentences the same statement."""
SHORT = 3
"""With fewer words a statement needs them all, and the same heading above it, as rows of a table do."""
OVERLAP = 10
"""Fewer characters that two neighbours share are chance."""


@dataclass(frozen=True)
class Excerpt:
    """What a prompt shows under one number: a passage, or neighbours of one document in one piece."""

    passage: Passage
    """The text in one piece, with the signals of the best."""
    ids: tuple[str, ...]
    """The passages that it is made of."""


@dataclass(frozen=True)
class Packed:
    """Excerpts in the order of their numbers, from 1, and what is to be said about them."""

    excerpts: list[Excerpt]
    notes: list[str]
    """Sentences without a word of an author."""

    @property
    def passages(self) -> list[Passage]:
        """The excerpts' texts."""
        return [excerpt.passage for excerpt in self.excerpts]


def pack(passages: Sequence[Passage], tokens: int) -> Packed:
    """As many of ``passages``, which come best first, as ``tokens`` allow, each whole.

    A passage that a newer one contradicts stands behind it, and is left out where the newer one does not fit. Raises
    ``ConfigurationError`` where not one fits.
    """
    newer, _ = _contradictions(passages)
    taken: dict[int, Passage] = {}
    left = tokens
    for number in _newest_first(passages, newer):
        need = _tokens(passages[number])
        if need <= left and all(above in taken for above, below in newer if below == number):
            taken[number] = passages[number]
            left -= need
    if passages and not taken:
        least = min(map(_tokens, passages))
        raise ConfigurationError(
            f"Not one of {len(passages)} passages fits into a prompt: the smallest takes about {least} tokens; raise "
            f"context_tokens ({tokens}) in config/retrieval.yaml, or make passages smaller (chunking.size)."
        )
    excerpts = _joined(list(taken.values()))
    merged = [excerpt.passage for excerpt in excerpts]
    excerpts = [excerpts[number] for number in _newest_first(merged, _contradictions(merged)[0])]
    return Packed(excerpts, list(_notes([excerpt.passage for excerpt in excerpts])))


def _tokens(passage: Passage) -> int:
    text = f"{passage.source}{passage.title}{passage.text}"
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN) + HEAD_TOKENS


def _joined(passages: Sequence[Passage]) -> list[Excerpt]:
    """Neighbours that share text in one piece, at the place of the better one."""
    place = {passage.id: number for number, passage in enumerate(passages)}
    runs: list[list[Passage]] = []
    for passage in sorted(passages, key=lambda each: (each.source, each.chunk)):
        if runs and _shared(runs[-1][-1], passage):
            runs[-1].append(passage)
        else:
            runs.append([passage])
    runs.sort(key=lambda run: min(place[passage.id] for passage in run))
    return [_excerpt(run) for run in runs]


def _excerpt(run: Sequence[Passage]) -> Excerpt:
    text = run[0].text
    for left, right in pairwise(run):
        text += right.text[_shared(left, right) :]
    best = max(run, key=lambda passage: passage.score)
    lexical = max(passage.lexical for passage in run)
    return Excerpt(replace(best, text=text, lexical=lexical), tuple(passage.id for passage in run))


def _shared(left: Passage, right: Passage) -> int:
    """How many characters at the end of ``left`` begin ``right``, the next passage of the same section; else 0."""
    if (left.source, left.sha256, left.section, left.chunk + 1) != (
        right.source,
        right.sha256,
        right.section,
        right.chunk,
    ):
        return 0
    most = min(len(left.text), len(right.text))
    return next((n for n in range(most, OVERLAP - 1, -1) if left.text.endswith(right.text[:n])), 0)


Pair = tuple[int, int]


def _contradictions(passages: Sequence[Passage]) -> tuple[list[Pair], list[Pair]]:
    """Pairs of passages of two documents that state the same with other figures, by their places in ``passages``.

    First those of which one is newer, which comes first in the pair; then those of which nothing tells which.
    """
    ordered: list[Pair] = []
    unordered: list[Pair] = []
    stated = [_statements(passage.text, passage.section) for passage in passages]
    for one, other in combinations(range(len(passages)), 2):
        if passages[one].source == passages[other].source or not _contradict(stated[one], stated[other]):
            continue
        first, second = _age(passages[one]), _age(passages[other])
        if first == second or (first[0] == second[0] and "" in (first[1], second[1])):
            unordered.append((one, other))
        else:
            ordered.append((one, other) if first > second else (other, one))
    return ordered, unordered


def _age(passage: Passage) -> tuple[bool, str]:
    """Greater is newer; a document that says it is superseded is older than any that does not."""
    return passage.status != "superseded", passage.updated or ""


def _newest_first(passages: Sequence[Passage], newer: Sequence[Pair]) -> list[int]:
    """Places of ``passages``: the best first, but superseded ones last, and older ones behind the newer."""
    order = sorted(range(len(passages)), key=lambda number: passages[number].status == "superseded")
    for above, below in sorted(newer, key=lambda pair: _age(passages[pair[0]])):  # what is newest moves last
        if order.index(above) > order.index(below):
            order.remove(above)
            order.insert(order.index(below), above)
    return order


@dataclass(frozen=True)
class _Statement:
    numbers: frozenset[str]
    words: frozenset[str]
    about: frozenset[str]
    """What has to be the same: names with figures in them, such as L300, and, for few words, the heading."""


ROW = re.compile(r"\n(?=[^\n]* \| )")


_Stated = dict[str, list[_Statement]]  # by each of their words


@lru_cache(maxsize=1000)
def _statements(text: str, section: str) -> tuple[list[_Statement], _Stated]:
    found = []
    for sentence in sentences(ROW.sub("\n\n", f"\n{text}")):
        exact, words = facts(sentence)
        numbers = exact - {"not"}
        if numbers and words:
            names = {token for token in re.findall(r"\w+", sentence.casefold()) if _is_name(token)}
            heading = {f"#{section.casefold()}"} if len(words) < SHORT else set()
            found.append(_Statement(numbers, words, frozenset(names | heading | (exact & {"not"}))))
    by_word: _Stated = {}
    for statement in found:
        for word in statement.words:
            by_word.setdefault(word, []).append(statement)
    return found, by_word


def _is_name(token: str) -> bool:
    return bool(re.search(r"\d", token) and re.search(r"[^\W\d_]", token)) and not re.fullmatch(r"v\d+", token)


def _contradict(one: tuple[list[_Statement], _Stated], other: tuple[list[_Statement], _Stated]) -> bool:
    """Whether a statement of one stands in the other with other figures, and there only with other ones."""
    for a in one[0]:
        same = _same(a, other[1])
        if same and not any(b.numbers == a.numbers for b in same):
            rest = [c.numbers for c in _same(a, one[1])]
            if any(b.numbers not in rest and _comparable(a, b) for b in same):
                return True
    return False


def _same(a: _Statement, stated: _Stated) -> list[_Statement]:
    # So few of the words can be missing that one of these is there; the longest, because they are rare.
    some = sorted(a.words, key=len)[int(SAME_WORDS * len(a.words)) - 1 :]
    near = {id(b): b for word in some for b in stated.get(word, ())}.values()
    return [b for b in near if a.about == b.about and _alike(a.words, b.words)]


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    least = SAME_WORDS if min(len(a), len(b)) >= SHORT else 1
    return len(a & b) >= least * len(a | b)


def _comparable(a: _Statement, b: _Statement) -> bool:
    """Of several figures one must be the same: else they may well be of another thing, as levels 3 and 4 are."""
    return min(len(a.numbers), len(b.numbers)) < 2 or bool(a.numbers & b.numbers)


def _notes(passages: Sequence[Passage]) -> Iterator[str]:
    """What is to be said about the passages of these numbers, from 1; figures and fixed words only."""
    newer, unordered = _contradictions(passages)
    for above in sorted({above for above, _ in newer}):
        below = _listed(below for each, below in newer if each == above)
        yield f"[{above + 1}] is newer than {below}, and states the same with other figures."
    for one in sorted({one for one, _ in unordered}):
        others = _listed(other for each, other in unordered if each == one)
        yield f"[{one + 1}] states the same as {others} with other figures, and nothing tells which is newer."
    if superseded := [number for number, passage in enumerate(passages) if passage.status == "superseded"]:
        yield f"Superseded, as their documents say: {_listed(superseded)}."


def _listed(numbers: Iterator[int] | list[int]) -> str:
    return ", ".join(f"[{number + 1}]" for number in sorted(numbers))
