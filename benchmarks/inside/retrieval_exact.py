"""What is measured against: the same ranking by brute force over arrays, written without the measured code.

Only the numbers that a passage is known by are shared: its embedding, and its tokens with BM25's term frequency part.
The filter, the word statistics, the two rankings and their fusion are worked out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

CANDIDATES = 50
RANK_CONSTANT = 10


@dataclass(frozen=True)
class Given:
    """A passage as it was stored."""

    id: str
    key: int
    """What equals are ordered by."""
    folder: str
    words: dict[int, float]
    dense: Sequence[float]


class Exact:
    """All passages in memory."""

    def __init__(self, passages: Iterable[Given], count: int, dimensions: int) -> None:
        self.dense = np.empty((count, dimensions), dtype=np.float32)
        self.ids: list[str] = []
        self.folders = np.empty(count, dtype="U8")
        keys: list[int] = []
        tokens, weights, lengths = [], [], []
        for row, passage in enumerate(passages):
            self.dense[row] = passage.dense
            self.ids.append(passage.id)
            self.folders[row] = passage.folder
            keys.append(passage.key)
            tokens.append(np.fromiter(passage.words, np.int64, len(passage.words)))
            weights.append(np.fromiter(passage.words.values(), np.float32, len(passage.words)))
            lengths.append(len(passage.words))
        if len(self.ids) != count:
            raise ValueError(f"{count} passages were promised, and {len(self.ids)} came.")
        self.order = np.empty(count, dtype=np.int64)
        self.order[sorted(range(count), key=keys.__getitem__)] = np.arange(count)
        every = np.concatenate(tokens)
        by_token = np.argsort(every, kind="stable")
        self.tokens = every[by_token]
        self.rows = np.repeat(np.arange(count, dtype=np.int32), lengths)[by_token]
        self.weights = np.concatenate(weights)[by_token]

    def visible(self, folders: set[str]) -> np.ndarray:
        """Which passages lie in these folders."""
        return np.isin(self.folders, sorted(folders))

    def search(
        self, tokens: Sequence[int], vector: Sequence[float], visible: np.ndarray, k: int, words_weight: float
    ) -> list[str]:
        """The ids of the best ``k``."""
        rows = np.flatnonzero(visible)
        nearest = self.dense[rows] @ np.asarray(vector, dtype=np.float32)
        by_vector = self._best(rows, nearest)
        scores = np.zeros(len(visible), dtype=np.float64)
        for token in tokens:
            first, last = np.searchsorted(self.tokens, [token, token + 1])
            holding = self.rows[first:last]
            seen = visible[holding]
            holds = int(seen.sum())
            idf = np.log(1 + (len(rows) - holds + 0.5) / (holds + 0.5))
            scores[holding[seen]] += idf * self.weights[first:last][seen]
        matching = np.flatnonzero(scores)
        by_words = self._best(matching, scores[matching])
        fused: dict[int, float] = {}
        for ranking, weight in ((by_words, words_weight), (by_vector, 1 - words_weight)):
            for rank, row in enumerate(ranking, start=1):
                fused[row] = fused.get(row, 0.0) + weight / (RANK_CONSTANT + rank)
        return [self.ids[row] for row in sorted(fused, key=lambda row: -fused[row])[:k]]

    def _best(self, rows: np.ndarray, scores: np.ndarray) -> list[int]:
        if len(rows) > CANDIDATES:
            least = np.partition(scores, len(scores) - CANDIDATES)[len(scores) - CANDIDATES]
            rows, scores = rows[scores >= least], scores[scores >= least]
        best = np.lexsort((self.order[rows], -scores))[:CANDIDATES]
        return [int(row) for row in rows[best]]
