"""The embedded store asks its engine for few passages, and knows from them how rare each word is."""

from __future__ import annotations

import random

import pytest
from langchain_core.documents import Document

from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.analysis import idf
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.point import view_of

from .conftest import ANALYSER, ANN, Open

WORDS = ["budget", "travel", "laptop", "garden", "museum", "kitchen", "window", "printer", "camera", "bottle"]
TWINS = ("lothar", "zwilling")  # never one without the other


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_how_rare_a_word_is_follows_from_the_best_passages(limit: int, open_kind: Open) -> None:
    draw, store = random.Random(limit), open_kind("edge")
    texts = [" ".join([*draw.choices(WORDS, k=draw.randint(1, 6)), *draw.choice([TWINS, ()])]) for _ in range(120)]
    seen = [draw.random() < 0.5 for _ in texts]
    allow = [["group:hr"] if mine else ["group:it"] for mine in seen]
    store.add_documents(
        [
            Document(id=str(number), page_content=text, metadata={"language": "en", "allow": names})
            for number, (text, names) in enumerate(zip(texts, allow, strict=True))
        ]
    )
    mine = [set(ANALYSER.passage(text, "en").indices) for text, visible in zip(texts, seen, strict=True) if visible]
    view = view_of(ANN)
    assert view is not None
    for _ in range(20):
        question = " ".join([*draw.sample(WORDS, k=4), *TWINS, "unheard"])
        tokens = sorted({token for word in ANALYSER.question(question) for token in word})
        found = store._match(view, tokens, [1.0] * 64, limit)
        holding = {token: sum(token in passage for passage in mine) for token in tokens}
        expected = {token: idf(len(mine), number) for token, number in holding.items() if number}
        assert found.rare == pytest.approx(expected, abs=1e-4)
        assert found.passages() == len(mine)
