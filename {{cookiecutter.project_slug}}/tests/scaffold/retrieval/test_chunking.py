"""Passages: within a section, within the size, word for word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.retrieval.chunking import in_context, split
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Document
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Chunking


def document(text: str, headings: bool = True) -> Document:
    return Document("a.md", "Policy", text, None, None, None, "0" * 64, headings)


def test_passages_follow_the_headings() -> None:
    text = "# Policy\n\nIntro.\n\n## Hotels\n\n### Limits\n\n150 EUR\n\n```sh\n# no heading\n```\n\n## Trains\nFirst class."
    chunks = split(document(text), Chunking())
    assert [(chunk.number, chunk.section, chunk.text) for chunk in chunks] == [
        (0, "", "# Policy\n\nIntro."),
        (1, "Hotels > Limits", "## Hotels\n\n### Limits\n\n150 EUR\n\n```sh\n# no heading\n```"),
        (2, "Trains", "## Trains\nFirst class."),
    ]


def test_a_comment_sign_in_plain_text_is_no_heading() -> None:
    assert [chunk.section for chunk in split(document("# a comment\nmake test", headings=False), Chunking())] == [""]


def test_what_is_indexed_says_what_the_passage_is_about() -> None:
    assert in_context("Travel policy", "Hotels", "150 EUR") == "Travel policy\nHotels\n150 EUR"
    assert in_context("Travel policy", "", "150 EUR") == "Travel policy\n150 EUR"


@given(st.text(st.sampled_from("ab .\n#`|ü"), max_size=600))
def test_passages_are_pieces_of_the_document_and_lose_nothing(text: str) -> None:
    chunks = split(document(text), Chunking(size=100, overlap=0))
    assert all(chunk.text in text and len(chunk.text) <= 100 for chunk in chunks)
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
