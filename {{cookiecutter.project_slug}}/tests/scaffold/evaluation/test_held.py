"""A withheld answer: its question was not kept, and becomes a case with one action of somebody who has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import Conflict, NotFound, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import from_held
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases.feedback import digest

from tests.scaffold.evaluation import cases
from tests.scaffold.evaluation.test_feedback import QUESTION, TRACE, answered


@pytest.fixture
def path(project: Path) -> Path:
    return cases.write(project / "evals/datasets/knowledge.jsonl", [cases.line()])


async def test_a_refused_question_becomes_a_draft_of_its_caller(application: Application, path: Path) -> None:
    asked = "When does the Moon base open for ada@example.com?"
    answer = await application.ask(asked, application.index.directory.get("tom"))
    assert answer.refused
    (case,), told = from_held(application, path, answer.trace_id, f" {asked} ")
    assert told == []
    assert (case.id, case.source) == (f"held-{answer.trace_id[:12]}", f"held:{answer.trace_id} (refused)")
    assert (case.question, case.caller) == ("When does the Moon base open for [EMAIL]?", "tom")
    assert (case.tags, case.review.state, case.expected.demands) == (["production"], "unreviewed", False)
    assert [each.id for each in load_cases(path)] == ["hotel", case.id]
    added, told = from_held(application, path, answer.trace_id, asked)
    assert (added, told) == ([], [f"Trace {answer.trace_id}: tom asks this in case {case.id!r} already."])


@pytest.mark.parametrize(
    ("locale", "question", "expected"),
    [
        ("de", "What may a hotel in Hamburg cost?", "en"),
        ("en", "Was darf ein Hotel in Hamburg kosten?", "de"),
        ("de", "Hotel Hamburg?", "de"),
        ("en", "Combien peut coûter un hôtel dans la ville de Hambourg ?", "en"),
    ],
    ids=["English of a German", "German of an Englishman", "hardly a language", "none that the prompts speak"],
)
def test_the_case_is_in_the_language_of_the_question_or_else_of_its_caller(
    application: Application, path: Path, locale: str, question: str, expected: str
) -> None:
    answered(application, outcome="refused", locale=locale, question_sha256=digest(question))
    (case,), _ = from_held(application, path, TRACE, question)
    assert case.locale == expected


def test_a_question_that_redacting_makes_too_long_is_cut(application: Application, path: Path) -> None:
    question = "What? " + "a@b.co " * 570
    answered(application, outcome="refused", question_sha256=digest(question))
    (case,), _ = from_held(application, path, TRACE, question)
    assert len(case.question) == 4000


@pytest.mark.parametrize(
    ("outcome", "trace", "question", "error", "message"),
    [
        ("refused", TRACE, QUESTION, None, ""),
        ("error", TRACE, QUESTION, None, ""),
        ("answered", TRACE, QUESTION, Conflict, "was given, not withheld; if it was bad, say so with feedback"),
        ("refused", TRACE, "What may it cost?", Conflict, "was another; write it as it was asked"),
        ("refused", "b" * 32, QUESTION, NotFound, "There is no answer of the trace 'b+'; look its id up in the log"),
    ],
)
def test_only_the_very_question_of_a_withheld_answer_becomes_one(
    application: Application,
    path: Path,
    outcome: str,
    trace: str,
    question: str,
    error: type[UsageError] | None,
    message: str,
) -> None:
    answered(application, outcome=outcome)
    if error:
        with pytest.raises(error, match=message):
            from_held(application, path, trace, question)
    else:
        from_held(application, path, trace, question)
    assert len(load_cases(path)) == (1 if error else 2)
