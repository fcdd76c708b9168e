"""Roles to models: what the file says, while it changes, and what it says wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.models import BUILT
from {{ cookiecutter.package_name }}.scaffold.models.offline import EXPLANATION
from {{ cookiecutter.package_name }}.scaffold.prompts import Parameters

from tests.scaffold.models.conftest import Open
from tests.scaffold.models.vendors import MODEL, Vendor

OFFLINE = """\
models:
  extractive:
    provider: offline
    model: extractive-1
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer: extractive
  embed: hashing
"""

MISTAKES = [
    (
        "model: extractive-1",
        "modle: extractive-1",
        ":4: models.extractive.modle: there is no such field",
        "did you mean 'model'?",
    ),
    (
        "provider: offline\n    model: ext",
        "provider: ofline\n    model: ext",
        ":3: models.extractive.provider",
        "did you mean 'offline'?",
    ),
    (
        "provider: offline\n    model: ext",
        "provider: acme\n    model: ext",
        ":3: models.extractive.provider",
        "models/offers.py",
    ),
    ("answer: extractive", "answer: extractiv", ":10: roles.answer", "did you mean 'extractive'?"),
    ("answer: extractive", "answer: gpt", ":10: roles.answer", "known: extractive, hashing"),
    ("kind: embedding", "kind: vector", ":8: models.hashing.kind", "'chat' or 'embedding'"),
    ("model: extractive-1", "model: extractive-1\n    timeout: 0", ":5: models.extractive.timeout", "greater than 0"),
    (
        "provider: offline\n    model: ext",
        "provider: openai-compatible\n    model: ext",
        "models.extractive.base_url",
        "needs the address",
    ),
    (
        "model: extractive-1",
        "model: x\n    base_url: http://me:secret@h/v1",
        ":5: models.extractive.base_url",
        "api_key_env",
    ),
    ("model: extractive-1", "model: x\n    parameters:\n      temprature: 0", ":6:", "did you mean 'temperature'?"),
    ("roles:", "rolls:", ": roles: this field is required", ""),
    (
        "provider: offline\n    model: ext",
        "provider: openai\n    api_key_env: sk-proj-1234\n    model: ext",
        ":4: models.extractive.api_key_env: must be the name of an environment variable",
        "never the key itself",
    ),
    (
        "provider: offline\n    model: ext",
        "provider: openai\n    parameters: {context_tokens: 9}\n    model: ext",
        ":4: models.extractive.parameters.context_tokens: does not exist for the provider openai",
        "known: temperature, top_p, max_tokens, seed",
    ),
    ("model: extractive-1", "model: x\n    timeout: -1", ":5: models.extractive.timeout", "greater than 0, not -1"),
    ("model: extractive-1", "model: x\n    timeout: soon", ":5: models.extractive.timeout", "number"),
    ("model: extractive-1", "model: ''", ":4: models.extractive.model", "at least 1 character"),
    ("model: extractive-1", "model:", ":4: models.extractive.model", "valid string, not None"),
    ("model: extractive-1", "model: x\n    parameters: {max_tokens: -5}", ":5: ", "greater than 0, not -5"),
    ("model: extractive-1", "model: x\n    parameters: {temperature: 3}", ":5: ", "less than or equal to 2, not 3"),
    ("model: extractive-1", "model: x\n    parameters: {temperature: yes}", ":5: ", "yes, no, on, off"),
    ("model: extractive-1", "model: x\n    parameters: 7", ":5: models.extractive.parameters", "must hold fields"),
    (
        "model: extractive-1",
        "model: x\n    breaker: {failures: 0}",
        ":5: models.extractive.breaker.failures",
        "equal to 1",
    ),
    ("model: extractive-1", "model: x\n    breaker: {secs: 1}", ":5: ", "did you mean 'seconds'?"),
    ("model: extractive-1", "model: x\n    base_url: localhost:8000", ":5: models.extractive.base_url", "http"),
    (
        "answer: extractive",
        "answer: {use: extractive, retries: -1}",
        ":10: roles.answer.retries",
        "or equal to 0, not -1",
    ),
    ("answer: extractive", "answer: {use: extractive, deadline: -1}", ":10: roles.answer.deadline", "greater than 0"),
    (
        "answer: extractive",
        "answer: {use: extractive, retrys: 1}",
        ":10: roles.answer.retrys",
        "did you mean 'retries'?",
    ),
    ("answer: extractive", "answer: {fallback: [extractive]}", ":10: roles.answer.use", "required"),
    (
        "answer: extractive",
        "answer: {use: extractive, fallback: [hashng]}",
        ":10: roles.answer.fallback.0",
        "'hashing'?",
    ),
    ("answer: extractive", "answer:", ":10: roles.answer", "must hold fields"),
    ("answer: extractive", "answer: extractive\n  answer: hashing", ":11: not valid YAML", "written twice"),
]


@pytest.mark.parametrize(("right", "wrong", "where", "help_"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_is_known(
    right: str, wrong: str, where: str, help_: str, open_models: Open
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_models(OFFLINE.replace(right, wrong, 1))
    assert where in str(caught.value)
    assert help_ in str(caught.value)
    assert "config/models.yaml:" in str(caught.value)
    assert "sk-proj" not in str(caught.value)


def test_the_shipped_file_works_without_keys_in_offline_mode(shipped: str, open_models: Open) -> None:
    models = open_models(shipped, offline=True)
    assert models.get("answer").invoke("Hello").text == EXPLANATION
    assert models.describe("answer").label == "offline/extractive-1"
    assert len(models.embeddings().embed_query("Hello")) == 1024


def test_offline_mode_sends_nothing_whatever_the_file_says(
    vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    models = open_models(at("openai"), offline=True)
    models.get("answer").invoke("Hello")
    models.embeddings().embed_query("Hello")
    assert vendor.requests == []
    assert models.describe("answer").provider == "offline"


def test_an_unknown_role_says_which_there_are(open_models: Open) -> None:
    models = open_models(OFFLINE)
    for ask in (models.get, models.embeddings, models.describe):
        with pytest.raises(
            ConfigurationError, match=r"no role 'anser'.*did you mean 'answer'.*known: answer, embed; add it"
        ):
            ask("anser")


@pytest.mark.parametrize(("kind", "role"), [("get", "embed"), ("embeddings", "answer")])
def test_a_role_of_the_other_kind_is_named(kind: str, role: str, open_models: Open) -> None:
    with pytest.raises(ConfigurationError, match=f"role '{role}'.*of kind"):
        getattr(open_models(OFFLINE), kind)(role)


def test_the_same_version_gives_the_same_model(open_models: Open) -> None:
    models = open_models(OFFLINE)
    assert models.get("answer") is models.get("answer")


def test_what_is_described_changes_with_whatever_changes_answers_but_not_with_the_key(
    at: Callable[..., str], open_models: Open
) -> None:
    text = at("openai")
    described = open_models(text).describe("answer")
    assert described.label == f"openai/{MODEL}"
    assert open_models(text.replace("LOOPBACK_KEY", "OTHER_KEY")).describe("answer") == described
    assert open_models(text.replace(MODEL, "loopback-2")).describe("answer") != described
    warmer = text.replace("timeout: 10", "timeout: 10\n    parameters:\n      temperature: 1", 1)
    assert open_models(warmer).describe("answer") != described


def test_parameters_of_a_call_go_before_the_models_own_and_are_part_of_what_is_on_record(
    vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    models = open_models(
        at("openai").replace("timeout: 10", "timeout: 10\n    parameters: {temperature: 1, seed: 7}", 1)
    )
    models.get("answer").invoke("Hello")
    tuned = models.get("answer", Parameters(temperature=0, max_tokens=9))
    assert models.get("answer", Parameters(temperature=0, max_tokens=9)) is tuned
    tuned.invoke("Hello")
    sent = [(body["temperature"], body["seed"], body.get("max_completion_tokens")) for body in _bodies(vendor)]
    assert sent == [(1, 7, None), (0, 7, 9)]
    plain, other = [record["model_sha256"] for record in audit.records()]
    assert plain == models.describe("answer").sha256
    assert other != plain


def test_models_with_parameters_of_their_own_are_bounded_and_go_with_their_version(
    open_models: Open, root: Path
) -> None:
    models = open_models(OFFLINE)
    first = models.get("answer", Parameters(seed=0))
    for seed in range(BUILT):
        models.get("answer", Parameters(seed=seed))
    assert models._loaded.get().chat.cache_info().currsize == BUILT  # type: ignore[attr-defined]
    (root / "config" / "models.yaml").write_text(OFFLINE.replace("extractive-1", "extractive-2"), "utf-8")
    assert models.get("answer", Parameters(seed=0)) is not first
    assert models._loaded.get().chat.cache_info().currsize == 2  # type: ignore[attr-defined]


def _bodies(vendor: Vendor) -> list[dict[str, Any]]:
    return [request.body for request in vendor.requests]


def test_a_missing_key_fails_the_role_that_needs_it_and_no_other(
    at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOPBACK_KEY")
    text = (
        at("openai")
        .replace("use: vectors", "use: hashing")
        .replace("roles:", "  hashing:\n    provider: offline\n    model: hashing-1024\n    kind: embedding\nroles:")
    )
    models = open_models(text)
    assert models.embeddings().embed_query("Hello")
    assert models.describe("answer").provider == "openai"
    with pytest.raises(ConfigurationError, match="set LOOPBACK_KEY in the environment, or set APP_OFFLINE=1"):
        models.get("answer")


BREAKAGES = [
    ("broken YAML", "models: [", "not valid YAML"),
    ("an unknown provider", OFFLINE.replace("provider: offline", "provider: acme", 1), "no provider 'acme'"),
    ("a role without a model", OFFLINE.replace("answer: extractive", "answer: nothing"), "roles.answer"),
    (
        "a key that is not there",
        OFFLINE.replace("provider: offline", "provider: openai", 1),
        "config/models.yaml:10: roles.answer: openai/extractive-1 needs a key: set OPENAI_API_KEY",
    ),
]


@pytest.mark.parametrize(("what", "text", "said"), BREAKAGES, ids=[what for what, _, _ in BREAKAGES])
def test_a_broken_file_leaves_the_last_good_one_serving(
    what: str, text: str, said: str, open_models: Open, root: Path
) -> None:
    models = open_models(OFFLINE)
    (root / "config" / "models.yaml").write_text(text, "utf-8")
    assert models.get("answer").invoke("Hello").text == EXPLANATION
    assert models.error is not None
    assert said in models.error

    (root / "config" / "models.yaml").write_text(OFFLINE.replace("extractive-1", "extractive-2"), "utf-8")
    assert models.get("answer").invoke("Hello").response_metadata["model_name"] == "extractive-2"
    assert models.error is None
