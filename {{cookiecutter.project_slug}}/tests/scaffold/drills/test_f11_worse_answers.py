"""F11: "it felt right in the demo"."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }} import app
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import baseline, judge, load_suite, render, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.report.harm import worst_cases
from {{ cookiecutter.package_name }}.scaffold.readiness import gate

from tests.scaffold.models import vendors

MODELS = """\
models:
  gateway: {provider: openai-compatible, base_url: "{url}", model: loopback-1, api_key_env: LOOPBACK_KEY}
  hashing: {provider: offline, model: hashing-1024, kind: embedding}
roles: {answer: gateway, embed: hashing}
"""


def worsen_the_prompt(project: Path, locale: str = "*") -> None:
    """Somebody saves tokens: only the first passage's beginning is sent."""
    for path in (project / "config" / "prompts").glob(f"answer.{locale}.yaml"):
        text = path.read_text("utf-8")
        worse = text.replace("passages }}", "passages[:300] }}")
        assert worse != text
        path.write_text(worse, "utf-8")


@pytest.mark.drill("F11")
async def test_a_worse_prompt_misses_a_threshold_and_the_cases_are_named(
    application: Application, project: Path
) -> None:
    """Staged: the prompt sends only the beginning of what was found.
    Caught by: the suite's thresholds; the run fails and shows metric, bound and the cases, expected and got.
    """
    suite = load_suite(application.settings, "knowledge")
    assert (await run(application, suite)).passed

    worsen_the_prompt(project)
    worse = await run(application, suite)
    assert not worse.passed
    assert "correctness" in [verdict.metric for verdict in worse.verdicts if not verdict.passed]
    console = Console(soft_wrap=True, color_system=None)
    with console.capture() as capture:
        console.print(render(worse))
    shown = capture.get()
    gravest = worst_cases(worse)[0]
    for expected in ("Right answers (correctness): ", "demanded: ", gravest.question, f"expected  {gravest.expected}"):
        assert expected in shown


@pytest.mark.drill("F11")
async def test_a_prompt_worse_than_the_accepted_one_is_red_though_every_threshold_is_reached(
    application: Application, project: Path
) -> None:
    """Staged: the thresholds are set low, answers were far above them, and a change of the English prompt makes them worse.
    Caught by: the margin against the accepted baseline; metric and cases are named, and the gate judges again.
    """
    suite = load_suite(application.settings, "knowledge")
    low = {**suite.model_dump(), "thresholds": {"correctness": {"min": 0.01, "margin": 0.15}}, "slices": {}}
    (project / "evals" / "suites" / "knowledge.yaml").write_text(json.dumps(low), "utf-8")
    suite = load_suite(application.settings, "knowledge")
    baseline.accept(application, await run(application, suite), suite, by="Ada")
    assert (await run(application, suite)).passed

    worsen_the_prompt(project, "en")
    worse = await run(application, suite)
    assert all(verdict.passed for verdict in judge(worse.cases, suite))
    (red,) = [verdict for verdict in worse.verdicts if not verdict.passed and not verdict.slice]
    assert (red.metric, red.outcome) == ("correctness", "missed")
    assert worse.against is not None
    assert worse.against.metrics["correctness"].worse[0] in red.reason
    assert worse.against.changed == ["prompts"]
    (check,) = [check for check in gate(application, "poc").checks if check.id == "evaluation"]
    assert "chance does not explain it" in check.reason


@pytest.mark.drill("F11")
def test_the_build_fails_on_a_worse_prompt(project: Path) -> None:
    """Staged: the same, in a pull request.
    Caught by: 'eval run', which the workflow runs, ends with exit code 1.
    """
    worsen_the_prompt(project)
    done = evaluated(project, "--offline")
    assert done.returncode == 1, done.stderr
    assert "Right answers (correctness): " in done.stdout


@pytest.mark.drill("F11")
def test_the_build_fails_without_a_key_on_worse_recorded_answers(
    project: Path, vendor: vendors.Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: somebody changes to a model that knows nothing, and records its answers; the build has no key.
    Caught by: the answers as recorded, which the build replays and holds against the same thresholds.
    """
    (project / "config" / "models.yaml").write_text(MODELS.replace("{url}", vendor.openai), "utf-8")
    monkeypatch.setattr(vendors, "said", lambda _: "NO_ANSWER")
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)
    assert evaluated(project, "--record").returncode == 1

    monkeypatch.delenv("LOOPBACK_KEY")
    vendor.requests.clear()
    done = evaluated(project)
    assert (done.returncode, vendor.requests) == (1, []), done.stderr
    assert "Answers what it can (answered): 0\N{NO-BREAK SPACE}% of" in done.stdout
    assert "recorded answers were replayed" in done.stdout


def evaluated(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = Path(str(app.__file__)).parents[1]
    return subprocess.run(
        [sys.executable, "-m", app.__name__, "eval", "run", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(source), "APP_ROOT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
