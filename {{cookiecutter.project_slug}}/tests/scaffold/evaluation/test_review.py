"""Review: only what a person stands behind counts, and nobody else's line changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import (
    Changes,
    Indexed,
    approve,
    edit,
    passages_of,
    reject,
    reset,
    waiting,
)
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Caller, Directory

from tests.scaffold.evaluation.cases import HOTEL, UNREVIEWED, line, suite, write

DIRECTORY = Directory({"tom": Caller(name="Tom")})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two drafts, with lines round them that are written as nobody would write them again."""
    path = tmp_path / "cases.jsonl"
    odd = json.dumps(line("odd"), separators=(" ,", ":  ")).encode() + b"\r\n"
    drafts = [json.dumps(line(id_, review=UNREVIEWED, question="Wie groß?")).encode() for id_ in ("one", "two")]
    path.write_bytes(b"\xef\xbb\xbf" + odd + b"\n" + drafts[0] + b"\r\n" + drafts[1])
    return path


def states(path: Path) -> dict[str, str]:
    return {case.id: case.review.state for case in load_cases(path)}


def test_approving_signs_one_line_and_leaves_every_other_byte(path: Path) -> None:
    before = path.read_bytes().split(b"\n")
    case = approve(path, "one", " Ada ", DIRECTORY)
    after = path.read_bytes().split(b"\n")
    assert (case.review.state, case.review.by) == ("reviewed", "Ada")
    assert after[:2] == before[:2]
    assert after[2] != before[2]
    assert after[2].endswith(b"\r")
    assert after[3] == before[3]
    assert [each.id for each in waiting(path)] == ["two"]


def test_a_rejected_case_stays_and_can_be_taken_back(path: Path) -> None:
    reject(path, "one", "Ada")
    assert states(path) == {"odd": "reviewed", "one": "rejected", "two": "unreviewed"}
    reset(path, "one")
    assert states(path)["one"] == "unreviewed"


async def test_a_draft_and_a_rejected_case_are_not_asked(application: Application, project: Path) -> None:
    rejected = {"state": "rejected", "by": "Ada", "on": "2026-01-31"}
    lines = [line("a"), line("b", review=UNREVIEWED), line("c", review=rejected)]
    record = await run(application, suite(project, lines))
    assert [case.id for case in record.cases] == ["a"]
    assert record.unreviewed == ["b"]


def test_an_edit_is_kept_and_waits_for_review(path: Path) -> None:
    approve(path, "one", "Ada", DIRECTORY)
    case = edit(path, "one", Changes(question="How large?", must_include=["5", ["6", "six"]], sources=["a.md"]))
    assert (case.question, case.expected.must_include, case.expected.sources) == (
        "How large?",
        ["5", ["6", "six"]],
        ["a.md"],
    )
    assert case.expected.answer == "150 EUR"
    assert case.review.state == "unreviewed"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": ""}, r"cases.jsonl:3: question: string should have at least 1 character"),
        ({"must_include": [""]}, r"cases.jsonl:3: expected: an empty text is in every answer"),
        ({"refusal": True}, r"cases.jsonl:3: expected: a refusal holds nothing"),
    ],
)
def test_an_edit_that_makes_no_case_is_named_and_not_written(path: Path, changes: dict[str, Any], message: str) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=message):
        edit(path, "one", Changes(**changes))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "by", "message"),
    [
        ({"must_include": []}, "Ada", "Case 'one' accepts any answer; edit it"),
        ({"sources": []}, "Ada", "Case 'one' names no document that its answer stands in; edit it"),
        ({"caller": "tim"}, "Ada", r"There is no caller 'tim' .*did you mean 'tom'"),
        ({}, " ", "Say who reviews: --by NAME"),
    ],
)
def test_what_could_not_be_asked_or_judged_is_not_approved(
    path: Path, changes: dict[str, Any], by: str, message: str
) -> None:
    edit(path, "one", Changes(**changes))
    before = path.read_bytes()
    with pytest.raises(UsageError, match=message):
        approve(path, "one", by, DIRECTORY)
    assert path.read_bytes() == before


def test_a_case_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no case 'tow' \(did you mean 'two'\?\)"):
        approve(path, "tow", "Ada", DIRECTORY)


def test_a_reviewer_sees_the_passages_that_the_caller_may_see(application: Application, tmp_path: Path) -> None:
    secret = {"must_include": ["N4"], "sources": ["hr/salaries/salary-bands-2026.md"]}
    lines = [line(), line("b", caller="ben", expected=secret), line("gone", caller="nobody")]
    hotel, hidden, gone = load_cases(write(tmp_path / "cases.jsonl", lines))
    indexed = Indexed(application)
    shown = passages_of(indexed, hotel)
    assert [each.source for each in shown] == [HOTEL]
    assert "150 EUR" in shown[0].text
    assert passages_of(indexed, hidden) == passages_of(indexed, gone) == []
