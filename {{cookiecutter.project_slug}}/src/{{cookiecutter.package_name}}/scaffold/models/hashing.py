"""Vectors without a model: words and parts of words, hashed."""

from __future__ import annotations

import re
import zlib
from collections import Counter

import numpy as np
from langchain_core.embeddings import Embeddings

WORD = re.compile(r"\w+")
GRAM = 4


class HashEmbeddings(Embeddings):
    """Feature hashing (Weinberger et al. 2009, arXiv:0902.2206) of words and character 4-grams, of length 1.

    Lexical: near are texts that share words or parts of words, which helps with compounds, inflections and typing
    errors. It knows no synonyms and no other language. It needs no download and no network, keeps no state, and gives
    the same numbers in every process.
    """

    def __init__(self, dimensions: int = 1024) -> None:
        """``dimensions``: length of the vectors; shorter ones let more words collide."""
        self.dimensions = dimensions

    @property
    def label(self) -> str:
        """Names what the vectors mean: vectors of different labels cannot be compared."""
        return f"hashing-{self.dimensions}@1"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector of length 1 a text; all zeros where a text holds no word."""
        return [self._embed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """The vector of ``text``, made as those of documents."""
        return self._embed(text)

    def _embed(self, text: str) -> list[float]:
        words = Counter(WORD.findall(text.casefold()))
        keys = np.fromiter((zlib.crc32(word.encode("utf-8", "replace")) for word in words), np.uint64, len(words))
        grams, counts = np.unique(_grams(list(words)), return_counts=True)
        hashes = _mix(np.concatenate([keys, grams]))
        values = 1 + np.log(np.concatenate([np.fromiter(words.values(), np.int64, len(words)), counts]))
        signs = np.where(hashes >> np.uint64(63), 1.0, -1.0)
        vector = np.bincount((hashes % np.uint64(self.dimensions)).astype(np.intp), signs * values, self.dimensions)
        length = float(np.linalg.norm(vector))
        result: list[float] = (vector / length if length else vector).tolist()
        return result


def _grams(words: list[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """A key for each run of four characters within a word, the spaces round it included."""
    text = f" {' '.join(words)} ".encode("utf-32-le", "replace")
    points = np.frombuffer(text, dtype=np.uint32).astype(np.uint64)
    runs = len(points) - GRAM + 1
    if runs < 1:
        return np.empty(0, dtype=np.uint64)
    starts = np.arange(runs)
    for place in range(1, GRAM - 1):  # runs that cross from one word into the next say nothing
        starts = starts[points[starts + place] != ord(" ")]
    keys = np.zeros(len(starts), dtype=np.uint64)
    for place in range(GRAM):
        keys = _mix(keys ^ points[starts + place])
    return keys


def _mix(keys: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """SplitMix64's finaliser (Steele et al. 2014, doi:10.1145/2714064.2660195): every bit in moves every bit out."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
