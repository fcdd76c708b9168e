"""F13: confident, articulate and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel

from {{ cookiecutter.package_name }}.knowledge_assistant import assistant
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, markdown, run
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal

from tests.scaffold.evaluation.cases import line, write

QUESTION = "How many days of sabbatical may I take for a hotel in Hamburg?"
INVENTED = "Employees may take 90 days of sabbatical after five years of service, on full pay. [1]"
SUITE = {
    "name": "invention",
    "dataset": "evals/datasets/invention.jsonl",
    "thresholds": {"refusal": {"min": 1}, "groundedness": {"min": 1}},
}


@pytest.fixture
def inventing(application: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Whatever it is asked, the model answers fluently and cites the first passage."""
    monkeypatch.setattr(type(application.models), "get", lambda *_: FakeListChatModel(responses=[INVENTED]))
    return application


@pytest.mark.drill("F13")
async def test_an_invented_answer_is_refused(inventing: Application) -> None:
    """Staged: a model that answers, in good prose and with a citation, what no document holds.
    Caught by: each sentence is held against the passages that the answer cites; the caller is refused.
    """
    caller = Principal("anna", frozenset({"everyone"}), "en")
    answer = await inventing.ask(QUESTION, caller, channel="test")
    assert answer.refused
    assert answer.citations == []
    assert "90" not in answer.answer


@pytest.mark.drill("F13")
async def test_an_invention_that_gets_through_turns_the_evaluation_red(
    inventing: Application, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: the same model, after somebody took the check out of the use case.
    Caught by: refusal and groundedness of the suite; the sentence that no passage supports is quoted.
    """
    write(project / str(SUITE["dataset"]), [line("sabbatical", question=QUESTION, expected={"refusal": True})])
    suite = SuiteFile.model_validate(SUITE)
    checked = await run(inventing, suite)
    assert {each.metric: each.outcome for each in checked.verdicts} == {
        "refusal": "passed",
        "groundedness": "unclear",  # a refusal claims nothing
    }

    monkeypatch.setattr(assistant, "support", lambda *_: 1.0)
    unchecked = await run(inventing, suite)
    assert {each.metric: each.outcome for each in unchecked.verdicts} == {"refusal": "missed", "groundedness": "missed"}
    (case,) = unchecked.cases
    assert case.scores["groundedness"].reason == f"not in what it cites: “{INVENTED.removesuffix(' [1]')}”"
    assert "90 days of sabbatical" in markdown(unchecked)
