"""The offline embedding: the same everywhere, and near where words are alike."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from langchain_tests.unit_tests import EmbeddingsUnitTests

from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings

TEXT = "Die Reisekostenabrechnung, 150 EUR: „Grüße“ \ud800 日本"


def cosine(one: str, other: str) -> float:
    embed = HashEmbeddings().embed_query
    return float(np.dot(embed(one), embed(other)))


def test_another_process_with_another_hash_seed_gives_the_same_vector() -> None:
    code = (
        "import json; from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings;"
        f"print(json.dumps(HashEmbeddings(64).embed_query({TEXT!r})))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert json.loads(runs[0]) == json.loads(runs[1]) == HashEmbeddings(64).embed_query(TEXT)


@pytest.mark.parametrize("text", ["a", "word", TEXT, "x " * 5000])
def test_vectors_have_length_one_and_documents_are_embedded_as_questions(text: str) -> None:
    vector = HashEmbeddings().embed_query(text)
    assert len(vector) == 1024
    assert np.linalg.norm(vector) == pytest.approx(1)
    assert HashEmbeddings().embed_documents([text]) == [vector]


@pytest.mark.parametrize("text", ["", "  ", "?!"])
def test_a_text_without_words_has_no_direction(text: str) -> None:
    assert HashEmbeddings(8).embed_query(text) == [0.0] * 8


def test_parts_of_words_count_and_meaning_does_not() -> None:
    assert cosine("Reisekosten", "Reisekostenabrechnung") > 0.3
    assert cosine("car", "automobile") < 0.2
    assert cosine("The SAME words", "the same words") == pytest.approx(1)


class TestStandard(EmbeddingsUnitTests):
    """langchain's own suite."""

    @property
    def embeddings_class(self) -> type[HashEmbeddings]:
        return HashEmbeddings
