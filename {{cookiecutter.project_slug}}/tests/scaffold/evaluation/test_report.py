"""Reports: metric, bound and failing cases, whatever signs a question holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ModelUnavailable
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, markdown, render, run

from tests.scaffold.evaluation.cases import UNREVIEWED, Scripted, answer, line, suite

NASTY = "[red]what[/red] | is <b>this</b>? `x` [link](http://localhost)"


@pytest.fixture
async def failed(application: Application, project: Path) -> Run:
    usecase = Scripted({NASTY: answer("90 EUR [1]\nor so"), "question down": ModelUnavailable("The model is down.")})
    lines = [line("nasty", question=NASTY), line("down"), line("good"), line("draft", review=UNREVIEWED)]
    thresholds = {"correctness": {"min": 0.5}, "refusal": {"min": 0.5}}
    return await run(dataclasses.replace(application, usecase=usecase), suite(project, lines, thresholds=thresholds))


def text(made: Run) -> str:
    console = Console(soft_wrap=True, color_system=None)
    with console.capture() as capture:
        console.print(render(made))
    return capture.get()


def test_the_terminal_shows_metric_bound_and_failing_cases(failed: Run) -> None:
    shown = text(failed)
    for expected in (
        "✗ correctness is 0.333 over 3 cases (95 %: 0.061 to 0.792); at least 0.5 is demanded",
        "? refusal: no reviewed case measures it",
        NASTY,
        "expected  150 EUR",
        "got       90 EUR [1]",
        "because   missing: 150 EUR",
        "got       error: The model is down.",
        "1 of 3 cases passed; 1 ended in an error; 1 wait for review and were not asked; below the threshold: "
        "correctness; not enough evidence: refusal",
    ):
        assert expected in shown
    assert "question good" not in shown


def test_the_markdown_keeps_its_table_and_runs_nothing(failed: Run) -> None:
    shown = markdown(failed)
    assert "### Evaluation `small`: failed" in shown
    (row,) = [each for each in shown.splitlines() if each.startswith("| nasty |")]
    assert row.replace("\\|", "").count("|") == 6
    assert "\\[link\\](http" in row
    assert "\\<b\\>" in row
    assert f"- dataset: `{failed.digests['dataset']}`" in shown


async def test_a_run_that_passed_says_so_and_names_no_case(application: Application, project: Path) -> None:
    made = await run(dataclasses.replace(application, usecase=Scripted()), suite(project, [line()]))
    assert "1 of 1 cases passed; every threshold is reached" in text(made)
    assert "question hotel" not in text(made) + markdown(made)
    assert "passed" in markdown(made).splitlines()[0]
