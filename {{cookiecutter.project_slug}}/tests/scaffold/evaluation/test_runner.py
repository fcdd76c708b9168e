"""The runner: whatever a case does, the run goes on, and its record tells all of it."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import (
    ConfigurationError,
    EvidenceError,
    ModelUnavailable,
    UsageError,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult, Run, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.journal import Journal
from {{ cookiecutter.package_name }}.scaffold.evaluation.store import before
from {{ cookiecutter.package_name }}.scaffold.evidence import COMPARED, fingerprint
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


class Killed(BaseException):
    """What ends a run in the middle."""


async def test_what_was_cut_off_is_taken_over_and_counts_as_no_run(application: Application, project: Path) -> None:
    lines = [line("first"), line("second"), line("third")]
    small = suite(project, lines, concurrency=1)
    killed = Scripted({"question second": ModelUnavailable("down"), "question third": Killed()})
    with pytest.raises(Killed):
        await run(dataclasses.replace(application, usecase=killed), small, resume=True)
    assert not list((project / "evals").rglob("runs/*.json"))

    again = Scripted()
    made = await run(dataclasses.replace(application, usecase=again), small, resume=True)
    assert [question for question, _ in again.asked] == ["question second", "question third"]  # errors are asked anew
    assert (made.resumed, [case.passed for case in made.cases]) == (1, [True, True, True])
    assert (await run(dataclasses.replace(application, usecase=again), small, resume=True)).resumed == 0


async def test_nothing_is_taken_over_of_something_else(application: Application, project: Path) -> None:
    killed = Scripted({"question second": Killed()})
    small = suite(project, [line("first"), line("second")], concurrency=1)
    with pytest.raises(Killed):
        await run(dataclasses.replace(application, usecase=killed), small, resume=True)
    (project / "config" / "prompts" / "answer.en.yaml").open("a", encoding="utf-8").write("# another prompt\n")
    made = await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)
    assert made.resumed == 0


@pytest.mark.parametrize(("days", "left"), [(6, 1), (8, 0)])
async def test_what_a_run_left_behind_is_dropped_when_it_is_old_whatever_its_suite(
    application: Application, project: Path, days: int, left: int
) -> None:
    small = suite(project, [line("first"), line("second")], concurrency=1)
    with pytest.raises(Killed):
        await run(dataclasses.replace(application, usecase=Scripted({"question second": Killed()})), small)
    (journal,) = (project / "var" / "evaluation").iterdir()
    touched = time.time() - days * 24 * 3600
    os.utime(journal, (touched, touched))
    other = suite(project, [line("first"), line("second")], name="other")
    assert (await run(dataclasses.replace(application, usecase=Scripted()), other)).asked == 2
    assert list((project / "var" / "evaluation").iterdir()) == [journal] * left
    assert (await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)).resumed == left


@pytest.mark.parametrize("torn", [b'{"id": "second", "att', b"\xff\n", b"{}\n"])
async def test_a_line_that_was_half_written_is_asked_again(
    application: Application, project: Path, torn: bytes
) -> None:
    killed = Scripted({"question second": Killed()})
    small = suite(project, [line("first"), line("second")], concurrency=1)
    with pytest.raises(Killed):
        await run(dataclasses.replace(application, usecase=killed), small, resume=True)
    (journal,) = (project / "var" / "evaluation").iterdir()
    journal.write_bytes(journal.read_bytes() + torn)
    made = await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)
    assert (made.resumed, made.asked) == (1, 2)


async def test_a_place_where_no_record_can_be_written_is_found_before_anything_is_asked(
    application: Application, project: Path
) -> None:
    usecase = Scripted()
    (project / "evals" / "runs").write_text("in the way", "utf-8")
    with pytest.raises(OSError, match=r"Not a directory: '.*evals/runs'"):
        await run(dataclasses.replace(application, usecase=usecase), suite(project, [line()]))
    assert usecase.asked == []


@pytest.mark.parametrize(
    ("resume", "kept"), [(True, "the same command goes on from here"), (False, "'eval run small' goes on from here")]
)
async def test_a_disk_that_is_full_is_told_with_its_file_and_costs_no_answer(
    application: Application, project: Path, monkeypatch: pytest.MonkeyPatch, resume: bool, kept: str
) -> None:
    original = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.parent.name == "runs":
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, target)

    small, usecase = suite(project, [line("first"), line("second")]), Scripted()
    with monkeypatch.context() as patched, pytest.raises(EvidenceError) as caught:
        patched.setattr(Path, "replace", full)
        await run(dataclasses.replace(application, usecase=usecase), small, resume=resume)
    assert re.search(r"evals/runs/\S+-small-\S+\.json cannot be written \(No space left on device\)", str(caught.value))
    assert kept in str(caught.value)
    made = await run(dataclasses.replace(application, usecase=usecase), small, resume=True)
    assert (made.resumed, len(usecase.asked)) == (2, 2)


async def test_a_disk_that_fills_up_in_the_middle_keeps_what_was_written_before(
    application: Application, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = suite(project, [line("first"), line("second")], concurrency=1)
    original = Journal.add

    def add(self: Journal, result: CaseResult) -> None:
        if result.id == "second":
            self._file.close()
            self._file = Path("/dev/full").open("ab")  # noqa: SIM115 - the journal closes it
        original(self, result)

    with monkeypatch.context() as patched, pytest.raises(EvidenceError) as caught:
        patched.setattr(Journal, "add", add)
        await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)
    assert re.search(
        r"var/evaluation/small-\S+\.jsonl cannot be written \(No space left on device\)", str(caught.value)
    )
    assert (await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)).resumed == 1


@pytest.mark.parametrize("resume", [True, False])
async def test_one_run_of_the_same_at_a_time(application: Application, project: Path, resume: bool) -> None:
    small = suite(project, [line("first"), line("second")], concurrency=1)

    class Twice(Scripted):
        async def ask(self, question: str, caller: Principal) -> Answer:
            with pytest.raises(UsageError, match=r"A run of the suite 'small' is under way"):
                await run(dataclasses.replace(application, usecase=Scripted()), small, resume=resume)
            return await super().ask(question, caller)

    usecase = Twice()
    made = await run(dataclasses.replace(application, usecase=usecase), small, resume=resume)
    assert (made.resumed, len(usecase.asked)) == (0, 2)
    assert (await run(dataclasses.replace(application, usecase=Scripted()), small, resume=resume)).resumed == 0


async def test_a_run_whose_process_died_is_in_nobodys_way(application: Application, project: Path) -> None:
    small, digests = suite(project, [line()]), fingerprint(application, project / "evals" / "datasets" / "small.jsonl")
    with Journal.open(application.settings, small, digests, resume=True):
        (path,) = (project / "var" / "evaluation").iterdir()
    holding = "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, 2); print('held', flush=True); input()"
    command = [sys.executable, "-c", holding, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: ASYNC220 - it waits
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(UsageError, match="is under way"):
            await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)
        other.kill()
    assert (await run(dataclasses.replace(application, usecase=Scripted()), small, resume=True)).passed


async def test_what_was_taken_over_as_a_whole_takes_the_place_of_the_run_that_asked_it(
    application: Application, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: a process that is killed when its run is on record, and its journal not forgotten yet."""
    scripted, small = dataclasses.replace(application, usecase=Scripted()), suite(project, [line()])
    first = await run(scripted, small, resume=True)
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "finished", lambda self: None)
        second = await run(scripted, small, resume=True)
    copy = await run(scripted, small, resume=True)
    assert (copy.resumed, copy.started_at) == (1, second.started_at)
    with application.state.begin() as connection:
        rows = connection.execute(select(evaluation_runs.c.id)).scalars().all()
    assert sorted(rows) == sorted([first.id, copy.id])
    assert before(application, copy) == first


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
