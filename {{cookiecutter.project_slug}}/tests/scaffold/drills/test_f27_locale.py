"""F27: one language, one culture."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_suite, run
from {{ cookiecutter.package_name }}.scaffold.readiness import gate


def reasons(application: Application) -> list[str]:
    return [check.reason for check in gate(application, "poc").checks if check.id == "evaluation" and not check.passed]


@pytest.mark.drill("F27")
async def test_a_language_that_is_served_badly_fails_the_run_and_the_gate_though_the_mean_passes(
    application: Application, project: Path
) -> None:
    """Staged: the German prompt loses the passages; most questions are English, and every overall threshold is reached.
    Caught by: the language's own thresholds; the run fails, names language and bound, and the gate goes red.
    """
    suite = load_suite(application.settings, "knowledge")
    assert (await run(application, suite)).passed
    assert reasons(application) == []

    prompt = project / "config" / "prompts" / "answer.de.yaml"
    worse = prompt.read_text("utf-8").replace("passages }}", "passages[:300] }}")
    assert worse != prompt.read_text("utf-8")
    prompt.write_text(worse, "utf-8")

    result = await run(application, suite)
    assert [verdict.reason for verdict in result.verdicts if not verdict.slice and not verdict.passed] == []
    assert not result.passed
    missed = {verdict.slice: verdict.reason for verdict in result.verdicts if not verdict.passed}
    assert list(missed) == ["locale:de"]
    assert missed["locale:de"].startswith("answered of locale:de is 0.000")
    (reason,) = reasons(application)
    assert "locale:de" in reason


@pytest.mark.drill("F27")
async def test_one_lucky_case_does_not_show_that_a_language_is_served(application: Application, project: Path) -> None:
    """Staged: all German cases are dropped but one, which is answered rightly.
    Caught by: the same thresholds, judged on the interval; one case is not enough evidence, which is no pass.
    """
    suite = load_suite(application.settings, "knowledge")
    dataset = project / suite.dataset
    lines = dataset.read_text("utf-8").splitlines()
    kept = [line for line in lines if '"locale": "de"' not in line or '"id": "passwort-laenge"' in line]
    dataset.write_text("\n".join(kept), "utf-8")

    result = await run(application, suite)
    assert not result.passed
    assert result.slices["locale:de"]["correctness"].mean == 1
    unclear = {(verdict.slice, verdict.outcome) for verdict in result.verdicts if not verdict.passed}
    assert unclear == {("locale:de", "unclear")}
