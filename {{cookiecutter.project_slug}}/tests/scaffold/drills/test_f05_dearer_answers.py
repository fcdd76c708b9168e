"""F05: a change makes every answer dearer, and nobody sees it before the bill does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }} import app
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import baseline, judge, load_suite, run
from {{ cookiecutter.package_name }}.scaffold.readiness import gate

PRICES = "prices:\n  offline/extractive-1: {input_per_million: 2, output_per_million: 8}\n"
MARGIN = {"margin": 0.2}
ADVICE = "      - Be brief, be polite, and read every passage twice before you answer.\n"


def double_the_prompt(project: Path, times: int = 60) -> None:
    """Somebody adds advice to the prompt until the requests are more than twice as long."""
    for path in (project / "config" / "prompts").glob("answer.*.yaml"):
        text = path.read_text("utf-8")
        longer = text.replace("    content: |\n      You ", "    content: |\n" + times * ADVICE + "      You ", 1)
        longer = longer if longer != text else text.replace("    content: |\n", "    content: |\n" + times * ADVICE, 1)
        path.write_text(longer, "utf-8")


def demand(project: Path) -> None:
    """Margins on what answers cost, and thresholds that every run reaches."""
    (project / "config" / "limits.yaml").write_text(PRICES, "utf-8")
    thresholds = {"correctness": {"min": 0.01}, "input_tokens": MARGIN, "output_tokens": MARGIN, "cost": MARGIN}
    shape = {"name": "knowledge", "dataset": "evals/datasets/knowledge.jsonl", "thresholds": thresholds}
    (project / "evals" / "suites" / "knowledge.yaml").write_text(json.dumps(shape), "utf-8")


@pytest.mark.drill("F05")
async def test_a_prompt_that_doubles_what_an_answer_costs_is_red_though_it_answers_as_well(
    application: Application, project: Path
) -> None:
    """Staged: a prompt grows until requests are twice as long; the answers stay what they were.
    Caught by: the margins of tokens and cost against the accepted baseline; the gate judges them again.
    """
    demand(project)
    suite = load_suite(application.settings, "knowledge")
    baseline.accept(application, await run(application, suite), suite, by="Ada")
    same = await run(application, suite)
    assert same.passed

    double_the_prompt(project)
    dearer = await run(application, suite)
    assert all(verdict.passed for verdict in judge(dearer.cases, suite))
    red = {verdict.metric: verdict for verdict in dearer.verdicts if not verdict.passed and not verdict.slice}
    assert {name: verdict.outcome for name, verdict in red.items()} == {"input_tokens": "missed", "cost": "missed"}
    assert dearer.against is not None
    assert "latency" in dearer.against.measures  # measured as before, on this machine
    cost = dearer.against.measures["cost"]
    assert cost.share > 0.9
    assert f"cost went from {cost.before:.4g} to {cost.after:.4g} USD over {cost.n} cases" in red["cost"].reason
    assert "at most 20 % more is allowed, and chance does not explain it. Rose most: " in red["cost"].reason
    assert dearer.against.changed == ["prompts"]
    (check,) = [check for check in gate(application, "poc").checks if check.id == "evaluation"]
    assert "cost went from" in check.reason


@pytest.mark.drill("F05")
def test_the_build_fails_on_a_prompt_twice_as_long(project: Path) -> None:
    """Staged: the same, in a pull request.
    Caught by: 'eval run', which the workflow runs, ends with exit code 1 and names cost and tokens.
    """
    demand(project)
    assert called(project, "eval", "run").returncode == 0
    assert called(project, "eval", "baseline", "--by", "Ada").returncode == 0
    double_the_prompt(project)
    done = called(project, "eval", "run")
    assert done.returncode == 1, done.stderr
    for expected in (
        "Tokens sent (input_tokens): ",
        "Cost of an answer (cost): ",
        "Changed since the baseline: the prompts.",
    ):
        assert expected in done.stdout


def called(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", app.__name__, *arguments],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(str(app.__file__)).parents[1]),
            "APP_ROOT": str(project),
            "APP_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
