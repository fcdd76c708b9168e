"""Reports as files: where people and build servers look, of the run that was asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, latest, run, write
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import baseline_of, where
from {{ cookiecutter.package_name }}.scaffold.evaluation.report import FORMATS, baseline

from tests.scaffold.evaluation.cases import Scripted, answer, line, suite


@pytest.fixture
async def two(application: Application, project: Path) -> tuple[Run, Run]:
    """A run that was accepted as the baseline, and one after it that answers wrongly."""
    small = suite(project, [line("a"), line("b")], thresholds={"correctness": {"min": 0.1, "margin": 0.5}})
    before = await run(dataclasses.replace(application, usecase=Scripted()), small)
    path = project / where("small")
    path.parent.mkdir(parents=True)
    path.write_text(baseline_of(before, "Ada").model_dump_json(), "utf-8")
    wrong = Scripted({"question a": answer("It is 90 EUR.")})
    return before, await run(dataclasses.replace(application, usecase=wrong), small)


def test_every_run_leaves_a_page_a_comment_and_a_file_for_the_build_server(
    application: Application, project: Path, two: tuple[Run, Run]
) -> None:
    paths = write(application, two[1])
    assert paths == [f"var/reports/evaluation-small.{ending}" for ending in ("html", "md", "xml")]
    page, comment, _ = ((project / path).read_text("utf-8") for path in paths)
    for shown in (page, comment):
        assert "It is 90 EUR." in shown
        assert "It is 150 EUR." in shown  # the baseline's answer


def test_a_recorded_run_is_found_by_its_id_its_suite_or_as_the_newest(
    application: Application, two: tuple[Run, Run]
) -> None:
    before, after = two
    assert latest(application, before.id) == before
    assert latest(application, "small") == latest(application, "") == after
    for _, rendered in FORMATS.values():
        assert "correctness" in rendered(after, {}).lower() or "Right answers" in rendered(after, {})


def test_what_is_not_on_record_or_was_changed_is_not_rendered(
    application: Application, project: Path, two: tuple[Run, Run]
) -> None:
    with pytest.raises(UsageError, match="'nope' is neither the id of a run on record nor a suite that was run"):
        latest(application, "nope")
    path = project / "evals" / "runs" / f"{two[1].id}.json"
    path.write_text(path.read_text("utf-8").replace("90 EUR", "150 EUR"), "utf-8")
    with pytest.raises(EvidenceError, match="changed afterwards"):
        latest(application, "")


def test_the_answers_of_another_baseline_are_not_shown_beside_a_run(
    application: Application, project: Path, two: tuple[Run, Run]
) -> None:
    before, after = two
    assert set(baseline(application, after)) == {"a", "b"}
    assert baseline(application, before) == {}  # it was held against none
    (project / where("small")).write_text(baseline_of(after, "Ada").model_dump_json(), "utf-8")
    assert baseline(application, after) == {}
