"""F08: permission layers that nobody mapped."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal

SECRET = "The merger with Windlass GmbH closes on 4 May."
QUESTION = "When does the merger with Windlass close?"
BOARD = Principal("bea", frozenset({"everyone", "board"}))
STAFF = Principal("sam", frozenset({"everyone"}))
BANNED = Principal("ben", frozenset({"everyone", "board"}))
NOBODY = Principal("stranger")


def permit(project: Path, allow: list[str], deny: list[str]) -> None:
    """Put one rule above all others."""
    path = project / "data" / "access.yaml"
    file = yaml.safe_load(path.read_text("utf-8"))
    rules = [rule for rule in file["rules"] if rule["path"] != "board/**"]
    rule = {"path": "board/**", "allow": allow, "deny": deny}
    path.write_text(yaml.safe_dump({**file, "rules": [rule, *rules]}), "utf-8")


@pytest.fixture
def merger(application: Application, project: Path) -> Application:
    """The shipped documents and one that the board alone may see, except for Ben."""
    folder = project / "data" / "documents" / "board"
    folder.mkdir()
    (folder / "merger.md").write_text(f"---\ntitle: Board paper\n---\n{SECRET}\n", "utf-8")
    permit(project, allow=["group:board"], deny=["user:ben"])
    application.index.sync()
    return application


def found(application: Application, caller: Principal) -> bool:
    passages = application.index.search(QUESTION, caller, k=50)
    leaked = [passage for passage in passages if SECRET in passage.text]
    assert {passage.source for passage in leaked} <= {"board/merger.md"}
    return bool(leaked)


@pytest.mark.drill("F08")
@pytest.mark.parametrize("caller", [STAFF, BANNED, NOBODY], ids=lambda caller: caller.id)
async def test_a_caller_outside_the_group_gets_the_text_through_no_door(merger: Application, caller: Principal) -> None:
    """Staged: a document for one group; asked for by a colleague outside it, one denied by name, and a stranger.
    Caught by: access lists stored with every passage and applied inside the engine's own query.
    """
    assert found(merger, BOARD)
    assert not found(merger, caller)
    answer = await merger.ask(QUESTION, caller)
    assert "Windlass" not in answer.model_dump_json(exclude={"trace_id"})


@pytest.mark.drill("F08")
async def test_an_unknown_caller_sees_nothing_at_all(merger: Application) -> None:
    """Staged: a caller without groups asks for what everyone in the company may see.
    Caught by: closed by default: a passage is found only through a name on its list.
    """
    for question in ("hotel limit in Hamburg", "Krankmeldung", "the", QUESTION):
        assert merger.index.search(question, NOBODY, k=50) == []
    answer = await merger.ask("How much may a hotel in Hamburg cost?", NOBODY)
    assert (answer.refused, answer.citations) == (True, [])


@pytest.mark.drill("F08")
async def test_a_revoked_right_holds_at_the_next_sync(merger: Application, project: Path) -> None:
    """Staged: the board loses its right to the document, then the rule vanishes, then comes back.
    Caught by: the sync gives every passage its document's present access before it does anything else.
    """
    permit(project, allow=["user:ceo"], deny=[])
    merger.index.sync()
    assert not found(merger, BOARD)
    assert found(merger, Principal("ceo"))
    answer = await merger.ask(QUESTION, BOARD)
    assert "Windlass" not in answer.model_dump_json(exclude={"trace_id"})

    permit(project, allow=["group:board"], deny=[])
    merger.index.sync()
    assert found(merger, BOARD)


@pytest.mark.drill("F08")
def test_a_document_that_no_rule_names_is_seen_by_nobody_and_named(merger: Application, project: Path) -> None:
    """Staged: somebody drops a file into the folder and writes no rule.
    Caught by: a document without a rule is not indexed, and the sync's report names it.
    """
    folder = project / "data" / "documents" / "unruled"
    folder.mkdir()
    (folder / "note.md").write_text(SECRET, "utf-8")
    report = merger.index.sync()
    assert "unruled/note.md" in report.unnamed
    everyone = Principal("root", frozenset({"everyone", "board", "hr", "finance", "managers", "legal", "security"}))
    assert all(passage.source != "unruled/note.md" for passage in merger.index.search(SECRET, everyone, k=50))
