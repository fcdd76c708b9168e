"""Run records: judged by their thresholds, and believed only while they are what the run wrote."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Metric, Run, SuiteFile, Threshold, newest, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.metrics import hold, judge
from {{ cookiecutter.package_name }}.scaffold.evaluation.store import save, write_atomically
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs

from tests.scaffold.evaluation.cases import Scripted, line, result, suite

RATE = Metric(n=20, mean=0.9, low=0.699, high=0.972)
SECONDS = Metric(n=20, mean=2, low=1.5, high=2.5, p50=2, p95=4, p95_low=3, p95_high=5)


@pytest.mark.parametrize(
    ("metric", "threshold", "outcome", "reason"),
    [
        (RATE, Threshold(min=0.69), "passed", "m is 0.900 over 20 cases (95 %: 0.699 to 0.972)."),
        (RATE, Threshold(min=0.7), "unclear", "at least 0.7 is demanded of the interval too: not enough evidence"),
        (RATE, Threshold(min=0.91), "missed", "at least 0.91 is demanded"),
        (RATE, Threshold(min=0.6, cases=21), "unclear", "20 reviewed cases measure it, at least 21 are demanded"),
        (RATE, Threshold(min=1), "missed", "1 is demanded of every case"),
        (Metric(n=3, mean=1, low=0.4, high=1), Threshold(min=1), "passed", ""),
        (None, Threshold(min=0), "unclear", "m: no reviewed case measures it"),
        (SECONDS, Threshold(max=2.5), "passed", ""),
        (SECONDS, Threshold(max=2.4), "unclear", "at most 2.4 is demanded of the interval too"),
        (SECONDS, Threshold(max=1.9), "missed", "at most 1.9 is demanded"),
        (
            SECONDS,
            Threshold(p95=5),
            "passed",
            "95 of 100 answers stay below 4.000 over 20 cases (95 % bounds: 3.000, 5",
        ),
        (SECONDS, Threshold(p95=4.9), "unclear", "which takes 59 cases: not enough evidence"),
        (SECONDS, Threshold(p95=3), "unclear", "not enough evidence"),
        (SECONDS, Threshold(p95=2.9), "missed", "2.9 is demanded"),
        (SECONDS.model_copy(update={"p95_high": None}), Threshold(p95=99), "unclear", "bounds: 3.000, unknown"),
    ],
)
def test_a_threshold_is_held_against_the_bound(
    metric: Metric | None, threshold: Threshold, outcome: str, reason: str
) -> None:
    (verdict,) = hold("m", metric, threshold)
    assert verdict.outcome == outcome
    assert verdict.passed is (outcome == "passed")
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("cases", "attempts", "slow", "outcome"),
    [
        (1, 1, 0, "unclear"),
        (58, 1, 0, "unclear"),
        (59, 1, 0, "passed"),
        (59, 1, 1, "unclear"),
        (30, 3, 0, "unclear"),  # 90 answers, but 30 cases
        (93, 3, 1, "passed"),
        (93, 3, 20, "missed"),
    ],
)
def test_nineteen_of_twenty_answers_are_only_below_a_limit_where_enough_cases_show_it(
    cases: int, attempts: int, slow: int, outcome: str
) -> None:
    answers = [
        result(f"c{i}", attempt=attempt, measures={"latency": 9.0 if i < slow else 1.0})
        for i in range(cases)
        for attempt in range(1, attempts + 1)
    ]
    chosen = SuiteFile.model_validate({"name": "small", "dataset": "d", "thresholds": {"latency": {"p95": 5}}})
    (verdict,) = judge(answers, chosen)
    assert verdict.outcome == outcome


@pytest.fixture
async def saved(application: Application, project: Path) -> tuple[Application, Run, Path]:
    scripted = dataclasses.replace(application, usecase=Scripted())
    made = await run(scripted, suite(project, [line()]))
    return application, made, project / "evals" / "runs" / f"{made.id}.json"


def test_the_newest_run_is_read_back_as_it_was(saved: tuple[Application, Run, Path]) -> None:
    application, made, _ = saved
    assert newest(application, "small") == made


def test_without_a_run_there_is_no_evidence(application: Application) -> None:
    with pytest.raises(EvidenceError, match="No run of the suite 'small' is on record; run 'make eval'"):
        newest(application, "small")


def test_a_record_from_before_answers_had_fields_is_read(saved: tuple[Application, Run, Path]) -> None:
    _, made, path = saved
    old = json.loads(path.read_text("utf-8"))
    del old["cases"][0]["fields"]
    assert Run.model_validate(old) == made


def _set(path: Path, key: str, value: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: value}), "utf-8")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda path: path.unlink(), "is gone"),
        (lambda path: path.write_bytes(b""), "changed afterwards"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "changed afterwards"),
        (lambda path: path.write_bytes(path.read_bytes() + b" "), "changed afterwards"),
        (lambda path: _set(path, "started_at", "2030-01-01T00:00:00Z"), "changed afterwards"),
        (lambda path: _set(path, "cases", []), "changed afterwards"),
        (lambda path: (path.unlink(), path.mkdir()), "is gone"),
    ],
    ids=["removed", "emptied", "cut off", "appended to", "dated anew", "without its cases", "a folder"],
)
def test_a_record_that_was_touched_is_no_evidence(
    saved: tuple[Application, Run, Path], tamper: Callable[[Path], object], message: str
) -> None:
    application, _, path = saved
    tamper(path)
    with pytest.raises(EvidenceError, match=message):
        newest(application, "small")


@pytest.mark.parametrize("column", ["started_at", "digests"])
def test_a_history_that_tells_another_story_than_the_record_is_no_evidence(
    saved: tuple[Application, Run, Path], column: str
) -> None:
    application, made, _ = saved
    told = {"started_at": "2030-01-01T00:00:00.000000+00:00", "digests": {**made.digests, "code": "0"}}
    with application.state.begin() as connection:
        connection.execute(update(evaluation_runs).values({column: told[column]}))
    with pytest.raises(EvidenceError, match="changed afterwards"):
        newest(application, "small")


def test_a_run_from_a_clock_that_was_ahead_makes_way_for_the_next_one(saved: tuple[Application, Run, Path]) -> None:
    application, made, _ = saved
    ahead = made.model_copy(update={"id": "ahead", "started_at": made.started_at.replace(year=2999)})
    save(application, ahead)
    assert newest(application, "small").id == "ahead"
    later = made.model_copy(update={"id": "later"})
    save(application, later)
    assert newest(application, "small").id == "later"


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "a.json"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [("a.json", b"old")]
