"""Embedding waits for its rate."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import LimitReached, RateLimited
from {{ cookiecutter.package_name }}.scaffold.retrieval.patience import patiently

TEXTS = ["a", "bb", "ccc", "dddd", "eeeee"]


def test_a_call_without_room_is_put_again_when_there_is_some() -> None:
    waits, refusals = list[float](), [30.0, 12.5]

    def embed(texts: list[str]) -> list[list[float]]:
        if refusals:
            raise RateLimited("full", after=refusals.pop(0))
        return [[float(len(text))] for text in texts]

    assert patiently(embed, TEXTS, waits.append) == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert waits == [30.0, 12.5]


@pytest.mark.parametrize(("most", "calls"), [(15, 1), (12, 2), (9, 3), (5, 4)])
def test_what_is_more_than_a_minute_allows_is_halved(most: int, calls: int) -> None:
    sent = list[list[str]]()

    def embed(texts: list[str]) -> list[list[float]]:
        if sum(map(len, texts)) > most:
            raise RateLimited("more than a whole minute allows")
        sent.append(texts)
        return [[float(len(text))] for text in texts]

    assert patiently(embed, TEXTS) == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert len(sent) == calls


@pytest.mark.parametrize("error", [RateLimited("one text is too long"), LimitReached("the budget", after=3600)])
def test_what_no_wait_mends_is_told_at_once(error: LimitReached) -> None:
    waits: list[float] = []

    def embed(texts: list[str]) -> list[list[float]]:
        raise error

    with pytest.raises(type(error), match=str(error)):
        patiently(embed, TEXTS, waits.append)
    assert waits == []
