"""Every alert rule is about something that the service measures, and says where to read on."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.observability.names import METRICS
from {{ cookiecutter.package_name }}.scaffold.serving import create_api
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src/{{ cookiecutter.package_name }}"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "operations/alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
METRIC = re.compile(r"\b(app_\w+?)(?:_bucket|_count|_sum)?(?:\{([^}]*)\}|\b)")

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


@each_rule
def test_the_runbook_section_exists(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert anchor in [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@each_rule
def test_the_rule_asks_for_labels_that_the_code_writes(rule: dict[str, Any]) -> None:
    written = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py") if path.name != "names.py")
    used = METRIC.findall(rule["expr"])
    assert used or rule["expr"].startswith("up{")  # Prometheus' own: whether it could read the page
    for metric, matchers in used:
        assert metric in METRICS, f"observability/names.py has no metric {metric}"
        for label, value in re.findall(r'(\w+)="([^"]*)"', matchers):
            assert label in METRICS[metric].labels
            assert f'"{value}"' in written, f"nothing in src/ counts {metric} with {label} {value!r}"


def test_the_service_shows_every_metric_that_a_rule_asks_for(application: Application) -> None:
    _run_the_canary_once(application)
    limits = application.settings.path("config", "limits.yaml")
    limits.write_text("budget: {day: 5}", "utf-8")
    asyncio.run(application.ask("How long may a remote session last?", application.index.directory.get("callum")))
    page = TestClient(create_api(application)).get("/metrics", headers={"host": "localhost"}).text
    asked_for = {metric for rule in RULES for metric, _ in METRIC.findall(rule["expr"])}
    assert {metric for metric in asked_for if f"\n# TYPE {metric} " not in page} == set()


def _run_the_canary_once(application: Application) -> None:
    row = {"id": "x", "started_at": datetime.now(UTC).isoformat(), "passed": 1, "score": 1, "digests": {}, "record": ""}
    with application.state.begin() as connection:
        connection.execute(evaluation_runs.insert().values(suite="canary", **row))


def test_an_alert_has_a_name_of_its_own_and_one_severity_of_two() -> None:
    assert {rule["labels"]["severity"] for rule in RULES} <= {"page", "ticket"}
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
