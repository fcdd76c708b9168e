"""F35: stakeholders expect what it cannot do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, run
from {{ cookiecutter.package_name }}.scaffold.models import Models
from {{ cookiecutter.package_name }}.scaffold.readiness import gate
from {{ cookiecutter.package_name }}.scaffold.readiness.card import CARD, card, check_card, write_card

from tests.scaffold.evaluation.cases import Scripted, answer, line, suite

STAGES = """
stages:
  pilot:
    evaluation: {suite: small, min_cases: 1, max_age_hours: 1}
    checks: [card]
"""
WRONG = answer("90 EUR [1]", "travel/travel-policy-2026.md")
LINES = [line(f"c{n}", tags=["hard" if n < 3 else "easy"]) for n in range(30)]


@pytest.fixture
def small(project: Path) -> SuiteFile:
    (project / "governance" / "stages.yaml").write_text(STAGES, "utf-8")
    made = suite(project, LINES, thresholds={"correctness": {"min": 0.6}})
    (project / "evals" / "suites" / "small.yaml").write_text(made.model_dump_json(), "utf-8")
    return made


async def evaluate(application: Application, small: SuiteFile, *wrong: str) -> None:
    """A run in which the cases named are answered wrongly."""
    script = Scripted({f"question {each}": WRONG for each in wrong})
    await run(dataclasses.replace(application, usecase=script), small)


@pytest.fixture
async def written(application: Application, small: SuiteFile) -> Path:
    """The card of a run in which all three hard cases fail; the gate is green."""
    await evaluate(application, small, "c0", "c1", "c2")
    write_card(application, "small")
    assert gate(application, "pilot").passed
    return application.settings.root / CARD


def why(application: Application) -> str:
    result = gate(application, "pilot")
    assert not result.passed
    return result.checks[0].reason


@pytest.mark.drill("F35")
def test_the_card_names_what_it_cannot_do(written: Path) -> None:
    """Staged: every case of one kind fails, while the suite as a whole passes.
    Caught by: the card names the kind, how many fail, and examples of what was asked, expected and got.
    """
    said = written.read_text("utf-8").replace("\N{NO-BREAK SPACE}", " ")
    limits = said[said.index("## Limits") :]
    factors = said[said.index("## Factors") : said.index("## Metrics")]
    assert (
        "- Topics and kinds of questions: easy (27), hard (3)\n- Who asks: tom (30)\n- Language: en (30)\n" in factors
    )
    assert "Weak where the question is **hard**: 0 % of 3 cases pass." in limits
    assert "### Not “Right answers”: 3 of 30 cases" in limits
    assert "- question c0 → expected: 150 EUR → got: 90 EUR" in limits
    assert "decisions about people" in said
    assert "27 of 30 test questions" in said


@pytest.mark.drill("F35")
@pytest.mark.parametrize("wrong", [(), ("c0", "c1", "c2", "c3"), ("c0", "c1", "c4")])
async def test_other_results_turn_the_check_red_until_the_card_is_written_anew(
    application: Application, small: SuiteFile, written: Path, wrong: tuple[str, ...]
) -> None:
    """Staged: the next run passes too, but with more, fewer or other failures.
    Caught by: the digest of the results on the card is not that of the newest run.
    """
    await evaluate(application, small, *wrong)
    assert f"{CARD} is stale: results changed since it was written" in why(application)
    write_card(application, "small")
    assert gate(application, "pilot").passed


async def test_the_same_results_leave_the_card_as_it_is(
    application: Application, small: SuiteFile, written: Path
) -> None:
    """Date, latency and the run's name differ; a card that went stale every day would be ignored."""
    await evaluate(application, small, "c0", "c1", "c2")
    assert gate(application, "pilot").passed


@pytest.mark.drill("F35")
@pytest.mark.parametrize(
    ("file", "change", "part"),
    [
        ("config/prompts/answer.en.yaml", lambda text: text + "\n", "prompts"),
        ("governance/policy.yaml", lambda text: text + "\n", "policy"),
        ("governance/intended_use.yaml", lambda text: text.replace("legal advice", "tax advice"), "intended_use"),
        ("governance/ownership.yaml", lambda text: text.replace("data-team", "search-team"), "owner"),
    ],
)
def test_another_prompt_policy_purpose_or_owner_turns_the_check_red(
    application: Application, written: Path, file: str, change: Callable[[str], str], part: str
) -> None:
    """Staged: what the card says it was measured on, is for, or belongs to, is no longer so.
    Caught by: the digest of that part, which the check names.
    """
    path = application.settings.root / file
    before = path.read_text("utf-8")
    path.write_text(change(before), "utf-8")
    assert path.read_text("utf-8") != before
    assert f"{part} changed since it was written" in why(application)


@pytest.mark.drill("F35")
async def test_another_model_turns_the_check_red(application: Application, small: SuiteFile, project: Path) -> None:
    """Staged: config/models.yaml changes after the card was written.
    Caught by: the digest of the models, though nobody measured the new one yet.
    """
    a = application
    models = Models(Settings(root=project), a.policy, a.audit, a.telemetry, a.state)
    configured = dataclasses.replace(application, models=models)
    await evaluate(configured, small)
    write_card(configured, "small")
    assert gate(configured, "pilot").passed
    path = project / "config" / "models.yaml"
    path.write_text(path.read_text("utf-8").replace("extractive-1", "extractive-1\n    timeout: 50"), "utf-8")
    assert f"{CARD} is stale: models changed since it was written" in why(configured)


@pytest.mark.drill("F35")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("0\N{NO-BREAK SPACE}% of 3", "90\N{NO-BREAK SPACE}% of 3"), "changed by hand"),
        (lambda text: text[: text.index("## Limits")], "changed by hand"),
        (lambda text: "", "changed by hand"),
        (None, "There is no governance/system_card.md"),
    ],
)
def test_a_card_that_is_touched_up_or_gone_turns_the_check_red(
    application: Application, written: Path, change: Callable[[str], str] | None, reason: str
) -> None:
    """Staged: somebody embellishes a number, deletes the limits, or the card.
    Caught by: the digest of the card itself.
    """
    if change is None:
        written.unlink()
    else:
        written.write_text(change(written.read_text("utf-8")), "utf-8")
    assert reason in why(application)


@pytest.mark.drill("F35")
async def test_a_newer_run_that_failed_leaves_no_card_standing(
    application: Application, small: SuiteFile, written: Path
) -> None:
    """Staged: the newest run misses its demands; the card still tells of the one before.
    Caught by: a card holds only where the newest run passed; none is written otherwise.
    """
    await evaluate(application, small, *(f"c{n}" for n in range(20)))
    assert "did not pass" in why(application)
    with pytest.raises(EvidenceError, match="did not pass"):
        write_card(application, "small")


@pytest.mark.drill("F35")
def test_what_nobody_wrote_down_turns_the_check_red(application: Application, written: Path) -> None:
    """Staged: the file on what it is for still holds its placeholders, and the card is written from it.
    Caught by: the card flags them, and the check names the fields.
    """
    path = application.settings.path("governance", "intended_use.yaml")
    path.write_text(path.read_text("utf-8").replace("legal advice", "<what it must not be used for>"), "utf-8")
    write_card(application, "small")
    assert "**Still to be written** in governance/intended_use.yaml: out_of_scope" in written.read_text("utf-8")
    assert "governance/intended_use.yaml: out_of_scope says nothing yet" in why(application)


def test_the_same_records_give_the_same_card(application: Application, written: Path) -> None:
    assert card(application, "small") == card(application, "small") == written.read_text("utf-8")


async def test_a_card_is_not_written_of_what_is_no_longer_here(
    application: Application, small: SuiteFile, written: Path
) -> None:
    with application.settings.path("data", "access.yaml").open("a") as handle:
        handle.write("\n")
    with pytest.raises(EvidenceError, match="index changed since the run"):
        write_card(application, "small")
    assert "says what was measured" in check_card(application, "small")  # documents come and go; the card stands
