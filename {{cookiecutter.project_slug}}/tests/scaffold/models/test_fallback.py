"""Control: where one model cannot answer, the next one is asked, under the same rules as the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ModelUnavailable
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way, invoked
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.two import SECOND, Steps, outcome, two
from tests.scaffold.models.vendors import Vendor


@pytest.fixture
def second() -> Iterator[Vendor]:
    with vendors.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)


class Person(BaseModel):
    """A person."""

    name: str


@pytest.mark.parametrize("way", WAYS)
async def test_the_answer_says_who_wrote_it_and_the_metrics_who_failed(
    way: Way, vendor: Vendor, second: Vendor, open_models: Open, telemetry: Telemetry
) -> None:
    vendor.fault = 500
    model = open_models(two(vendor, second), pace=Steps().pace).get("answer")
    assert await outcome(way, model) == SECOND
    page = telemetry.metrics_page().decode()
    for line in (
        'app_model_fallbacks_total{provider="openai",role="answer"} 1.0',
        'app_model_calls_total{outcome="answered",provider="openai-compatible",role="answer"} 1.0',
        'app_tokens_total{direction="output",provider="openai-compatible",role="answer"} 5.0',
    ):
        assert line in page


@pytest.mark.parametrize("way", WAYS)
async def test_personal_data_is_hidden_from_a_fallback_too(
    way: Way, vendor: Vendor, second: Vendor, open_models: Open
) -> None:
    vendor.fault = 500
    text = "Mail anna@example.org"
    reply = await way(open_models(two(vendor, second), pace=Steps().pace).get("answer"), text)
    assert reply.text == f"You wrote: {text}"
    assert "anna@example.org" not in vendor.received + second.received


@pytest.mark.parametrize("way", WAYS)
async def test_a_fallback_that_the_policy_came_to_forbid_gets_nothing(
    way: Way, vendor: Vendor, second: Vendor, open_models: Open, root: Path, audit: AuditLog
) -> None:
    vendor.fault = 500
    model = open_models(two(vendor, second), pace=Steps().pace).get("answer")
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("openai-compatible, ", ""), "utf-8")
    assert await outcome(way, model) == "PolicyViolation"
    assert second.requests == []
    (record,) = audit.records()
    assert (record["outcome"], len(record["attempts"])) == ("denied", 2)


@pytest.mark.parametrize("way", WAYS)
async def test_where_none_answers_each_is_quoted(way: Way, vendor: Vendor, second: Vendor, open_models: Open) -> None:
    vendor.fault, second.fault, vendor.retry_after = 503, 404, "20"
    with pytest.raises(ModelUnavailable) as caught:
        await way(open_models(two(vendor, second), pace=Steps().pace).get("answer"), "Hello")
    said = str(caught.value)
    assert said.startswith("No model of the role 'answer' could answer. The model openai/loopback-1 has a fault of its")
    assert caught.value.after == 20
    assert "The model openai-compatible/loopback-2 does not know the model" in said


def test_tools_are_put_to_a_fallback_that_speaks_the_same_way_and_to_no_other(
    vendor: Vendor, second: Vendor, open_models: Open
) -> None:
    vendor.fault, second.tool = 500, "Person"
    role = "{use: first, fallback: [local, second], retries: 0, deadline: 90}"
    model = open_models(two(vendor, second, role), pace=Steps().pace).get("answer")
    bound = model.bind_tools([Person], tool_choice="Person").bind(model="loopback-9")
    assert bound.invoke("Hello").tool_calls[0]["name"] == "Person"
    assert [(request.path, request.body["model"]) for request in vendor.requests + second.requests] == [
        ("/v1/chat/completions", "loopback-9"),
        ("/v1/chat/completions", "loopback-2"),
    ]


MISTAKES = [
    ("{use: frist}", ".use: there is no model 'frist' under models (did you mean 'first'?)"),
    ("{use: first, fallback: [secnod]}", ".fallback.0: there is no model 'secnod' under models (did you mean 'second'"),
    ("{use: first, fallback: [second, first]}", ".fallback.1: 'first' is asked already"),
    ("{use: first, fallback: [second, second]}", ".fallback.1: 'second' is asked already"),
    ("{use: first, fallback: [vectors]}", ".fallback.0: 'vectors' is of kind embedding, 'first' of kind chat"),
    ("{use: first, fallback: [second], deadline: 10}", ".fallback.0: 'second' would never be asked"),
    ("{use: first, fallback: [local], deadline: 90}", ".fallback.0: governance/policy.yaml does not allow ollama/"),
    ("{use: local, deadline: 90}", ".use: governance/policy.yaml does not allow ollama/loopback-3 for internal data"),
    ("{use: first, retries: -1}", ".retries: input should be greater than or equal to 0"),
    ("{use: first, retry: 1}", ".retry: there is no such field; known: cache, deadline, fallback, retries, use"),
    ("{use: vectors, fallback: [vectors]}", ".fallback: is for chat models"),
    ("{use: vectors, cache: {seconds: 60}}", ".cache: is for chat models"),
    ("{use: first, cache: {seconds: 0}}", ".cache.seconds: input should be greater than 0"),
    ("{use: first, cache: {seconds: 60, entries: 0}}", ".cache.entries: input should be greater than or equal to 1"),
    ("{fallback: [first]}", ".use: this field is required"),
]


@pytest.mark.parametrize(("role", "said"), MISTAKES, ids=[role for role, _ in MISTAKES])
def test_a_role_that_cannot_be_served_as_written_is_refused_with_its_line(
    role: str, said: str, root: Path, open_models: Open
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace(", ollama", ""), "utf-8")
    text = two("http://127.0.0.1:9", "http://127.0.0.1:9", role)
    line = text.splitlines().index(f"  answer: {role}") + 1
    with pytest.raises(ConfigurationError) as caught:
        open_models(text)
    assert f"models.yaml:{line}: roles.answer{said}" in str(caught.value)


def test_what_is_described_covers_the_fallbacks(open_models: Open) -> None:
    alone, accompanied = (
        open_models(two("http://127.0.0.1:9", "http://127.0.0.1:9", role)).describe("answer")
        for role in ("first", "{use: first, fallback: [second]}")
    )
    assert alone.label == accompanied.label
    assert alone.sha256 != accompanied.sha256


async def test_offline_there_is_nothing_to_fall_back_to(vendor: Vendor, second: Vendor, open_models: Open) -> None:
    assert (
        await outcome(invoked, open_models(two(vendor, second), offline=True).get("answer")) == "offline/extractive-1"
    )
    assert vendor.requests + second.requests == []
