"""F04: the vendor changes the model behind the same name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, accept, canary
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel
from {{ cookiecutter.package_name }}.scaffold.serving import create_api

from tests.scaffold.models import vendors

MODELS = """\
models:
  gateway:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer:
    use: gateway
    retries: 0
    cache: {seconds: 3600}
  embed: hashing
"""
Says = Callable[[Callable[[str], str]], None]


@pytest.fixture
def served(project: Path, vendor: vendors.Vendor) -> Iterator[Application]:
    """The whole application on the vendor's model, through a role that even has a cache."""
    (project / "config" / "models.yaml").write_text(MODELS.replace("{url}", vendor.openai), "utf-8")
    with build(Settings(root=project)) as opened:
        yield opened


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Changes what the vendor's model answers."""
    return lambda answer: monkeypatch.setattr(vendors, "said", answer)


def as_ever(question: str) -> str:
    return OfflineChatModel().invoke(question).text


def worse(_: str) -> str:
    return "NO_ANSWER"


def reworded(question: str) -> str:
    text = as_ever(question)
    return text if text == "NO_ANSWER" else f"Yes: {text}"


def red(run: Run) -> dict[str, str]:
    return {verdict.metric: verdict.reason for verdict in run.verdicts if not verdict.passed}


def measured(application: Application) -> tuple[float, float]:
    """``app_canary_passed`` and ``app_canary_age_seconds``, which the alerts CanaryFailed and CanaryStale are about."""
    page = TestClient(create_api(application), "http://127.0.0.1").get("/metrics").text
    told = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("app_canary_"))
    return float(told["app_canary_passed"]), float(told["app_canary_age_seconds"])


@pytest.mark.drill("F04")
@pytest.mark.parametrize(("change", "metric"), [(worse, "canary_quality"), (reworded, "canary_answers")])
async def test_a_model_that_is_quietly_another_turns_the_canary_red(
    change: Callable[[str], str],
    metric: str,
    served: Application,
    vendor: vendors.Vendor,
    says: Says,
) -> None:
    """Staged: the vendor's answers get worse, or only different, under the same name; nothing changes on our side.
    Caught by: the canary, which names the cases; the metric of the alert CanaryFailed flips. Unchanged, it stays green.
    """
    says(as_ever)
    assert (await accept(served)).passed
    asked = len(vendor.requests)
    assert red(await canary(served)) == {}
    assert len(vendor.requests) == asked * 3 / 2  # asked anew, whatever the cache has
    assert measured(served)[0] == 1

    says(change)
    changed = await canary(served)
    found = red(changed)
    assert metric in found
    reason = found[metric]
    assert "nothing changed on our side: the vendor's model changed: " in reason
    assert any(case.id in reason for case in changed.cases)
    passed, age = measured(served)
    assert passed == 0
    assert 0 <= age < 3600


@pytest.mark.drill("F04")
@pytest.mark.parametrize(
    ("file", "part", "old", "new"),
    [
        ("config/models.yaml", "models", "loopback-1", "loopback-2"),
        ("config/prompts/answer.en.yaml", "prompts", "\n", "\n\n"),
        ("evals/datasets/knowledge.jsonl", "dataset", "\n", "\n\n"),
        ("evals/suites/canary.yaml", "suite", "sample: 3", "sample: 2"),
    ],
)
async def test_what_changed_on_our_side_is_not_laid_at_the_vendors_door(
    file: str, part: str, old: str, new: str, served: Application, vendor: vendors.Vendor, says: Says
) -> None:
    """Staged: somebody changes the configuration or the cases after the answers were accepted.
    Caught by: the digests of the baseline; the canary says which part changed, and nothing is asked.
    """
    says(as_ever)
    await accept(served)
    asked = len(vendor.requests)
    path = served.settings.path(file)
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigurationError, match=rf"Your configuration changed .*\({part}\).*'eval canary --accept'"):
        await canary(served)
    assert len(vendor.requests) == asked


@pytest.mark.drill("F04")
async def test_an_outage_is_not_taken_for_another_model_and_not_for_none(
    served: Application, vendor: vendors.Vendor, says: Says
) -> None:
    """Staged: the vendor is down when the canary asks.
    Caught by: cases that ended in an error are named, and compared with nothing; the canary is red for that alone.
    """
    says(as_ever)
    await accept(served)
    vendor.fault = 500
    reasons = red(await canary(served))
    assert reasons.keys() == {"completed", "canary_asked"}
    assert "ended in an error: " in reasons["canary_asked"]
