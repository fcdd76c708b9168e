"""config/limits.yaml: optional, followed while running, and the kill switch in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ModelsStopped
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.test_models import OFFLINE
from tests.scaffold.models.vendors import Vendor

MISTAKES = [
    ("stoped: true", ":1: stoped: there is no such field", "did you mean 'stopped'?"),
    ("budget:\n  day: -1", ":2: budget.day", "greater than or equal to 0"),
    ("budget: {week: 3}", ":1: budget.week: there is no such field", "known: day, month"),
    ("roles: {answer: {stopped: perhaps}}", "roles.answer.stopped", "valid boolean"),
    ("prices: {gpt: {input_per_million: 1}}", "prices", "'gpt' is not a provider and a model"),
    ("prices: {opnai/gpt: {input_per_million: 1}}", "prices", "is not a provider and a model"),
    ("budget: {day: .inf}", "budget.day", "finite number"),
    ("assumed_output_tokens: 0", "assumed_output_tokens", "greater than 0"),
    ("roles:\n  answer:\n    requests_per_minute: 0", ":3: roles.answer.requests_per_minute", "greater than 0, not 0"),
    ("roles:\n  answer:\n    tokens_per_minute: -5", ":3: roles.answer.tokens_per_minute", "greater than 0, not -5"),
    ("roles:\n  answer:\n    tokens_per_minute: 1.5", ":3: roles.answer.tokens_per_minute", "valid integer"),
    ("roles:\n  answer:\n    requests_per_minute: yes", ":3: roles.answer.requests_per_minute", "write a number"),
    ("roles:\n  answer:\n    concurrent: 0", ":3: roles.answer.concurrent", "greater than 0, not 0"),
    ("roles:\n  answer:\n    concurrent: 2\n    queue: -1", ":4: roles.answer.queue", "greater than or equal to 0"),
    ("roles:\n  answer:\n    queue: 5", ":3: roles.answer.queue: nothing waits without concurrent", "take queue out"),
    ("roles: {answer: {request_per_minute: 5}}", "roles.answer.request_per_minute", "mean 'requests_per_minute'?"),
]


@pytest.mark.parametrize(("text", "where", "help_"), MISTAKES)
def test_a_mistake_is_named_at_the_start(text: str, where: str, help_: str, open_models: Open, root: Path) -> None:
    (root / "config" / "limits.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        open_models(OFFLINE)
    assert where in str(caught.value)
    assert help_ in str(caught.value)


def test_without_the_file_nothing_is_limited(open_models: Open) -> None:
    models = open_models(OFFLINE)
    assert models.get("answer").invoke("Hello").text
    assert models.limits_error is None
    assert models.spending.limits.summary == "stopped: nothing; budgets: none; rates: none"


def test_the_summary_names_what_limits_there_are(open_models: Open, root: Path) -> None:
    text = "roles: {answer: {requests_per_minute: 60, concurrent: 4, stopped: true, budget: {day: 2}}}"
    (root / "config" / "limits.yaml").write_text(text, "utf-8")
    assert open_models(OFFLINE).spending.limits.summary == (
        "stopped: answer; budgets: roles.answer.budget.day; "
        "rates: roles.answer.requests_per_minute 60, roles.answer.concurrent 4"
    )


@pytest.mark.parametrize("text", ["stopped: true", "roles: {answer: {stopped: true}}"])
@pytest.mark.parametrize("way", WAYS)
async def test_what_is_stopped_sends_nothing_from_the_next_call_on(
    way: Way, text: str, vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path, audit: AuditLog
) -> None:
    model, file = open_models(at("openai")).get("answer"), root / "config" / "limits.yaml"
    await way(model, "Hello")
    file.write_text(text, "utf-8")
    with pytest.raises(ModelsStopped, match=r"stopped by .*stopped in config/limits\.yaml; nothing was sent"):
        await way(model, "Hello")
    assert len(vendor.requests) == 1
    assert [record["outcome"] for record in audit.records()] == ["answered", "stopped"]
    file.unlink()
    await way(model, "Hello")
    assert len(vendor.requests) == 2


def test_another_role_goes_on_and_embeddings_stop_too(
    vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path, telemetry: Telemetry
) -> None:
    models, file = open_models(at("openai")), root / "config" / "limits.yaml"
    file.write_text("roles: {embed: {stopped: true}}", "utf-8")
    assert models.get("answer").invoke("Hello").text
    with pytest.raises(ModelsStopped, match="role 'embed'"):
        models.embeddings().embed_query("Hello")
    assert len(vendor.requests) == 1
    line = 'app_model_calls_total{outcome="stopped",provider="openai",role="embed"} 1.0'
    assert line in telemetry.metrics_page().decode()


def test_a_broken_file_leaves_the_last_good_limits_in_force(open_models: Open, root: Path) -> None:
    models, file = open_models(OFFLINE), root / "config" / "limits.yaml"
    file.write_text("stopped: true", "utf-8")
    assert models.limits_error is None
    file.write_text("stopped: [", "utf-8")
    assert "config/limits.yaml:1" in str(models.limits_error)
    with pytest.raises(ModelsStopped):
        models.get("answer").invoke("Hello")


def test_a_role_that_does_not_exist_is_a_problem_and_the_rest_holds(open_models: Open, root: Path) -> None:
    models = open_models(OFFLINE)
    (root / "config" / "limits.yaml").write_text("stopped: true\nroles: {anser: {stopped: true}}", "utf-8")
    assert "config/limits.yaml:2: roles.anser: config/models.yaml has no such role (did you mean 'answer'?)" in str(
        models.limits_error
    )
    with pytest.raises(ModelsStopped):
        models.get("answer").invoke("Hello")
