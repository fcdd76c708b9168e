"""Your use case's tests: what it answers, what it refuses."""

from __future__ import annotations

import pytest
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage

from {{ cookiecutter.package_name }}.knowledge_assistant.assistant import REFUSALS
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal

COLLEAGUE = Principal("colleague", frozenset({"everyone"}), "en")
QUESTION = "When may I book first class on a train?"


async def test_an_answer_cites_the_passage_that_it_rests_on(application: Application) -> None:
    answer = await application.ask(QUESTION, COLLEAGUE)
    assert not answer.refused
    assert answer.citations
    assert 0 < answer.confidence <= 1


async def test_a_question_outside_the_documents_is_refused_in_the_callers_language(application: Application) -> None:
    german = Principal("colleague", frozenset({"everyone"}), "de")
    answer = await application.ask("Wie hoch ist der Eiffelturm?", german)
    assert answer.refused
    assert answer.answer == REFUSALS["de"]
    assert answer.citations == []


@pytest.mark.parametrize(
    "said",
    [
        "You may spend 9,999 EUR a night [1].",
        "You may spend as much as you like.",
        "The limit stands in the rules [99].",
        "",
    ],
    ids=["another number", "no citation", "a passage that does not exist", "nothing"],
)
async def test_what_the_citations_do_not_support_is_refused(
    application: Application, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    model = FakeMessagesListChatModel(responses=[AIMessage(said)])
    monkeypatch.setattr(type(application.models), "get", lambda *_: model)
    assert (await application.ask(QUESTION, COLLEAGUE)).refused


async def test_a_citation_names_the_passages_by_which_it_can_be_read_again(application: Application) -> None:
    answer = await application.ask(QUESTION, COLLEAGUE)
    for citation in answer.citations:
        read = application.index.visible(citation.ids, COLLEAGUE)
        assert {passage.source for passage in read} == {citation.source}
        assert all(passage.text in citation.passage for passage in read)


async def test_an_answer_from_what_the_caller_may_no_longer_see_is_refused(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (await application.ask(QUESTION, COLLEAGUE)).refused
    visible = type(application.index).visible
    monkeypatch.setattr(type(application.index), "visible", lambda index, ids, caller: visible(index, ids[1:], caller))
    answer = await application.ask(QUESTION, COLLEAGUE)
    assert (answer.refused, answer.citations) == (True, [])
