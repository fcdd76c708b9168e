"""Stages: a gate that asks for something unknown, or for nothing, is refused at load."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, UsageError
from {{ cookiecutter.package_name }}.scaffold.readiness import load_stage
from {{ cookiecutter.package_name }}.scaffold.readiness.checks import CHECKS
from {{ cookiecutter.package_name }}.scaffold.readiness.stages import CheckName

GOOD = """\
stages:
  poc:
    evaluation: {suite: knowledge, min_cases: 20, max_age_hours: 168}
    checks: [evaluation, owner]
"""


def place(root: Path, text: str) -> Settings:
    (root / "governance").mkdir()
    (root / "governance" / "stages.yaml").write_text(text, "utf-8")
    return Settings(root=root)


def test_a_stage_is_found_by_its_name(tmp_path: Path) -> None:
    assert load_stage(place(tmp_path, GOOD), "poc").checks == ["evaluation", "owner"]


@pytest.mark.parametrize(
    ("name", "message"), [("pco", r"no stage 'pco' .*\(did you mean 'poc'\?\); known: poc"), ("pilot", "known: poc")]
)
def test_an_unknown_stage_names_the_known_ones(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_stage(place(tmp_path, GOOD), name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner", "ownr", r"stages.yaml:4: stages.poc.checks.1: input should be .*'owner'.*not 'ownr'"),
        ("owner", "evaluation", r"stages.yaml:4: stages.poc.checks: 'evaluation' is listed twice"),
        ("[evaluation, owner]", "[]", r"stages.yaml:4: stages.poc.checks: [Ll]ist should have at least 1 item"),
        ("checks:", "cheks:", r"stages.poc.checks: this field is required"),
        ("min_cases: 20", "min_cases: 0", r"stages.yaml:3: .*min_cases: .* not 0"),
        ("max_age_hours: 168", "max_age_hours: -1", r"stages.yaml:3: .*max_age_hours: .* not -1"),
        (
            "suite: knowledge",
            "suite: knowledge, baseline: must",
            r"stages.yaml:3: .*baseline: .*'optional' or 'required'",
        ),
        ("suite: knowledge", "suite: knowledge, min_cases_per_slice: {a: 0}", r"stages.yaml:3: .*slice.a: .* not 0"),
        (GOOD, "stages: {}", r"stages: .* at least 1 item"),
        (GOOD, "", r"stages: this field is required"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=message):
        load_stage(place(tmp_path, GOOD.replace(old, new)), "poc")


def test_every_check_that_a_stage_may_ask_for_exists() -> None:
    assert set(get_args(CheckName)) == set(CHECKS)


@pytest.mark.parametrize(
    ("stage", "cases", "baseline"),
    [("poc", 20, "optional"), ("pilot", 200, "required"), ("production", 500, "required")],
)
def test_every_shipped_stage_asks_for_every_check_and_for_more_than_the_one_before(
    stage: str, cases: int, baseline: str
) -> None:
    shipped = load_stage(Settings(root=Path(__file__).parents[1] / "sample"), stage)
    assert set(shipped.checks) == set(CHECKS) - ({"card"} if stage == "poc" else set())
    assert (shipped.evaluation.min_cases, shipped.evaluation.baseline) == (cases, baseline)
