"""F11: a demo that feels right because the model was shown the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases, load_suite, run
from {{ cookiecutter.package_name }}.scaffold.readiness import gate


@pytest.mark.drill("F11")
async def test_cases_that_are_put_into_a_prompt_as_examples_turn_run_and_gate_red(
    application: Application, project: Path
) -> None:
    """Staged: somebody copies a reviewed case into the prompt as an example, and every threshold is reached.
    Caught by: the run holds its cases against the prompts and fails for leakage; the gate does the same again.
    """
    suite = load_suite(application.settings, "knowledge")
    case = load_cases(project / suite.dataset)[0]
    prompt = project / "config" / "prompts" / "answer.en.yaml"
    shown = f"    content: |\n      For example: {case.question} {case.expected.answer}\n"
    prompt.write_text(prompt.read_text("utf-8").replace("    content: |\n", shown, 1), "utf-8")

    record = await run(application, suite)
    missed = [verdict for verdict in record.verdicts if not verdict.passed]
    assert [verdict.metric for verdict in missed] == ["leakage"]
    assert case.id in missed[0].reason
    (evaluation,) = [check for check in gate(application, "poc").checks if check.id == "evaluation"]
    assert not evaluation.passed
    assert "leakage: 1 case stands in config/prompts" in evaluation.reason
