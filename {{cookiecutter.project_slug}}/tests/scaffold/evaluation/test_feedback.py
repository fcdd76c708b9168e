"""Feedback: kept from whom the answer was given to, without personal data, and made a case of with one action."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import Conflict, NotFound, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import Given, from_feedback, keep, listed
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.state import answers

from tests.scaffold.evaluation import cases

QUESTION, ANSWER = "Write to ada@example.com: what may a hotel in Hamburg cost?", "It is 120 EUR. [1]"
TRACE = "a" * 32


def answered(application: Application, trace_id: str = TRACE, caller: str = "tom", **changes: Any) -> None:
    """The row that an answer leaves."""
    row = {
        "trace_id": trace_id,
        "at": "2026-01-31T12:00:00+00:00",
        "channel": "api",
        "use_case": "Test",
        "caller": caller,
        "locale": "en",
        "outcome": "answered",
        "features": {},
        "question_sha256": hashlib.sha256(redact(QUESTION).encode()).hexdigest(),
        "answer_sha256": hashlib.sha256(ANSWER.encode()).hexdigest(),
    }
    with application.state.begin() as connection:
        connection.execute(insert(answers).values(row | changes))


def given(**changes: Any) -> Given:
    shape = {"trace_id": TRACE, "verdict": "down", "question": f" {QUESTION} ", "answer": ANSWER}
    return Given(**shape | changes)


@pytest.mark.parametrize(
    ("caller", "changes", "error"),
    [
        ("tom", {}, None),
        ("moira", {}, NotFound),
        ("tom", {"trace_id": "b" * 32}, NotFound),
        ("tom", {"question": "What may it cost?"}, Conflict),
        ("tom", {"answer": "It is 1 EUR."}, Conflict),
    ],
    ids=["their own", "somebody else's", "an unknown trace", "another question", "another answer"],
)
def test_only_who_was_given_the_answer_can_say_something_of_it(
    application: Application, caller: str, changes: dict[str, Any], error: type[UsageError] | None
) -> None:
    answered(application)
    principal = application.index.directory.get(caller)
    if error:
        with pytest.raises(error):
            keep(application, principal, given(**changes))
    else:
        keep(application, principal, given(**changes))
    assert len(listed(application.state)) == (error is None)


def test_what_is_kept_is_redacted_and_the_second_word_counts(application: Application) -> None:
    answered(application)
    tom = application.index.directory.get("tom")
    keep(application, tom, given(verdict="up"))
    keep(
        application,
        tom,
        given(reason="old, ask bob@example.com", verdict="corrected", correction="150 EUR, ada@a.example"),
    )
    (kept,) = listed(application.state)
    assert (kept.verdict, kept.reason, kept.correction) == ("corrected", "old, ask [EMAIL]", "150 EUR, [EMAIL]")
    assert "@" not in kept.question
    assert b'app_feedback_total{verdict="corrected"} 1.0' in application.telemetry.metrics_page()


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "meh"},
        {"verdict": "corrected"},
        {"verdict": "down", "correction": "150 EUR"},
        {"trace_id": "a"},
        {"question": "x" * 4001},
        {"answer": "x" * 20_001},
        {"reason": "x" * 1001},
        {"reason": "\ud800"},
    ],
)
def test_feedback_that_says_nothing_clear_or_too_much_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        given(**changes)


def test_a_corrected_answer_becomes_a_draft_with_one_action(application: Application, project: Path) -> None:
    path = cases.write(project / "evals/datasets/knowledge.jsonl", [cases.line()])
    answered(application)
    keep(application, application.index.directory.get("tom"), given(verdict="corrected", correction="It is 150 EUR."))
    (case,), told = from_feedback(application, path)
    assert told == []
    assert (case.id, case.source, case.caller, case.review.state) == ("feedback-1", "feedback:1", "tom", "unreviewed")
    assert (case.expected.answer, case.expected.must_include) == ("It is 150 EUR.", ["150 EUR"])
    assert case.expected.sources == ["travel/travel-policy-2026.md"]
    assert [each.id for each in load_cases(path)] == ["hotel", "feedback-1"]
    assert listed(application.state)[0].case_id == "feedback-1"
    assert from_feedback(application, path) == ([], [])
    assert from_feedback(application, path, [1]) == ([], ["Feedback 1: it became case 'feedback-1'."])


def test_bad_answers_become_drafts_and_good_ones_do_not(application: Application, project: Path) -> None:
    path = cases.write(project / "evals/datasets/knowledge.jsonl", [cases.line()])
    for trace, caller, verdict in (("a", "tom", "down"), ("b", "moira", "up"), ("c", "tom", "down")):
        answered(application, trace * 32, caller)
        principal = application.index.directory.get(caller)
        keep(application, principal, given(trace_id=trace * 32, verdict=verdict))
    added, told = from_feedback(application, path)
    assert [case.id for case in added] == ["feedback-1"]
    assert not added[0].expected.demands  # the reviewer says what is right
    assert told == ["Feedback 3: tom asks the same in case 'feedback-1' already."]
    with pytest.raises(UsageError, match="There is no feedback 9; see the numbers with 'eval feedback'"):
        from_feedback(application, path, [9])
