"""F12: judged on the demo set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, load_suite, run
from {{ cookiecutter.package_name }}.scaffold.readiness import gate

from tests.scaffold.evaluation.cases import UNREVIEWED, Scripted, line, write


@pytest.mark.drill("F12")
async def test_a_few_lucky_cases_do_not_pass_the_gate(application: Application, project: Path) -> None:
    """Staged: twelve demo questions, all answered rightly, and a hundred drafts that nobody reviewed.
    Caught by: the stage's least number of cases, which counts reviewed ones only.
    """
    suite = load_suite(application.settings, "knowledge")
    reached = SuiteFile.model_validate({**suite.model_dump(), "thresholds": {"correctness": {"min": 1}}, "slices": {}})
    (project / "evals" / "suites" / "knowledge.yaml").write_text(reached.model_dump_json(), "utf-8")
    lines = [line(f"demo-{n}") for n in range(12)] + [line(f"draft-{n}", review=UNREVIEWED) for n in range(100)]
    write(project / suite.dataset, lines)

    lucky = dataclasses.replace(application, usecase=Scripted())
    assert (await run(lucky, reached)).passed
    (check,) = [check for check in gate(application, "poc").checks if check.id == "evaluation"]
    assert not check.passed
    assert "12 reviewed cases, at least 20 are demanded" in check.reason
