"""The matrix: every candidate is asked the same, and takes nobody's place without having shown that it can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.cli import commands
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, EvidenceError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, run, underway
from {{ cookiecutter.package_name }}.scaffold.evaluation.matrix import PAGE, matrix
from {{ cookiecutter.package_name }}.scaffold.evaluation.suite import SuiteFile

from tests.scaffold.candidates import CASES, SUITE, Tried, as_ever, knowing, opened, staged
from tests.scaffold.models.vendors.wire import READ


@pytest.fixture
def tried(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    with staged(project, monkeypatch) as run:
        yield run


def test_a_better_candidate_is_ranked_first_and_may_take_the_place(tried: Tried, project: Path) -> None:
    rows = tried(knowing)
    assert list(rows) == ["gateway", "extractive"]
    better = rows["gateway"]
    assert better.quality is not None
    assert (better.quality.n, better.quality.mean, better.accepted) == (CASES, 1, CASES)
    assert (better.fit, better.verdict) == (True, "may take its place")
    assert len(better.solves) == CASES
    assert better.latency is not None
    assert better.cost is None  # a model at an address of one's own has no list price
    (record,) = (project / "evals" / "runs").glob("*gateway*")
    assert {case.measures["input_tokens"] for case in Run.model_validate_json(record.read_bytes()).cases} == {READ}
    assert rows["extractive"].verdict == "answers now, and may go on"
    assert f"gateway passes {CASES} of them" in (project / PAGE).read_text("utf-8")


@pytest.mark.parametrize(
    ("says", "entry", "why"),
    [
        (as_ever, {}, "may not: it is not shown to beat the offline baseline"),
        (lambda _: "NO_ANSWER", {}, "may not: it is not shown to beat the offline baseline"),
        (knowing, {"retires": str(datetime.now(UTC).date() + timedelta(days=80))}, "may not: it retires on"),
        (knowing, {"api_key_env": "NO_SUCH_KEY"}, "not tried: "),
        (knowing, {"base_url": "http://127.0.0.1:9/v1"}, "may not: it does not reach completed of all"),
    ],
    ids=["no better", "refuses all", "retires soon", "no key", "nobody there"],
)
def test_a_candidate_that_has_not_shown_it_takes_nobodys_place(
    tried: Tried, says: Callable[[str], str], entry: dict[str, Any], why: str
) -> None:
    row = tried(says, entry)["gateway"]
    assert row.verdict.startswith(why)
    assert not row.fit


def test_a_loss_that_is_not_ruled_out_is_named(tried: Tried, project: Path) -> None:
    """Staged the other way round: the good model answers now, and the offline one wants its place."""
    models = project / "config" / "models.yaml"
    file = yaml.safe_load(models.read_text("utf-8"))
    tried(knowing)
    named = yaml.safe_load(models.read_text("utf-8"))
    named["roles"] = {**file["roles"], "answer": "gateway"}
    models.write_text(yaml.safe_dump(named), "utf-8")
    found = asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None))
    rows = {row.name: row for row in found.rows}
    assert (found.current, rows["gateway"].verdict) == ("gateway", "answers now, and may go on")
    assert (
        f"may not: correctness may be worse by 1.000 (95 %, {CASES} cases), 0.3 is allowed"
        in rows["extractive"].verdict
    )


def test_the_offline_model_is_asked_although_no_file_names_it(tried: Tried, project: Path) -> None:
    assert list(tried(knowing, candidates=["gateway"]))[-1] == "extractive"  # it answers now
    models = project / "config" / "models.yaml"
    file = yaml.safe_load(models.read_text("utf-8"))
    del file["models"]["extractive"]
    file["roles"]["answer"] = "gateway"
    models.write_text(yaml.safe_dump(file), "utf-8")
    found = asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None))
    assert [(row.name, row.model) for row in found.rows] == [
        ("gateway", "openai-compatible/loopback-1"),
        ("offline", "offline/extractive-1"),
    ]


def test_the_backlog_is_tried_again_with_every_candidate(tried: Tried, project: Path) -> None:
    hard = {**SUITE, "name": "hard", "thresholds": {"correctness": {"min": 0.5}}}
    (project / "evals" / "suites" / "hard.yaml").write_text(yaml.safe_dump(hard), "utf-8")
    rows = tried(knowing, backlog=[{"suite": "hard", "why": "too formal", "since": "2026-05-01"}])
    assert rows["gateway"].backlog == {"hard": ""}
    assert "at least 0.5 is demanded" in rows["extractive"].backlog["hard"]
    page = (project / PAGE).read_text("utf-8")
    assert "backlog `hard` with gateway: reached; it can be taken up again." in page


def test_candidates_of_one_vendor_share_its_connections_and_come_to_the_same(tried: Tried, project: Path) -> None:
    hard = {**SUITE, "name": "hard", "thresholds": {"correctness": {"min": 0.5}}}
    (project / "evals" / "suites" / "hard.yaml").write_text(yaml.safe_dump(hard), "utf-8")
    backlog = [{"suite": "hard", "why": "too formal", "since": "2026-05-01"}]
    rows = tried(knowing, also=["second", "third"], backlog=backlog)
    told = {name: (row.accepted, row.quality, row.backlog, row.verdict) for name, row in rows.items()}
    assert told["gateway"] == (CASES, rows["gateway"].quality, {"hard": ""}, "may take its place")
    assert told["second"] == told["third"] == told["gateway"]


def edit_the_record(project: Path) -> None:
    (record,) = (project / "evals" / "runs").glob("*extractive*")
    record.write_bytes(record.read_bytes() + b" ")


def change_a_case(project: Path) -> None:
    with (project / "evals" / "datasets" / "small.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n")


def make_it_older(project: Path) -> None:
    path = project / "var" / "evaluation" / "matrix.json"
    told = json.loads(path.read_bytes())
    for each in told["done"].values():
        each["at"] = (datetime.now(UTC) - timedelta(days=1, minutes=1)).isoformat()
    path.write_text(json.dumps(told), "utf-8")


def damage_it(project: Path) -> None:
    (project / "var" / "evaluation" / "matrix.json").write_bytes(b"{")


@pytest.mark.parametrize(
    ("meanwhile", "fresh", "again"),
    [
        (lambda _: None, False, ["gateway"]),
        (lambda _: None, True, ["extractive", "gateway"]),
        (edit_the_record, False, ["extractive", "gateway"]),
        (change_a_case, False, ["extractive", "gateway"]),
        (make_it_older, False, ["extractive", "gateway"]),
        (damage_it, False, ["extractive", "gateway"]),
    ],
)
def test_what_a_matrix_that_was_cut_off_has_asked_is_not_asked_again(
    tried: Tried,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Path], None],
    fresh: bool,
    again: list[str],
) -> None:
    asked: list[str] = []

    async def cut_off(application: Application, suite: SuiteFile, *given: Any, **more: Any) -> Run:
        asked.append(suite.name.removeprefix("matrix-small-"))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return await run(application, suite, *given, **more)

    monkeypatch.setattr(underway, "run", cut_off)
    with pytest.raises(KeyboardInterrupt):
        tried(knowing)
    assert asked == ["extractive", "gateway"]
    meanwhile(project)
    found = asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None, fresh))
    assert asked[2:] == again
    assert {row.name: row.accepted for row in found.rows} == {"extractive": 0, "gateway": CASES}
    asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None))
    assert asked[2 + len(again) :] == ["extractive", "gateway"], "a matrix that is there is made anew"


def test_a_candidate_that_was_not_to_be_reached_is_asked_again(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(underway.Underway, "finished", lambda _: None)  # as if cut off at the very end
    assert tried(knowing, {"base_url": "http://127.0.0.1:9/v1"})["gateway"].accepted == 0
    assert tried(knowing)["gateway"].accepted == CASES


def test_a_slice_that_it_serves_badly_keeps_a_candidate_out(tried: Tried, project: Path) -> None:
    served = {**SUITE, "slices": {"travel": {"groundedness": {"min": 0.99}}}}
    (project / "evals" / "suites" / "small.yaml").write_text(yaml.safe_dump(served), "utf-8")
    assert tried(knowing)["gateway"].verdict == "may not: it does not reach groundedness of travel"


def test_the_run_of_a_candidate_is_nobodys_evidence(tried: Tried, project: Path) -> None:
    tried(knowing)
    names = {path.name.split("-", 1)[1].rsplit("-", 1)[0] for path in (project / "evals" / "runs").glob("*.json")}
    assert names == {"matrix-small-gateway", "matrix-small-extractive"}


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        ({"candidates": ["gpt"]}, ConfigurationError, r"matrix.yaml: candidates: there is no chat model 'gpt'"),
        ({"candidates": ["hashing"]}, ConfigurationError, r"there is no chat model 'hashing'"),
        ({"role": "writer"}, ConfigurationError, r"role: there is no role 'writer'"),
        ({"suite": "none"}, UsageError, r"There is no suite 'none'"),
        ({"margin": 0}, ConfigurationError, r"matrix.yaml:\d+: margin: "),
    ],
)
def test_a_mistake_in_the_file_is_named_before_anything_is_asked(
    tried: Tried, file: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tried(knowing, **file)


def test_without_the_present_model_there_is_nothing_to_compare_with(tried: Tried, project: Path) -> None:
    tried(knowing)
    models = project / "config" / "models.yaml"
    file = yaml.safe_load(models.read_text("utf-8"))
    file["roles"]["answer"], file["models"]["gateway"]["api_key_env"] = "gateway", "NO_SUCH_KEY"
    models.write_text(yaml.safe_dump(file), "utf-8")
    with pytest.raises(EvidenceError, match=r"The present model 'gateway' could not be asked: .*NO_SUCH_KEY"):
        asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None))


def test_the_command_prints_the_ranking_and_refuses_offline(
    tried: Tried, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(knowing)
    monkeypatch.setenv("APP_ROOT", str(project))
    monkeypatch.delenv("APP_OFFLINE", raising=False)
    done = CliRunner().invoke(commands(build), ["eval", "matrix", "--json"])
    assert done.exit_code == 0, done.output
    assert [row["name"] for row in json.loads(done.stdout)["rows"]] == ["gateway", "extractive"]
    monkeypatch.setenv("APP_OFFLINE", "1")
    with pytest.raises(UsageError, match="every candidate would be the offline model"):
        CliRunner().invoke(commands(build), ["eval", "matrix"], catch_exceptions=False)
