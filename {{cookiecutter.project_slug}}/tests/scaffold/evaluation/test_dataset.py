"""Datasets: what is wrong in a line is named with its line and field; what nobody reviewed never counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases

from tests.scaffold.evaluation.cases import UNREVIEWED, line, write


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, r"id: string should have at least 1 character, not ''"),
        ({"id": None}, r"id: .* not None"),
        ({"questoin": "?"}, r"questoin: there is no such field; known: .* \(did you mean 'question'\?\)"),
        ({"expected": {"must_include": ["x"], "must_inclde": []}}, r"expected.must_inclde: there is no such field"),
        (
            {"expected": {"must_include": []}},
            r"the object: a case without must_include, number, label or fields accepts any answer",
        ),
        ({"expected": {"must_include": [""]}}, r"expected: an empty text is in every answer"),
        ({"expected": {"must_include": [[]]}}, r"expected: an empty text is in every answer"),
        ({"expected": {"must_include": [["x", ""]]}}, r"expected: an empty text is in every answer"),
        ({"expected": {"must_include": ["x"], "must_not_include": [""]}}, r"expected: an empty text is in every"),
        ({"expected": {"refusal": True, "sources": ["a.md"]}}, r"expected: a refusal holds nothing that"),
        ({"expected": {"refusal": True, "must_include": ["a"]}}, r"expected: a refusal holds nothing that"),
        ({"question": "x" * 4001}, r"question: has 4001 characters, of at most 4000; shorten it\.$"),
        ({"question": "x" * 10_000_000}, r"the line has 10000\d+ characters, of at most 200000\.$"),
        (
            {"expected": {"answer": "x" * 4001, "refusal": True}},
            r"expected.answer: has 4001 characters, of at most 4000",
        ),
        (
            {"expected": {"must_include": ["x", ["y", "x" * 4001]]}},
            r"expected: a text has 4001 characters, of at most 4000; look for less of it",
        ),
        ({"expected": {"must_include": ["x"], "must_not_include": ["x" * 4001]}}, r"expected: a text has 4001"),
        ({"tags": "travel"}, r"tags: input should be a valid array, not 'travel'"),
        ({"review": {"state": "fine"}}, r"review.state: input should be 'reviewed', 'unreviewed' or 'rejected', not"),
        ({"review": {"state": "reviewed"}}, r"review: a reviewed case names who reviewed it and when"),
        ({"review": {"state": "rejected"}}, r"review: a rejected case names who reviewed it and when"),
        ({"review": {"state": "reviewed", "by": " ", "on": "2026-01-31"}}, r"review: a reviewed case names who"),
        ({"review": {"state": "reviewed", "by": "Ada", "on": "31.1.2026"}}, r"review.on: .* not '31.1.2026'"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "cases.jsonl", [line("good"), line("bad") | changes])
    with pytest.raises(ConfigurationError, match=r"cases.jsonl:2: " + message):
        load_cases(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(line()), "utf-8-sig")
    assert len(load_cases(path)) == 1


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    broken = line()
    del broken["caller"]
    with pytest.raises(ConfigurationError, match=r"cases.jsonl:1: caller: this field is required."):
        load_cases(write(tmp_path / "cases.jsonl", [broken]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a"', r":2: not a JSON object on one line: Expecting ',' delimiter \(column 11\)\."),
        ("[]", r":2: the object: input should be an object"),
        ("null", r":2: the object: input should be an object"),
        ("{}{}", r":2: not a JSON object on one line"),
        ('{"id": "a", "id": "b"}', r":2: not a JSON object on one line: the key 'id' is written twice"),
        ("[" * 100_000, r":2: not a JSON object on one line"),
        ("<<<<<<< ours"[:7], r":2: not a JSON object on one line"),
    ],
    ids=["cut off", "a list", "null", "two on a line", "a key twice", "too deep", "a conflict marker"],
)
def test_a_line_that_is_no_case_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(line()) + "\n" + text + "\n", "utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load_cases(path)


def test_an_id_may_be_used_once(tmp_path: Path) -> None:
    path = write(tmp_path / "cases.jsonl", [line("a"), line("b"), line("a")])
    with pytest.raises(ConfigurationError, match=r"cases.jsonl:3: id: 'a' is taken by line 1"):
        load_cases(path)


def test_several_mistakes_are_named_at_once_and_a_flood_is_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "cases.jsonl", [line(str(n), tags=0) for n in range(8)])
    with pytest.raises(ConfigurationError) as caught:
        load_cases(path)
    assert str(caught.value).count("cases.jsonl:") == 5
    assert "3 more mistakes" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such dataset"), (b"\n {\xff", r"cases.jsonl:2: is not UTF-8 \(byte 0xff in column 3\); save the file")],
)
def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        load_cases(path)


def test_blank_lines_are_skipped_and_line_separators_inside_a_text_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    kept = line(question="one\u2028two")
    path.write_text("\n" + json.dumps(kept, ensure_ascii=False) + "\r\n\n", "utf-8")
    assert [case.question for case in load_cases(path)] == ["one\u2028two"]


def test_an_unreviewed_case_needs_no_signature_and_nothing_to_look_for_yet(tmp_path: Path) -> None:
    path = write(tmp_path / "cases.jsonl", [line(review=UNREVIEWED, expected={})])
    assert [case.review.state for case in load_cases(path)] == ["unreviewed"]
