"""F12: judged on the demo set."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, baseline, load_suite, run
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


@pytest.mark.drill("F12")
@pytest.mark.parametrize(
    ("english", "german", "accepted", "reason"),
    [
        (30, 0, True, "30 reviewed cases, at least 200 are demanded"),
        (200, 0, True, "0 reviewed cases of locale:de, at least 20 are demanded"),
        (180, 20, False, "evals/baselines/knowledge.json: no baseline was accepted"),
        (180, 20, True, ""),
    ],
)
async def test_a_pilot_takes_many_cases_in_every_language_and_a_baseline(
    application: Application, project: Path, english: int, german: int, accepted: bool, reason: str
) -> None:
    """Staged: thirty lucky cases; two hundred in one language; two hundred that are compared with nothing.
    Caught by: the stage, which demands cases over all and for each language, and a baseline with a margin.
    """
    suite = load_suite(application.settings, "knowledge")
    shape = {**suite.model_dump(), "thresholds": {"correctness": {"margin": 0.05}}, "slices": {}}
    reached = SuiteFile.model_validate(shape)
    (project / "evals" / "suites" / "knowledge.yaml").write_text(reached.model_dump_json(), "utf-8")
    locales = ["en"] * english + ["de"] * german
    write(project / suite.dataset, [line(f"demo-{n}", locale=locale) for n, locale in enumerate(locales)])

    lucky = dataclasses.replace(application, usecase=Scripted())
    made = await run(lucky, reached)
    if accepted:
        baseline.accept(application, made, reached, by="Ada")
    (check,) = [check for check in gate(application, "pilot").checks if check.id == "evaluation"]
    assert check.passed is not bool(reason)
    assert reason in check.reason


@pytest.mark.drill("F12")
async def test_a_baseline_that_nothing_is_held_against_does_not_pass_for_one(
    application: Application, project: Path
) -> None:
    """Staged: a baseline is accepted, and nothing has a margin but the number of tokens.
    Caught by: the stage, which demands both: answers may not get worse unseen.
    """
    suite = load_suite(application.settings, "knowledge")
    shape = {**suite.model_dump(), "thresholds": {"correctness": {"min": 0.01}, "input_tokens": {"margin": 0.2}}}
    suite = SuiteFile.model_validate(shape)
    (project / "evals" / "suites" / "knowledge.yaml").write_text(suite.model_dump_json(), "utf-8")
    baseline.accept(application, await run(application, suite), suite, by="Ada")
    (check,) = [check for check in gate(application, "pilot").checks if check.id == "evaluation"]
    assert "no score of evals/suites/knowledge.yaml has a margin" in check.reason
