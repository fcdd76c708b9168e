"""The policy decides which provider may see which data, and follows its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, PolicyViolation
from {{ cookiecutter.package_name }}.scaffold.governance import Policy

SHIPPED = Path(__file__).parents[1] / "sample" / "governance" / "policy.yaml"


def policy_for(settings: Settings, text: str) -> Policy:
    path = settings.path("governance", "policy.yaml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return Policy(settings)


def shipped(classification: str) -> str:
    lines = SHIPPED.read_text("utf-8").splitlines()
    return "\n".join(f"data_classification: {classification}" if x.startswith("data_class") else x for x in lines)


OWN = {"offline", "ollama", "openai-compatible"}
CLOUD = {"azure-openai", "bedrock"}
VENDORS = {"openai", "anthropic", "google"}


@pytest.mark.parametrize(
    ("classification", "allowed"),
    [
        ("public", OWN | CLOUD | VENDORS),
        ("internal", OWN | CLOUD | VENDORS),
        ("confidential", OWN | CLOUD),
        ("restricted", OWN),
    ],
)
def test_the_shipped_policy_lets_each_class_go_this_far(
    settings: Settings, classification: str, allowed: set[str]
) -> None:
    policy = policy_for(settings, shipped(classification))
    passed = set()
    for provider in [*OWN, *CLOUD, *VENDORS, "unknown", "", "OpenAI"]:
        try:
            policy.check_model(provider, "any")
            passed.add(provider)
        except PolicyViolation:
            pass
    assert passed == allowed


def test_a_refusal_says_what_where_and_what_instead(settings: Settings) -> None:
    policy = policy_for(settings, shipped("restricted"))
    with pytest.raises(PolicyViolation) as caught:
        policy.check_model("openai", "gpt-9")
    for part in ("governance/policy.yaml", "openai/gpt-9", "restricted", "offline, ollama", "config/models.yaml"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("regions", "provider", "region", "refused"),
    [
        ("", "bedrock", "us-east-1", None),
        ("", "openai", None, None),
        ("regions: [eu-central-1, westeurope]", "azure-openai", "westeurope", None),
        (
            "regions: [eu-central-1, westeurope]",
            "bedrock",
            "us-east-1",
            "in the region us-east-1 (allowed: eu-central-1",
        ),
        ("regions: [eu-central-1]", "openai", None, "without a region (allowed: eu-central-1)"),
        ("regions: [eu-central-1]", "bedrock", "EU-CENTRAL-1", "in the region EU-CENTRAL-1"),
        ("regions: []", "bedrock", "eu-central-1", "(allowed: none)"),
        ("regions: []", "offline", None, None),
    ],
)
def test_a_model_computes_where_the_policy_says(
    settings: Settings, regions: str, provider: str, region: str | None, refused: str | None
) -> None:
    policy = policy_for(settings, f"{shipped('internal')}\n{regions}\n")
    said = None
    try:
        policy.check_model(provider, "any", region)
    except PolicyViolation as error:
        said = str(error)
    assert said is None if refused is None else refused in str(said)


def test_personal_data_is_pseudonymised_unless_the_file_says_otherwise(settings: Settings) -> None:
    text = "data_classification: public\nproviders: {public: [offline]}\n"
    block = text + "personal_data: {on_the_way_to_the_model: block}"
    assert policy_for(settings, shipped("internal")).personal_data_action == "pseudonymise"
    assert policy_for(settings, text).personal_data_action == "pseudonymise"
    assert policy_for(settings, block).personal_data_action == "block"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "data_classification: this field is required"),
        ("data_classification: secret\nproviders: {}", "policy.yaml:1: data_classification: input should be 'public'"),
        ("data_classification: internal\nproviders: {public: [offline]}", "says nothing about 'internal'"),
        ("data_classification: public\nproviders: {pubic: [offline]}", "policy.yaml:2"),
        ("data_classification: public\nproviders: {public: [offline]}\npersonal_data: {logs: x}", "no such field"),
        (
            "data_classification: public\nproviders: {public: [offline]}\npersonal_data: {on_the_way_to_the_model: ignore}",
            "input should be 'pseudonymise', 'redact' or 'block'",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(settings: Settings, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.yaml") as caught:
        policy_for(settings, text)
    assert problem in str(caught.value)


def test_without_a_file_there_is_no_policy_and_nothing_starts(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        Policy(settings)


def test_a_change_is_followed_and_a_mistake_is_not(settings: Settings) -> None:
    policy = policy_for(settings, shipped("internal"))
    path = settings.path("governance", "policy.yaml")
    policy.check_model("openai", "gpt-9")
    path.write_text(shipped("restricted") + "\n# tightened", "utf-8")
    with pytest.raises(PolicyViolation):
        policy.check_model("openai", "gpt-9")
    path.write_text("providers: {}", "utf-8")
    with pytest.raises(PolicyViolation):
        policy.check_model("openai", "gpt-9")
    assert policy.error is not None and "data_classification: this field is required" in policy.error
    path.unlink()
    with pytest.raises(PolicyViolation):
        policy.check_model("openai", "gpt-9")
