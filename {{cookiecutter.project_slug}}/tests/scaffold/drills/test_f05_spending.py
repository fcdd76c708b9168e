"""F05: the price of tokens does not survive scale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.serving import create_api

from tests.scaffold.models import vendors

QUESTION = {"question": "How long may a remote session last?", "caller": "callum"}
MODELS = """\
models:
  gateway:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
    parameters: {max_tokens: 100}
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer: gateway
  embed: hashing
"""
LIMITS = """\
budget:
  day: 100
prices:
  openai-compatible/loopback-1: {input_per_million: 100, output_per_million: 1000}
"""


@pytest.fixture
def paid(project: Path, vendor: vendors.Vendor) -> Iterator[Application]:
    """The whole application on a model that costs money."""
    (project / "config" / "models.yaml").write_text(MODELS.replace("{url}", vendor.openai), "utf-8")
    (project / "config" / "limits.yaml").write_text(LIMITS, "utf-8")
    with build(Settings(root=project)) as opened:
        yield opened


@pytest.mark.drill("F05")
def test_at_the_cap_the_next_call_is_refused_and_nothing_is_sent(paid: Application, vendor: vendors.Vendor) -> None:
    """Staged: questions are asked of a paid model until the budget of the day has no room for another.
    Caught by: each call is reserved against the budget before it goes out; the next is refused, and nothing is sent.
    """
    client = TestClient(create_api(paid), "http://127.0.0.1", client=("127.0.0.1", 5000))
    assert client.post("/api/ask", json=QUESTION).status_code == 200
    (spent,) = [each["spent"] for each in paid.models.spending.report(1)["budgets"]]
    assert spent == (7 * 100 + 5 * 1000) / 1_000_000

    path = paid.settings.path("config", "limits.yaml")
    path.write_text(LIMITS.replace("day: 100", f"day: {spent + 0.0001}"), "utf-8")
    refused = client.post("/api/ask", json=QUESTION)
    assert refused.status_code == 429
    assert "The budget budget.day of config/limits.yaml is reached" in refused.json()["error"]["message"]
    assert len(vendor.requests) == 1
    assert [record["outcome"] for record in paid.audit.records() if record["event"] == "model_call"] == [
        "answered",
        "limited",
    ]


@pytest.mark.drill("F05")
def test_the_kill_switch_stops_a_role_at_once(paid: Application, vendor: vendors.Vendor) -> None:
    """Staged: the spending of a role has to stop now, while the application runs.
    Caught by: the kill switch in config/limits.yaml; the next question is refused, and nothing is sent.
    """
    client = TestClient(create_api(paid), "http://127.0.0.1", client=("127.0.0.1", 5000))
    path = paid.settings.path("config", "limits.yaml")
    path.write_text(LIMITS + "roles: {answer: {stopped: true}}\n", "utf-8")
    refused = client.post("/api/ask", json=QUESTION)
    assert refused.status_code == 503
    assert "stopped by roles.answer.stopped in config/limits.yaml" in refused.json()["error"]["message"]
    assert vendor.requests == []

    path.write_text(LIMITS, "utf-8")
    assert client.post("/api/ask", json=QUESTION).status_code == 200
    assert len(vendor.requests) == 1
