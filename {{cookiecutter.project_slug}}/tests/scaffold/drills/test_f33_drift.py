"""Drill F33: the world changes after the release, and nobody changed anything here."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation.drift import accept, drift
from {{ cookiecutter.package_name }}.scaffold.serving import create_api

SMALL = "window: 100\nleast: 40\n"
USUAL = (
    "How long may a remote session last?",
    "How many days a week can I work from home?",
    "When may I book first class on a train?",
    "Who signs a travel request of more than 2000 EUR?",
    "What is the melting point of tungsten?",
)
FRENCH = ("Combien de jours par semaine puis-je travailler chez moi ?", "Quand est-ce que je peux prendre le train ?")


def usual(lots: random.Random) -> str:
    return lots.choice(USUAL)


def french(lots: random.Random) -> str:
    return lots.choice(FRENCH if lots.random() < 0.6 else USUAL)


def longer(lots: random.Random) -> str:
    return f"Before I leave for the airport tomorrow, please tell me in detail: {lots.choice(USUAL)}"


def unknown(lots: random.Random) -> str:
    return "What is the melting point of tungsten?" if lots.random() < 0.8 else lots.choice(USUAL)


async def ask(
    application: Application, question: Callable[[random.Random], str], seed: int, channel: str = "api"
) -> None:
    lots, caller = random.Random(seed), application.index.directory.get("callum")
    for _ in range(60):
        await application.ask(question(lots), caller, channel)


@pytest.fixture
def accepted(application: Application, project: Path) -> Application:
    (project / "config/drift.yaml").write_text(SMALL, "utf-8")
    return application


@pytest.mark.drill("F33")
@pytest.mark.parametrize(
    ("change", "feature"), [(french, "language"), (longer, "question_characters"), (unknown, "outcome")]
)
async def test_traffic_that_changes_raises_an_alarm_that_names_the_feature(
    change: Callable[[random.Random], str], feature: str, accepted: Application
) -> None:
    """Staged: people ask in another language, at greater length, or for what no document holds; nothing else changes.
    Caught by: drift, which names the feature and shows both distributions; its metric is what the alerts are about.
    """
    await ask(accepted, usual, 1)
    accept(accepted)
    await ask(accepted, change, 2)
    found = drift(accepted)
    [named] = [each for each in found.drifting if each.feature == feature]
    assert named.outcome == "major"
    assert max(abs(each.now - each.before) for each in named.bins) > 0.2
    page = TestClient(create_api(accepted)).get("/metrics", headers={"host": "localhost"}).text
    told = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("app_drift_"))
    severity = told['app_drift_severity{feature="' + feature + '"}']
    assert (told["app_drift_answers_enough"], severity) == ("1.0", "2.0")


@pytest.mark.drill("F33")
async def test_the_same_traffic_stays_quiet(accepted: Application) -> None:
    """Staged: the same questions in another order; the suite asks other ones in between, to measure.
    Caught by: nothing to catch: no feature drifts, and questions that measure are left out.
    """
    await ask(accepted, usual, 1)
    accept(accepted)
    await ask(accepted, usual, 3)
    await ask(accepted, french, 4, channel="evaluation")
    found = drift(accepted)
    assert (found.enough, [each.feature for each in found.drifting if each.feature != "seconds"]) == (True, [])


@pytest.mark.drill("F33")
async def test_too_few_answers_are_neither_red_nor_green(accepted: Application) -> None:
    """Staged: traffic that changed, of which there is little yet.
    Caught by: the least number of answers: nothing is an alarm, and the metrics say that nobody knows.
    """
    await ask(accepted, usual, 1)
    accept(accepted)
    caller = accepted.index.directory.get("callum")
    for question in FRENCH * 19:
        await accepted.ask(question, caller)
    found = drift(accepted)
    assert (found.enough, found.drifting) == (False, [])
    assert {each.outcome for each in found.features} == {"unclear"}
    page = TestClient(create_api(accepted)).get("/metrics", headers={"host": "localhost"}).text
    assert "app_drift_answers_enough 0.0" in page
    assert 'app_drift_severity{feature="language"} -1.0' in page
