"""The runner: whatever a case does, the run goes on, and its record tells all of it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import (
    ConfigurationError,
    EvidenceError,
    ModelUnavailable,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, run
from {{ cookiecutter.package_name }}.scaffold.evidence import COMPARED
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.retrieval import Passage
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.evaluation.cases import HOTEL, UNREVIEWED, Scripted, answer, line, suite


async def test_errors_fail_their_case_and_are_told_apart_from_wrong_answers(
    application: Application, project: Path
) -> None:
    usecase = Scripted(
        {
            "question wrong": answer("It is 90 EUR. [1]", HOTEL),
            "question down": ModelUnavailable("The model is down."),
            "question bug": KeyError("missing"),
        }
    )
    ids = ["right", "wrong", "down", "bug"]
    made = await run(dataclasses.replace(application, usecase=usecase), suite(project, [line(each) for each in ids]))
    assert [(case.id, case.passed, case.error) for case in made.cases] == [
        ("right", True, ""),
        ("wrong", False, ""),
        ("down", False, "The model is down."),
        ("bug", False, "KeyError: 'missing'"),
    ]
    assert made.metrics["correctness"].mean == 0.25
    assert made.metrics["latency"].n == 2, "an error that comes quickly is no quick answer"
    assert made.metrics["completed"].mean == 0.5
    assert not made.passed
    assert made.score == 0.25


class Unending(Scripted):
    async def ask(self, question: str, caller: Principal) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")


async def test_a_case_that_never_ends_is_given_up(application: Application, project: Path) -> None:
    made = await run(dataclasses.replace(application, usecase=Unending()), suite(project, [line()], timeout=0.5))
    assert [case.error for case in made.cases] == ["no answer within 0.5 s"]
    assert made.metrics["latency"].mean >= 0.5, "what was waited for counts"


class Crowd(Scripted):
    here = 0
    most = 0

    async def ask(self, question: str, caller: Principal) -> Answer:
        self.here += 1
        self.most = max(self.most, self.here)
        for _ in range(20):
            await asyncio.sleep(0)
        self.here -= 1
        return await super().ask(question, caller)


async def test_no_more_questions_are_open_than_the_suite_allows(application: Application, project: Path) -> None:
    usecase, told = Crowd(), list[tuple[int, int]]()
    await run(
        dataclasses.replace(application, usecase=usecase),
        suite(project, [line(str(n)) for n in range(9)], concurrency=3),
        progress=lambda done, total: told.append((done, total)),
    )
    assert 1 <= usecase.most <= 3
    assert told == [(n, 9) for n in range(1, 10)]


async def test_unreviewed_cases_are_named_and_not_asked(application: Application, project: Path) -> None:
    usecase = Scripted()
    made = await run(
        dataclasses.replace(application, usecase=usecase),
        suite(project, [line("mine"), line("draft", review=UNREVIEWED)]),
    )
    assert [question for question, _ in usecase.asked] == ["question mine"]
    assert made.unreviewed == ["draft"]
    assert [case.id for case in made.cases] == ["mine"]


@pytest.mark.parametrize("lines", [[], [line(review=UNREVIEWED)]], ids=["empty", "all unreviewed"])
async def test_a_dataset_without_a_reviewed_case_measures_nothing(
    application: Application, project: Path, lines: list[dict[str, Any]]
) -> None:
    with pytest.raises(EvidenceError, match=f"holds no reviewed case \\({len(lines)} wait for review\\)"):
        await run(application, suite(project, lines))
    assert not (project / "evals" / "runs").exists()


async def test_a_caller_whom_nobody_knows_is_named_before_anything_is_asked(
    application: Application, project: Path
) -> None:
    usecase = Scripted()
    with pytest.raises(ConfigurationError, match=r"small.jsonl:2: caller: case 'b': There is no caller 'tmo'.*'tom'"):
        await run(
            dataclasses.replace(application, usecase=usecase), suite(project, [line("a"), line("b", caller="tmo")])
        )
    assert usecase.asked == []


async def test_the_question_is_asked_as_the_caller_in_the_language_of_the_case(
    application: Application, project: Path
) -> None:
    usecase = Scripted()
    await run(dataclasses.replace(application, usecase=usecase), suite(project, [line(locale="de")]))
    ((_, caller),) = usecase.asked
    assert caller == dataclasses.replace(application.index.directory.get("tom"), locale="de")


class Meddling(Scripted):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    async def ask(self, question: str, caller: Principal) -> Answer:
        self.path.write_text(self.path.read_text("utf-8") + "\n# changed\n", "utf-8")
        return await super().ask(question, caller)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("config/prompts/answer.en.yaml", "prompts"),
        ("governance/policy.yaml", "policy"),
        ("data/access.yaml", "index"),
        ("config/retrieval.yaml", "index"),
        ("evals/datasets/small.jsonl", "dataset"),
    ],
)
async def test_a_run_during_which_something_changed_is_no_evidence(
    application: Application, project: Path, file: str, part: str
) -> None:
    small = suite(project, [line()])
    meddled = dataclasses.replace(application, usecase=Meddling(project / file))
    with pytest.raises(EvidenceError, match=f"^{part} changed while the suite 'small' was running"):
        await run(meddled, small)
    assert not (project / "evals" / "runs").exists()


async def test_the_record_holds_all_that_a_reader_needs_and_the_history_points_to_it(
    application: Application, project: Path
) -> None:
    made = await run(
        dataclasses.replace(application, usecase=Scripted()),
        suite(project, [line(tags=["travel", "table"]), line("de", locale="de")]),
    )
    with application.state.begin() as connection:
        row = connection.execute(select(evaluation_runs)).one()
    assert Run.model_validate_json((project / row.record).read_bytes()) == made
    assert (row.id, row.suite, row.passed, row.score) == (made.id, "small", 1, 1.0)
    assert made.digests.keys() == {*COMPARED, "commit"}
    assert made.slices.keys() == {"travel", "table", "locale:en", "locale:de", "caller:tom"}
    assert made.slices["travel"]["correctness"].n == 2
    assert made.slices["table"]["correctness"].n == 1
    case = made.cases[0]
    assert (case.model, case.prompt, case.cited) == ("offline/script", "answer.en@1", [HOTEL])
    assert len(case.retrieved) <= made.k


async def test_what_the_rules_hide_from_the_caller_is_a_leak_wherever_the_answer_took_it_from(
    application: Application, project: Path
) -> None:
    usecase = Scripted({"question leak": answer("It is 150 EUR. [1]", "hr/salaries/salary-bands-2026.md")})
    made = await run(dataclasses.replace(application, usecase=usecase), suite(project, [line("leak")]))
    assert made.cases[0].scores["access"].score == 0
    assert not made.cases[0].passed


async def test_what_no_case_can_be_asked_with_ends_the_run_and_is_no_measurement(
    application: Application, project: Path
) -> None:
    usecase = Scripted({"question keyless": ConfigurationError("Set the key.")})
    with pytest.raises(ConfigurationError, match="Set the key"):
        await run(dataclasses.replace(application, usecase=usecase), suite(project, [line("a"), line("keyless")]))
    assert not (project / "evals" / "runs").exists()


@pytest.mark.parametrize(
    ("k", "searches"),
    [(5, [None]), (3, [None, 3])],  # what the use case asks the index for: the 5 of config/retrieval.yaml
)
async def test_what_was_found_on_the_way_to_the_answer_is_what_retrieval_is_graded_on(
    application: Application, project: Path, monkeypatch: pytest.MonkeyPatch, k: int, searches: list[int | None]
) -> None:
    asked: list[int | None] = []
    search = application.index.search

    def counted(query: str, caller: Principal, k: int | None = None) -> list[Passage]:
        asked.append(k)
        return search(query, caller, k)

    monkeypatch.setattr(application.index, "search", counted)
    question = "What is the hotel limit in Germany?"
    made = await run(application, suite(project, [line(question=question)], k=k))
    assert asked == searches
    tom = dataclasses.replace(application.index.directory.get("tom"), locale="en")
    assert made.cases[0].retrieved == [passage.source for passage in search(question, tom, k)]


async def test_a_case_asked_several_times_counts_once(application: Application, project: Path) -> None:
    class Moody(Scripted):
        async def ask(self, question: str, caller: Principal) -> Answer:
            self.asked.append((question, caller))
            return answer("It is 150 EUR. [1]" if len(self.asked) % 2 else "No idea. [1]", HOTEL)

    small = suite(project, [line("one"), line("two")], repeat=4, concurrency=1)
    made = await run(dataclasses.replace(application, usecase=Moody()), small)
    assert [(case.id, case.attempt) for case in made.cases] == [
        (each, n) for each in ("one", "two") for n in (1, 2, 3, 4)
    ]
    assert (made.metrics["correctness"].n, made.metrics["correctness"].mean) == (2, 0.5)
    assert made.metrics["latency"].n == 2
