"""Whatever a record holds: it becomes a document that can be read, or is set aside as it came; it never ends a listing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError
from {{ cookiecutter.package_name }}.scaffold.models.request import Pace
from {{ cookiecutter.package_name }}.scaffold.retrieval import RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.place import Place
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.records import ABSENT, NOBODY, Records, find
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.settings import Mapped
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import parse

TEXT = st.text(st.characters(codec=None), max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("id", "text", "title", "updated", "language", "status", "allow", "deny")
RECORDS = st.dictionaries(
    st.sampled_from([*FIELDS, "gone"]),
    ANYTHING | st.sampled_from(["1", "a/b", "../x", "2026-05-01", "de", ["group:hr"], "user:anna", "<p>Text.</p>"]),
)


@pytest.mark.parametrize("form", ["markdown", "html", "plain"])
@settings(max_examples=100, deadline=None)
@given(records=st.lists(RECORDS | ANYTHING, max_size=6))
def test_nothing_that_a_source_says_ends_a_listing_or_is_lost(form: Any, records: list[Any]) -> None:
    mapped = Mapped(fields={name: f"/{name}" for name in FIELDS}, format=form, deleted="gone?")
    made = Records(mapped, Place(Settings(root=Path()), "crm"), Pace())
    told = {json.dumps(record, sort_keys=True) for record in records}
    kept: set[str] = set()
    for entry in made.listed(records):
        assert entry.id.isprintable()
        assert ".." not in entry.id.split("/")
        if entry.problem:
            kept.add(entry.payload.decode())
            assert entry.problem.startswith("breaks the contract of its source: ")
            assert made.again(entry.payload).problem or "another record" in entry.problem
        elif not entry.deleted:
            assert entry.access is not None
            assert entry.access != NOBODY
            try:
                assert parse(made.read(entry), RetrievalFile()).source == entry.id
            except DocumentError as error:
                assert entry.id in str(error)
    assert kept <= told


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("a.b", 1),
        ("/a/b", 1),
        ("/a~1b/~0", 2),
        ("list.1", "y"),
        ("list.2", ABSENT),
        ("list.-1", ABSENT),
        ("a.b.c", ABSENT),
        ("a.missing?", ABSENT),
        ("a.b?", 1),
        ("", {"a": {"b": 1}, "a/b": {"~": 2}, "list": ["x", "y"]}),
    ],
)
def test_a_pointer_leads_to_a_value_or_to_nothing(pointer: str, found: Any) -> None:
    assert find({"a": {"b": 1}, "a/b": {"~": 2}, "list": ["x", "y"]}, pointer) == found
