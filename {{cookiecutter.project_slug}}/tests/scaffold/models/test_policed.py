"""The policy is asked about provider and region when a version of the file is loaded, and again at each call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, PolicyViolation
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.vendors import Vendor

HERE = "    region: eu-central-1\n"
HERE_ONLY = POLICY + "regions: [eu-central-1]\n"


@pytest.fixture
def placed(at: Callable[..., str]) -> str:
    """A chat model and an embedding that both say where they compute."""
    return at("openai").replace("  vectors:\n", f"{HERE}  vectors:\n", 1).replace("roles:", f"{HERE}roles:")


@pytest.mark.parametrize("role", ["answer", "embed"])
def test_a_model_without_the_region_is_refused_with_the_line_of_its_role(
    role: str, at: Callable[..., str], root: Path, open_models: Open
) -> None:
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY, "utf-8")
    text = at("openai")
    line = text.splitlines().index("    use: chosen" if role == "answer" else "    use: vectors") + 1
    with pytest.raises(ConfigurationError) as caught:
        open_models(text)
    assert f"models.yaml:{line}: roles.{role}" in str(caught.value)
    assert "does not allow openai/loopback-1 without a region (allowed: eu-central-1)" in str(caught.value)


def test_offline_nothing_is_called_that_the_policy_could_refuse(
    at: Callable[..., str], root: Path, open_models: Open
) -> None:
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY, "utf-8")
    assert open_models(at("openai"), offline=True).get("answer").invoke("Hello").text


@pytest.mark.parametrize("way", WAYS)
async def test_a_chat_model_whose_region_the_policy_came_to_forbid_gets_nothing(
    way: Way, placed: str, vendor: Vendor, root: Path, open_models: Open, audit: AuditLog
) -> None:
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY, "utf-8")
    model = open_models(placed).get("answer")
    assert (await way(model, "Hello")).text == "You wrote: Hello"
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY.replace("eu-central-1", "eu-west-3"), "utf-8")
    with pytest.raises(PolicyViolation, match="in the region eu-central-1"):
        await way(model, "Hello")
    assert len(vendor.requests) == 1
    assert [record["outcome"] for record in audit.records()] == ["answered", "denied"]


def test_an_embedding_whose_region_the_policy_came_to_forbid_gets_nothing(
    placed: str, vendor: Vendor, root: Path, open_models: Open, audit: AuditLog
) -> None:
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY, "utf-8")
    embeddings = open_models(placed).embeddings()
    assert embeddings.embed_query("four") == [4.0, 1.0]
    (root / "governance" / "policy.yaml").write_text(HERE_ONLY.replace("eu-central-1", "eu-west-3"), "utf-8")
    with pytest.raises(PolicyViolation, match="in the region eu-central-1"):
        embeddings.embed_query("four")
    assert len(vendor.requests) == 1
    assert [record["outcome"] for record in audit.records()] == ["answered", "denied"]
