"""The same text twice, exactly or nearly, among very many documents.

Near duplicates are candidates by MinHash (Broder, "On the resemblance and containment of documents", 1997) in bands
(Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4), and each candidate is confirmed by the exact
Jaccard similarity of the two texts' sets of three-word sequences, so that no document is named wrongly. With 32 bands
of 4 rows a pair of similarity s is missed with probability (1 - s^4)^32: 0.0002 at 0.7, 0.01 at 0.6. Nothing is random:
the same documents give the same result in whatever order they come.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WORDS = 3
"""Words of a sequence: one changed word of a text changes three."""
BANDS, ROWS = 32, 4
TRIES = 16
"""Candidates of a document that are compared in full, the likeliest first; so many false ones before it are rare."""
MARGIN = 0.15
"""How far the estimate may fall short and the pair still be compared in full: more than three of its deviations."""

Signature = NDArray[np.uint32]


def words_of(text: str) -> list[str]:
    """The words, whatever their case, typography and punctuation."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def digest(words: Sequence[str]) -> bytes:
    """Equal for texts of the same words in the same order."""
    return hashlib.sha256(" ".join(words).encode("utf-8", "replace")).digest()[:16]


def sequences(words: Sequence[str]) -> frozenset[tuple[str, ...]]:
    """All runs of three words; a shorter text is one run."""
    return frozenset(zip(*(words[start:] for start in range(WORDS)), strict=False)) or frozenset([tuple(words)])


def jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Share of the two sets' sequences that is in both."""
    return len(one & other) / len(one | other)


def _numbers(label: str, count: int) -> NDArray[np.uint64]:
    digests = [hashlib.sha256(f"{label} {n}".encode()).digest()[:8] for n in range(count)]
    return np.array([int.from_bytes(each, "big") | 1 for each in digests], dtype=np.uint64)


_PLACES, _FACTORS, _SUMMANDS = (
    _numbers("place", WORDS),
    _numbers("factor", BANDS * ROWS)[:, None],
    _numbers("summand", BANDS * ROWS)[:, None],
)


def signature(words: Sequence[str]) -> Signature:
    """MinHash: for each of 128 orders of all sequences, the first one that the text holds. Two signatures agree in as
    large a part as the sets of sequences have in common, give or take 0.04.

    Orders are those of multiply-shift hashing (Dietzfelbinger and others, 1997).
    """
    hashed = np.array([zlib.crc32(word.encode("utf-8", "replace")) for word in words], dtype=np.uint64)
    if len(hashed) < WORDS:
        hashed = np.pad(hashed, (0, WORDS - len(hashed)))
    runs = sum(hashed[place : len(hashed) - WORDS + 1 + place] * _PLACES[place] for place in range(WORDS))
    runs = np.unique(runs)
    runs ^= runs >> np.uint64(29)
    least = np.full(BANDS * ROWS, np.iinfo(np.uint32).max, dtype=np.uint32)
    for start in range(0, len(runs), 8192):  # a long text, piece by piece
        orders = (runs[start : start + 8192] * _FACTORS + _SUMMANDS) >> np.uint64(32)
        least = np.minimum(least, orders.min(axis=1).astype(np.uint32))
    return least


def similarity(one: Signature, others: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Estimated similarity of a signature to each row of ``others``."""
    shares: NDArray[np.float64] = (others == one).mean(axis=1)
    return shares


def near_duplicates(
    signatures: NDArray[np.uint32], words: Callable[[int], Sequence[str]], threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Each text that nearly repeats an earlier one: its number, that of the first one like it, and their similarity.

    Row n of ``signatures`` is text n's; ``words`` reads a text again. Texts that repeat one are not compared with later
    ones, so that a thousand copies cost a thousand comparisons. About 1 kB a text is held.
    """
    count = len(signatures)
    order, start, place = _buckets(signatures)
    first = np.ones(count, dtype=bool)

    @lru_cache(maxsize=64)
    def runs(number: int) -> frozenset[tuple[str, ...]]:
        return sequences(words(number))

    for number in range(count):
        earlier = np.zeros(number, dtype=bool)
        for band in np.nonzero(start[:, number] < place[:, number])[0]:
            earlier[order[band, start[band, number] : place[band, number]]] = True
        candidates = np.nonzero(earlier & first[:number])[0]
        if not len(candidates):
            continue
        estimates = similarity(signatures[number], signatures[candidates])
        likeliest = np.argsort(-estimates, kind="stable")[:TRIES]
        for candidate in candidates[likeliest[estimates[likeliest] >= threshold - MARGIN]]:
            found = jaccard(runs(number), runs(int(candidate)))
            if found >= threshold:
                first[number] = False
                yield number, int(candidate), found
                break


def _buckets(signatures: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """For each band: the texts sorted by what they hold there; where each one's equals start in it; its own place."""
    count = len(signatures)
    order = np.empty((BANDS, count), dtype=np.int32)
    start, place = np.empty_like(order), np.empty_like(order)
    for band in range(BANDS):
        rows = signatures[:, band * ROWS : (band + 1) * ROWS].astype(np.uint64)
        keys = ((rows[:, 0] << np.uint64(32)) | rows[:, 1]) * _FACTORS[0] ^ ((rows[:, 2] << np.uint64(32)) | rows[:, 3])
        order[band] = np.argsort(keys, kind="stable")
        ordered = keys[order[band]]
        at = np.arange(count, dtype=np.int32)
        fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if count else np.zeros(0, dtype=bool)
        start[band, order[band]] = np.maximum.accumulate(np.where(fresh, at, 0))
        place[band, order[band]] = at
    return order, start, place
