"""Words as BM25 sees them: split, without stopwords, stemmed, one way a language."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, SparseVector, StopwordsSet

NAMES = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
}  # fmt: skip
"""ISO 639-1 codes and the engine's names."""

AVERAGE_LENGTH = 100
"""Tokens of a usual passage. Fixed, because a measured one would tell a caller about passages they may not see."""

RECOGNISED_SHARE = 0.05
"""Least share of stopwords that makes a text belong to a language."""


class Analyser:
    """Turns texts into weighted tokens. Passages use their own language's rules; a question uses those of all.

    A question is mostly too short to tell its language, and people ask in one language about documents in another. Its
    tokens under every language's rules are therefore searched for together; the wrong ones rarely occur.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        """``languages``: ISO 639-1 codes that ``NAMES`` knows; the first is the one for texts of unknown language."""
        self.languages = list(languages)
        self._bm25 = {code: Bm25(Bm25Config(language=NAMES[code], avg_len=AVERAGE_LENGTH)) for code in languages}
        self._every_word = Bm25(Bm25Config(stemmer=DisabledStemmer(), stopwords=StopwordsSet(set(), set())))
        self._without_stopwords = {
            code: Bm25(Bm25Config(language=NAMES[code], stemmer=DisabledStemmer())) for code in languages
        }

    @property
    def label(self) -> str:
        """Names the rules: tokens made under different ones cannot be compared."""
        return f"bm25-{AVERAGE_LENGTH}-{'-'.join(self.languages)}@1"

    def recognise(self, text: str) -> str:
        """The language whose stopwords ``text`` holds most of; the first language where it holds hardly any."""
        return self.language(text) or self.languages[0]

    def language(self, text: str) -> str | None:
        """The language whose stopwords ``text`` holds most of; None where it holds hardly any."""
        start = text[:5000]
        words = len(self._every_word.embed_query(start).indices)
        shares = {
            code: 1 - len(bm25.embed_query(start).indices) / words if words else 0.0
            for code, bm25 in self._without_stopwords.items()
        }
        best = max(shares, key=lambda code: shares[code])  # the first of equals
        return best if shares[best] >= RECOGNISED_SHARE else None

    def passage(self, text: str, language: str) -> SparseVector:
        """Tokens of a passage, weighted by how often they occur (BM25's term frequency part)."""
        return self._bm25.get(language, self._bm25[self.languages[0]]).embed_document(text)

    def question(self, text: str) -> list[frozenset[int]]:
        """Tokens of each different content word of a question: one that no language takes for a stopword."""
        words = dict.fromkeys(re.findall(r"\w+", text.lower()))
        analysed = [[bm25.embed_query(word).indices for bm25 in self._bm25.values()] for word in words]
        return [frozenset(token for tokens in ways for token in tokens) for ways in analysed if all(ways)]


def idf(passages: int, holding: int) -> float:
    """BM25's idf of a token that ``holding`` of so many passages hold, as Qdrant computes it; always above 0."""
    return math.log(1 + (passages - holding + 0.5) / (holding + 0.5))


def rarity(token: int, best: Sequence[Any]) -> float:
    """A token's idf by the passage that scored best for it alone: score = idf × the token's weight there.

    Qdrant names no document frequencies.
    """
    vector = best[0].vector["bm25"]
    return float(best[0].score / vector.values[vector.indices.index(token)])


def rarities(tokens: Sequence[int], found: Sequence[Any]) -> dict[int, float]:
    """The idf of those of ``tokens`` that it follows for from the passages ``found`` by these tokens alone.

    A passage's score is the sum of idf × weight over the tokens that it holds: one linear equation a passage. Tokens
    which these passages hold in nearly the same proportions cannot be told apart, and are left out.
    """
    vectors = [point.vector["bm25"] for point in found]  # each look copies it from the engine
    held = [dict(zip(vector.indices, vector.values, strict=True)) for vector in vectors]
    present = [token for token in tokens if any(token in weights for weights in held)]
    if not present:
        return {}
    weights = np.array([[each.get(token, 0.0) for token in present] for each in held])
    values, ways = np.linalg.eigh(weights.T @ weights)
    sure = values > 1e-4 * values[-1]
    solved = ways[:, sure] @ (ways[:, sure].T @ (weights.T @ [point.score for point in found]) / values[sure])
    unsure = np.abs(ways[:, ~sure]).max(axis=1, initial=0.0)
    return {t: float(value) for t, value, loose in zip(present, solved, unsure, strict=True) if loose < 1e-6}


def share(words: Sequence[frozenset[int]], passage: Set[int], rare: Mapping[int, float], unknown: float) -> float:
    """Share of the words that occur in the passage, each counting as much as it is rare; 0 where there are no words."""
    weights = [max((rare[token] for token in word if token in rare), default=unknown) for word in words]
    found = sum(weight for word, weight in zip(words, weights, strict=True) if word & passage)
    return found / sum(weights) if words else 0.0
