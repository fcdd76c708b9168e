"""What is wrong with a dataset as a whole, and that a run says of itself when it was unfair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import run
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import check

from tests.scaffold.evaluation.cases import UNREVIEWED, line, suite, write

NIGHT = "How much may a hotel in Hamburg cost per night?"
OTHER = {"must_include": ["165 EUR"], "sources": ["travel/travel-policy-2026.md"]}
REJECTED = {"state": "rejected", "by": "Ada", "on": "2026-01-31"}


def found(application: Application, tmp_path: Path, *lines: dict[str, Any]) -> list[tuple[int, str, str]]:
    path = write(tmp_path / "cases.jsonl", list(lines))
    return [(problem.line, problem.id, problem.kind) for problem in check(application, path)]


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        ({"question": f"  {NIGHT.lower()}"}, "duplicate"),
        ({"question": NIGHT, "expected": OTHER}, "conflict"),
        ({"question": NIGHT, "review": UNREVIEWED}, "duplicate"),
        ({"question": "How much may the hotel in Hamburg cost per night?"}, "near-duplicate"),
        ({"question": "How much may a hotel in Berlin cost per night?", "expected": OTHER}, None),
        ({"question": NIGHT, "caller": "moira"}, None),
        ({"question": "How much may the hotel in Hamburg cost per night?", "pair": "article"}, None),
        ({"question": NIGHT, "review": REJECTED}, None),
    ],
    ids=[
        "spelled alike",
        "another answer",
        "a draft",
        "reworded",
        "another city",
        "another caller",
        "a pair",
        "rejected",
    ],
)
def test_cases_that_ask_the_same_are_found(
    application: Application, tmp_path: Path, second: dict[str, Any], kind: str | None
) -> None:
    pair = {"pair": second["pair"]} if "pair" in second else {}
    problems = found(application, tmp_path, line("one", question=NIGHT, **pair), line("two", **second))
    assert problems == ([(2, "two", kind)] if kind else [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"caller": "gone"}, "nobody in data/access.yaml is called 'gone' any more"),
        ({"expected": OTHER | {"sources": ["travel/gone.md"]}}, "travel/gone.md is not indexed any more"),
        (
            {"expected": {"must_include": ["N4"], "sources": ["hr/salaries/salary-bands-2026.md"]}},
            "tom may not see hr/salaries/salary-bands-2026.md any more",
        ),
        (
            {"expected": OTHER | {"must_include": [["1 EUR", "one euro"]]}},
            "'1 EUR' or 'one euro' stands in none of its sources any more",
        ),
    ],
)
def test_cases_that_the_documents_left_behind_are_found(
    application: Application, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "cases.jsonl", [line("fine"), line("bad", **changes)])
    assert [(problem.line, problem.reason) for problem in check(application, path)] == [(2, message)]


def show_in_prompt(project: Path, text: str) -> None:
    path = project / "config" / "prompts" / "answer.en.yaml"
    path.write_text(path.read_text("utf-8").replace("    content: |\n", f"    content: |\n      {text}\n", 1), "utf-8")


@pytest.mark.parametrize(
    "text",
    [
        f"Example: {NIGHT} Up to 150 EUR [1].",
        "how much may a hotel in hamburg cost - per night",
        "How much may the hotel in Hamburg cost per night?",
        "It is up to one hundred and fifty euros.",
    ],
    ids=["word for word", "spelled otherwise", "reworded", "its answer"],
)
async def test_a_case_that_stands_in_a_prompt_is_named_and_makes_the_run_fail(
    application: Application, project: Path, text: str
) -> None:
    answer = "Up to one hundred and fifty euros"
    expected = {"answer": answer, "must_include": ["150 EUR"], "sources": ["travel/travel-policy-2026.md"]}
    small = suite(project, [line("hotel", question=NIGHT, expected=expected), line("other", question="What is it?")])
    path = project / small.dataset
    fair = await run(application, small)
    assert not [problem for problem in check(application, path) if problem.kind == "leakage"]
    assert not [verdict for verdict in fair.verdicts if verdict.metric == "leakage"]
    show_in_prompt(project, text)
    leaks = [problem for problem in check(application, path) if problem.kind == "leakage"]
    assert [problem.id for problem in leaks] == ["hotel"]
    assert "answer.en.yaml:" in leaks[0].reason
    unfair = await run(application, small)
    assert [verdict.outcome for verdict in unfair.verdicts if verdict.metric == "leakage"] == ["missed"]
    assert not unfair.passed
