"""F02: prompts and parameters are hard-coded; a better prompt needs a deployment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_suite, run
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.readiness import gate

QUESTION = "How many days of annual leave do employees get?"


def edit(project: Path, pattern: str, replacement: str) -> None:
    path = project / "config" / "prompts" / "answer.en.yaml"
    text = path.read_text("utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    path.write_text(changed, "utf-8")


@pytest.mark.drill("F02")
async def test_an_edited_prompt_serves_the_next_question_and_a_broken_one_does_not(
    application: Application, project: Path
) -> None:
    """Staged: the prompt file is edited, then broken, while the application runs.
    Caught by: prompts follow their files; the last good one stays and the mistake is reported.
    """
    caller = Principal("anna", frozenset({"everyone"}), "en")
    before = await application.ask(QUESTION, caller)
    assert before.prompt == "answer.en@1"

    edit(application.settings.root, r'version: "1"', 'version: "2"')
    assert (await application.ask(QUESTION, caller)).prompt == "answer.en@2"
    assert application.prompts.error is None

    edit(project, r"input: \[passages, question\]", "input: [passages]")
    assert (await application.ask(QUESTION, caller)).prompt == "answer.en@2"
    assert "answer.en.yaml" in (application.prompts.error or "")


@pytest.mark.drill("F02")
async def test_a_prompt_that_was_not_evaluated_turns_the_gate_red(application: Application, project: Path) -> None:
    """Staged: the prompt changes after the evaluation run.
    Caught by: the gate holds the run's prompt digest against the prompts in use.
    """
    await run(application, load_suite(application.settings, "knowledge"), progress=None)
    assert gate(application, "poc").passed

    edit(project, r"in one to three sentences", "in one sentence")
    red = {check.id: check.reason for check in gate(application, "poc").checks if not check.passed}
    assert list(red) == ["evaluation"]
    assert "prompts" in red["evaluation"]
