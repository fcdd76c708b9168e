"""Roles to models: what the file says, while it changes, and what it says wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.models.offline import EXPLANATION

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
        "models/providers.py",
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
]


@pytest.mark.parametrize(("right", "wrong", "where", "help_"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_is_known(
    right: str, wrong: str, where: str, help_: str, open_models: Open
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_models(OFFLINE.replace(right, wrong, 1))
    assert where in str(caught.value)
    assert help_ in str(caught.value)


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
        "set OPENAI_API_KEY",
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
