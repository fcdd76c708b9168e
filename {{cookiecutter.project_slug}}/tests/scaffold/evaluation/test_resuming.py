"""A run that is cut off, by whatever: what it got is kept, counts for nothing, and is not asked again."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import (
    EvidenceError,
    ModelUnavailable,
    UsageError,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.journal import Journal
from {{ cookiecutter.package_name }}.scaffold.evaluation.store import before
from {{ cookiecutter.package_name }}.scaffold.evidence import fingerprint
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.evaluation.cases import Scripted, line, suite


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
