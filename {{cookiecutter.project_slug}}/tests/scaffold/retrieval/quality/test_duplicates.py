"""Near duplicates: all that are, none that are not, in whatever order they come."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import duplicates
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.duplicates import (
    digest,
    jaccard,
    near_duplicates,
    sequences,
    signature,
    similarity,
    words_of,
)

VOCABULARY = [f"word{number}" for number in range(500)]


def a_text(seed: int, length: int = 300) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=length)


def changed(words: Sequence[str], times: int, seed: int = 0) -> list[str]:
    copy, chance = list(words), random.Random(seed)
    for place in chance.sample(range(len(copy)), times):
        copy[place] = f"new{chance.random()}"
    return copy


def pairs(all_words: Sequence[Sequence[str]], threshold: float = 0.7) -> dict[int, tuple[int, float]]:
    signatures = np.array([signature(words) for words in all_words]).reshape(len(all_words), -1)
    found = near_duplicates(signatures, lambda number: all_words[number], threshold)
    return {number: (other, alike) for number, other, alike in found}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The crane.", "the   CRANE", True),
        ("ﬁve “cranes”", "five cranes", True),
        ("The crane.", "The cranes.", False),
        ("Crane 12", "Crane 13", False),
    ],
)
def test_texts_are_the_same_whatever_their_typography(one: str, other: str, same: bool) -> None:
    assert (digest(words_of(one)) == digest(words_of(other))) == same


def test_signatures_agree_as_far_as_the_texts_do() -> None:
    text = a_text(1)
    for times in (0, 5, 15, 40, 300):
        other = changed(text, times)
        exact = jaccard(sequences(text), sequences(other))
        assert similarity(signature(text), signature(other)[None, :])[0] == pytest.approx(exact, abs=0.13)


@pytest.mark.parametrize("words", [[], ["one"], ["one", "two"], ["one", "two", "three"]])
def test_texts_shorter_than_a_sequence_have_a_signature_too(words: list[str]) -> None:
    assert pairs([words, [*words], a_text(1)]) == {1: (0, 1.0)}


def test_what_is_found_is_what_comparing_all_with_all_finds() -> None:
    texts = [a_text(seed, 100 + 7 * seed) for seed in range(60)]
    texts += [changed(texts[number], times, times) for number in range(60) for times in (2, 6, 12)]
    found = pairs(texts)
    sets = [sequences(words) for words in texts]
    for number in range(len(texts)):
        exact = [jaccard(sets[number], sets[other]) for other in range(number) if other not in found]
        assert (number in found) == any(alike >= 0.7 for alike in exact)
        if number in found:
            other, alike = found[number]
            assert alike == jaccard(sets[number], sets[other]) >= 0.7


def test_likely_pairs_below_the_threshold_are_not_named() -> None:
    text = a_text(1, 400)
    others = [changed(text, times, times) for times in (24, 25, 26)]  # similarities of about 0.69
    assert pairs([text, *others], 0.75) == {}


def test_many_texts_of_one_template_are_compared_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[float] = []

    def counting(*both: frozenset[tuple[str, ...]]) -> float:
        compared.append(jaccard(*both))
        return compared[-1]

    monkeypatch.setattr(duplicates, "jaccard", counting)
    text = a_text(1, 200)
    copies = [changed(text, 3, seed) for seed in range(200)]
    assert len(pairs(copies)) >= 190
    assert len(compared) <= 16 * 200


def test_a_signature_is_the_same_in_every_process() -> None:
    assert signature(words_of("The crane may be booked.")).tolist()[:2] == [1212058701, 2508676344]
