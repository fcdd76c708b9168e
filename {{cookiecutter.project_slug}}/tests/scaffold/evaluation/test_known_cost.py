"""What an answer cost is known wherever every model has a price, also where a vendor failed on the way to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.evaluation import run

from tests.scaffold.evaluation.cases import line, suite
from tests.scaffold.models.vendors import Vendor

MODELS = """\
models:
  first: {provider: openai-compatible, base_url: "URL", model: m1, timeout: 10, parameters: {max_tokens: 100}}
  second: {provider: openai-compatible, base_url: "URL", model: m2}
  hashing: {provider: offline, model: hashing-1024, kind: embedding}
roles:
  answer: {use: first, fallback: [second], retries: 0}
  embed: hashing
"""
PRICE = "  openai-compatible/NAME: {input_per_million: 100, output_per_million: 1000}\n"
ANSWERED = (7 * 100 + 5 * 1000) / 1_000_000
LONGEST = 100 * 1000 / 1_000_000


@pytest.mark.parametrize(
    ("priced", "fault", "missing"),
    [
        (["m1", "m2"], 500, ""),
        (["m1", "m2"], 429, ""),
        (["m2"], 500, "openai-compatible/m1"),
        (["m1"], 500, "openai-compatible/m2"),
        (["m2"], None, "openai-compatible/m1"),
    ],
)
async def test_one_failed_attempt_leaves_the_cost_of_a_run_known_unless_a_model_has_no_price(
    priced: list[str], fault: int | None, missing: str, project: Path, vendor: Vendor
) -> None:
    vendor.fault, vendor.recovers = fault, 1
    config = project / "config"
    (config / "models.yaml").write_text(MODELS.replace("URL", vendor.openai), "utf-8")
    (config / "limits.yaml").write_text("prices:\n" + "".join(PRICE.replace("NAME", name) for name in priced), "utf-8")
    chosen = suite(
        project,
        [line(question="How long may a remote session last?", caller="callum")],
        thresholds={"cost": {"max": 1}},
    )
    with build(Settings(root=project)) as application:
        made = await run(application, chosen)
        booked = application.models.spending.report(1)["total"]
    assert len(vendor.requests) == (2 if fault else 1)
    (case,), (verdict,) = made.cases, made.verdicts
    if missing:
        assert ("cost" in case.measures, verdict.outcome) == (False, "unclear")
        assert f"since no price is known for {missing}; add it under prices in config/limits.yaml" in verdict.reason
        return
    assert case.measures["cost"] == pytest.approx(booked["cost"])
    failed = case.measures["cost"] - ANSWERED
    assert (failed > LONGEST) if fault == 500 else (failed == pytest.approx(0))
    assert booked["estimated"] == int(fault == 500)
