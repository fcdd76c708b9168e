"""F08: permission layers that nobody mapped: what was found before is asked for again, and so is what a tool finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fastapi.testclient import TestClient
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import create_retriever_tool

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.retrieval import CallerRetriever
from {{ cookiecutter.package_name }}.scaffold.serving import create_api

from tests.scaffold.drills.test_f08_access import BANNED, BOARD, NOBODY, QUESTION, SECRET, STAFF, merger, permit
from tests.scaffold.governance.rights import AUDIENCE, Issuer

__all__ = ["merger"]  # a fixture
ISSUER = Issuer()


class Meanwhile:
    """A model that does something while it thinks, and then quotes the secret."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    async def ainvoke(self, messages: list[BaseMessage], **_: object) -> AIMessage:
        self.act()
        cited = messages[-1].text.split("| title: Board paper")[0].rsplit("[", 1)[1].split("]")[0]
        return AIMessage(f"{SECRET} [{cited}]")


@pytest.mark.drill("F08")
@pytest.mark.parametrize("lost", ["nothing", "right", "document"])
async def test_a_right_that_is_lost_between_search_and_answer_is_lost_for_the_answer(
    merger: Application, project: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Staged: the board's right is revoked, or the paper deleted, while the model writes its answer.
    Caught by: the engine is asked again for all that the model has read, before the answer is released.
    """

    def lose() -> None:
        if lost == "right":
            permit(project, allow=["user:ceo"], deny=[])
        elif lost == "document":
            (project / "data" / "documents" / "board" / "merger.md").unlink()
        merger.index.sync(access_only=lost != "document")

    monkeypatch.setattr(type(merger.models), "get", lambda *_: Meanwhile(lose))
    answer = await merger.ask(QUESTION, BOARD)
    assert answer.refused is (lost != "nothing")
    assert ("Windlass" in answer.model_dump_json(exclude={"trace_id"})) is (lost == "nothing")


@pytest.mark.drill("F08")
async def test_earlier_citations_that_come_back_are_read_with_the_rights_of_now(
    merger: Application, project: Path
) -> None:
    """Staged: the ids in a board member's answer are handed back as context: by a colleague, by one denied by name, by
    a stranger, and by the board member once the right is gone.
    Caught by: passages are read by their ids with the caller in the engine's query, never from what is handed back.
    """
    answer = await merger.ask(QUESTION, BOARD)
    ids = [name for citation in answer.citations for name in citation.ids]
    assert [passage.text for passage in merger.index.visible(ids, BOARD)] == [SECRET]
    for caller in (STAFF, BANNED, NOBODY):
        assert merger.index.visible(ids, caller) == []
    permit(project, allow=["user:ceo"], deny=[])
    merger.index.sync(access_only=True)
    assert merger.index.visible(ids, BOARD) == []


@pytest.mark.drill("F08")
async def test_a_tool_finds_for_its_caller_only(merger: Application) -> None:
    """Staged: a model calls a search tool with the very words of the secret, on behalf of four callers.
    Caught by: the tool is made of a retriever that is bound to the caller of the request.
    """
    for caller, found in ((BOARD, True), (STAFF, False), (BANNED, False), (NOBODY, False)):
        tool = create_retriever_tool(CallerRetriever(index=merger.index, caller=caller, k=50), "search", "Searches.")
        assert (SECRET in tool.invoke(SECRET)) is found, caller.id
        assert (SECRET in await tool.ainvoke({"query": QUESTION})) is found, caller.id


@pytest.mark.drill("F08")
def test_a_token_shows_what_its_groups_may_see_and_denies_whom_a_rule_denies(
    merger: Application, project: Path
) -> None:
    """Staged: people without an entry in data/access.yaml ask with tokens: of the board, outside it, in no group, and
    one of the board who is denied by name.
    Caught by: the names that the engine filters by are those of the verified token.
    """
    path = project / "config" / "service.yaml"
    tokens = {"issuer": ISSUER.url, "audience": AUDIENCE, "keys": "keys.json"}
    (project / "keys.json").write_text(json.dumps(ISSUER.keys), "utf-8")
    given = {**yaml.safe_load(path.read_text("utf-8")), "tokens": tokens, "groups": {"kind": "token"}}
    path.write_text(yaml.safe_dump(given), "utf-8")
    client = TestClient(create_api(merger), "https://answers.acme.test", client=("192.0.2.7", 5000))
    for user, groups, found in (
        ("bea", ["everyone", "board"], True),
        ("sam", ["everyone"], False),
        ("bea", [], False),
        ("ben", ["everyone", "board"], False),
        ("user:bea", ["group:board", "board "], False),
    ):
        headers = {"authorization": f"Bearer {ISSUER.token(user, groups=groups)}"}
        response = client.post("/api/ask", json={"question": QUESTION}, headers=headers)
        assert (response.status_code, "Windlass" in response.text) == (200, found), (user, groups)
