"""F09: documents that contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal

COLLEAGUE = Principal("colleague", frozenset({"everyone"}))
QUESTION = "How much does the company pay for a bicycle?"
OLD = "The company pays 300 EUR for a bicycle."
NEW = "The company pays 450 EUR for a bicycle."


class Hasty:
    """A model that believes the first passage which it reads, as models tend to; keeps what it was sent."""

    def __init__(self) -> None:
        self.read = ""

    async def ainvoke(self, messages: list[BaseMessage], **_: object) -> AIMessage:
        self.read = messages[-1].text
        first = self.read.split("[1] source:")[1].split("\n[2] source:")[0].split("\n", 1)[1]
        return AIMessage(f"{first.strip()} [1]")


@pytest.mark.drill("F09")
@pytest.mark.parametrize("status", ["", "status: superseded\n"], ids=["by their dates", "by what the old one says"])
async def test_of_an_old_and_a_new_policy_the_answer_follows_the_new_one(
    application: Application, project: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """Staged: two policies with other amounts; the old one is nearer to the question, and nobody took it away.
    Caught by: packing puts the newest first where two state the same with other figures, and tells the model so.
    """
    folder = project / "data" / "documents" / "travel"
    (folder / "bicycles.md").write_text(f"---\ntitle: Bicycles\nupdated: 2021-05-01\n{status}---\n{OLD}\n", "utf-8")
    (folder / "mobility.md").write_text(f"---\ntitle: Mobility\nupdated: 2026-05-01\n---\n{NEW}\n", "utf-8")
    application.index.sync()
    found = [passage.source for passage in application.index.search(QUESTION, COLLEAGUE)]
    assert found.index("travel/bicycles.md") < found.index("travel/mobility.md")

    model = Hasty()
    monkeypatch.setattr(type(application.models), "get", lambda *_: model)
    answer = await application.ask(QUESTION, COLLEAGUE)
    assert (answer.answer, answer.refused) == (f"{NEW} [1]", False)
    assert [citation.source for citation in answer.citations] == ["travel/mobility.md"]
    head, passages = model.read.split("[1] source:", 1)
    old = passages.split("source: travel/bicycles.md")[0].rsplit("[", 1)[1].split("]")[0]
    assert f"\n[!] [1] is newer than [{old}], and states the same with other figures.\n" in head
