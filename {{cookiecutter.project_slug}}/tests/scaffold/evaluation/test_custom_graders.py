"""Graders of the project's own: named by the suite, judged by its thresholds, and never silently dropped."""

from __future__ import annotations

import dataclasses
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

import {{ cookiecutter.package_name }} as package
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Case, SuiteFile, judge, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import Observation, Score
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders.custom import guarded

from tests.scaffold.evaluation.cases import Scripted, answer, line, suite, written

NAME = package.__name__
CASE = Case.model_validate(line())


def short(case: Case, observed: Observation) -> bool:
    assert observed.answer is not None
    return len(observed.answer.answer) < 30


class Ticket(BaseModel):
    label: str


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the project."""
    planted = ModuleType(f"{NAME}.planted")
    vars(planted).update(short=short, Ticket=Ticket, number=3)
    monkeypatch.setitem(sys.modules, planted.__name__, planted)
    return planted


@pytest.mark.parametrize(
    ("given", "score", "reason"),
    [
        (True, 1, ""),
        (0, 0, ""),
        (0.25, 0.25, ""),
        (Score(score=0.5, reason="half"), 0.5, "half"),
        (None, None, None),
        (1.5, 0, "the grader failed: it answered 1.5, not a score from 0 to 1"),
        (float("nan"), 0, "the grader failed: it answered nan, not a score from 0 to 1"),
        ("good", 0, "the grader failed: it answered 'good', not a score from 0 to 1"),
        (KeyError("label"), 0, "the grader failed: KeyError: 'label'"),
        (SystemExit(3), 0, "the grader failed: SystemExit: 3"),
    ],
)
def test_whatever_a_grader_answers_becomes_a_score(given: Any, score: float | None, reason: str | None) -> None:
    def grader(case: Case, observed: Observation) -> Any:
        if isinstance(given, BaseException):
            raise given
        return given

    graded = guarded(grader, 60)(CASE, Observation(answer("x")))
    assert ((graded.score, graded.reason) if graded else (None, None)) == (score, reason)


def test_a_grader_is_not_asked_about_an_answer_that_never_came() -> None:
    graded = guarded(short, 60)(CASE, Observation(None, error="model down"))
    assert graded == Score(score=0, reason="error: model down")


async def test_a_suite_names_a_grader_and_demands_something_of_it(
    application: Application, project: Path, module: ModuleType
) -> None:
    named = {"graders": {"short": f"{module.__name__}:short"}, "thresholds": {"short": {"min": 1}}}
    usecase = Scripted({"question long": answer("It is 150 EUR, as far as anybody can tell. [1]")})
    made = await run(
        dataclasses.replace(application, usecase=usecase), suite(project, [line("long"), line("short")], **named)
    )
    assert made.metrics["short"].mean == 0.5
    assert [(each.metric, each.outcome) for each in made.verdicts] == [("short", "missed")]
    assert all(case.passed for case in made.cases if case.id == "short")


async def test_a_grader_that_fails_is_shown_and_the_run_has_not_passed(
    application: Application, project: Path, module: ModuleType
) -> None:
    def broken(case: Case, observed: Observation) -> float:
        raise LookupError("no such field")

    vars(module)["broken"] = broken
    lines = [line("a"), line("b")]
    named = suite(project, lines, graders={"broken": f"{module.__name__}:broken"}, thresholds={"completed": {"min": 1}})
    made = await run(dataclasses.replace(application, usecase=Scripted()), named)
    assert made.metrics["broken"].mean == 0
    assert not made.passed
    (verdict,) = [each for each in made.verdicts if not each.passed]
    assert (verdict.metric, verdict.outcome) == ("broken", "unclear")
    assert verdict.reason == (
        "broken: the grader failed on 2 answers, which count as 0; mend it. First: a: LookupError: no such field."
    )
    assert [each.metric for each in judge(made.cases, named) if not each.passed] == ["broken"], "the gate asks again"


class Hanging:
    """A grader that does not come back before it is let go; with nobody in the way, too late for any patience."""

    def __init__(self) -> None:
        self.let_go = Event()

    def __call__(self, case: Case, observed: Observation) -> bool:
        return not case.id.startswith("hang") or self.let_go.wait(10)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    grader = Hanging()
    yield grader
    grader.let_go.set()


async def test_a_grader_that_hangs_has_failed_and_the_run_ends(
    application: Application, project: Path, module: ModuleType, hanging: Hanging
) -> None:
    vars(module)["hanging"] = hanging
    named = suite(project, [line("hang")], graders={"hanging": f"{NAME}.planted:hanging"}, timeout=0.5)
    made = await run(dataclasses.replace(application, usecase=Scripted()), named)
    assert made.metrics["hanging"].mean == 0
    assert [each.reason for each in made.verdicts if not each.passed] == [
        "hanging: the grader failed on 1 answers, which count as 0; mend it. First: hang: no score within 0.5 s."
    ]
    (left,) = [each for each in threading.enumerate() if each.name == "grader of hang"]
    assert left.daemon, "the process would wait for it"


async def test_what_a_grader_failed_on_is_not_taken_over_from_a_run_that_was_cut_off(
    application: Application, project: Path, module: ModuleType, hanging: Hanging
) -> None:
    vars(module)["hanging"] = hanging
    scripted = dataclasses.replace(application, usecase=Scripted())
    small = suite(project, [line("hang")], graders={"hanging": f"{NAME}.planted:hanging"}, timeout=0.5)

    def cut_off(done: int, total: int) -> None:
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        await run(scripted, small, cut_off)
    hanging.let_go.set()
    made = await run(scripted, small, resume=True)
    assert (made.resumed, made.metrics["hanging"].mean) == (0, 1)


def test_a_grader_is_not_asked_again_while_it_hangs(hanging: Hanging) -> None:
    graded = guarded(hanging, 0.1)
    seen = Observation(answer("x"))
    hang, quick = CASE.model_copy(update={"id": "hang 2"}), CASE
    assert graded(quick, seen) == Score(score=1)
    assert graded(hang, seen) == Score(score=0, reason="the grader failed: no score within 0.1 s")
    again = graded(quick, seen)
    assert again is not None
    assert again.reason == "the grader failed: not asked, for it has not come back from an answer before this one"
    (left,) = [each for each in threading.enumerate() if each.name == "grader of hang 2"]
    hanging.let_go.set()
    left.join()
    assert graded(quick, seen) == Score(score=1)


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        (
            "os:system",
            f"'os:system' is not of this project; name a function as {NAME}.module:function, or a metric as ",
        ),
        (f"{NAME}.planted:nothing", f"there is no 'nothing' in {NAME}.planted."),
        (f"{NAME}.absent:short", f"{NAME}.absent cannot be imported (ModuleNotFoundError: "),
        (
            f"{NAME}.planted:number",
            f"'{NAME}.planted:number' cannot be called; name a function of a case and an answer.",
        ),
    ],
)
async def test_a_grader_that_is_none_is_named_before_anything_is_asked(
    application: Application, project: Path, module: ModuleType, reference: str, problem: str
) -> None:
    usecase, chosen = Scripted(), suite(project, [line()], graders={"mine": reference})
    written(project, chosen)
    with pytest.raises(ConfigurationError) as caught:
        await run(dataclasses.replace(application, usecase=usecase), chosen)
    assert re.sub(r"yaml:\d+:", "yaml:LINE:", str(caught.value)).startswith(
        f"{project}/evals/suites/small.yaml:LINE: graders.mine: {problem}"
    )
    assert usecase.asked == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"graders": {"correctness": "a.b:c"}}, r"graders.correctness\s+choose a free name"),
        ({"graders": {"Mine": "a.b:c"}}, r"graders.Mine\s+choose a free name"),
        ({"graders": {"mine": "a.b.c"}}, "String should match pattern"),
        ({"graders": {"mine": "a.b:c"}, "thresholds": {"mien": {"min": 1}}}, "did you mean 'mine'"),
        ({"graders": {"mine": "a.b:c"}, "thresholds": {"mine": {"max": 1}}}, "more of mine is better"),
        ({"thresholds": {"shape": {"min": 1}}}, "there is no metric 'shape'"),
    ],
)
def test_a_suite_is_told_what_is_wrong_with_its_graders(project: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        suite(project, [line()], **changes)


@pytest.mark.parametrize(("name", "problem"), [("Ticket", None), ("short", "is no pydantic model")])
async def test_a_suite_names_the_shape_of_fields(
    application: Application, project: Path, module: ModuleType, name: str, problem: str | None
) -> None:
    classified = answer("urgent").model_copy(update={"fields": {"label": "urgent"}})
    usecase = Scripted({"question good": classified})
    shaped: SuiteFile = suite(
        project, [line("good"), line("bad")], shape=f"{module.__name__}:{name}", thresholds={"shape": {"min": 1}}
    )
    asking = run(dataclasses.replace(application, usecase=usecase), shaped)
    if problem:
        with pytest.raises(ConfigurationError, match=problem):
            await asking
        return
    made = await asking
    assert {case.id: case.scores["shape"].reason for case in made.cases} == {"good": "", "bad": "label: Field required"}


async def test_a_word_of_the_list_is_found_and_the_list_is_in_the_digests(
    application: Application, project: Path
) -> None:
    from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import WORDS

    demands = suite(project, [line()], thresholds={"toxicity": {"min": 1}})
    rude = dataclasses.replace(application, usecase=Scripted({"question hotel": answer("150 EUR, Trottel. [1]")}))
    without = await run(rude, demands)
    assert [each.outcome for each in without.verdicts] == ["unclear"], "no list, no evidence"
    (project / WORDS).write_text("Trottel\n", "utf-8")
    made = await run(rude, demands)
    assert [each.outcome for each in made.verdicts] == ["missed"]
    assert made.cases[0].scores["toxicity"].reason == "on the list of evals/toxicity.txt: trottel"
    assert made.digests["policy"] != without.digests["policy"]
