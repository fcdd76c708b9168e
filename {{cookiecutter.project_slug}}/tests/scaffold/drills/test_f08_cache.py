"""F08: permission layers nobody mapped. A cache is one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.observability import Call, calling

from tests.scaffold.drills.test_f08_access import BANNED, BOARD, SECRET, permit
from tests.scaffold.drills.test_f08_access import QUESTION as ABOUT_MERGER
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
    cache: {seconds: 3600}
  embed: hashing
"""
QUESTION = "How long may a remote session last?"


@pytest.fixture
def cached(project: Path, vendor: vendors.Vendor) -> Iterator[Application]:
    """The whole application, with a role that keeps its answers."""
    (project / "config" / "models.yaml").write_text(MODELS.replace("{url}", vendor.openai), "utf-8")
    with build(Settings(root=project)) as opened:
        yield opened


@pytest.mark.drill("F08")
async def test_an_answer_that_was_kept_never_reaches_a_caller_with_other_rights(
    cached: Application, vendor: vendors.Vendor
) -> None:
    """Staged: answers are kept; somebody in other groups sends, word for word, what was answered before.
    Caught by: the groups in the key of the cache; the model is asked again. For the same groups it is not.
    """
    callum = cached.index.directory.get("callum")
    for _ in range(2):
        await cached.ask(QUESTION, callum)
    assert len(vendor.requests) == 1

    model, outcomes = cached.models.get("answer"), []
    for groups in (("hr",), ("hr",), ("sales",), (), None):
        with calling(Call("somebody", "api", groups)):
            reply = await model.ainvoke("What was said about the salaries?")
        outcomes.append("cached" if "cached" in reply.response_metadata else "asked")
    assert outcomes == ["asked", "cached", "asked", "asked", "asked"]


@pytest.mark.drill("F08")
async def test_a_kept_answer_is_lost_with_the_right_to_what_it_was_made_of(
    cached: Application, project: Path, vendor: vendors.Vendor
) -> None:
    """Staged: an answer for the board is kept; somebody of the same groups asks whom a rule denies by name, and the
    board itself once its right is revoked.
    Caught by: search comes before the cache, whose key holds the passages; others than those are another question.
    """
    folder = project / "data" / "documents" / "board"
    folder.mkdir()
    (folder / "merger.md").write_text(SECRET, "utf-8")
    permit(project, allow=["group:board"], deny=["user:ben"])
    cached.index.sync()
    for caller, calls, told in ((BOARD, 1, True), (BOARD, 1, True), (BANNED, 2, False)):
        answer = await cached.ask(ABOUT_MERGER, caller)
        assert len(vendor.requests) == calls
        assert (SECRET in str(vendor.requests[-1].body)) is told
        assert told or SECRET not in answer.model_dump_json()
    permit(project, allow=["user:ceo"], deny=[])
    cached.index.sync(access_only=True)
    for caller in (BOARD, BANNED):
        assert SECRET not in (await cached.ask(ABOUT_MERGER, caller)).model_dump_json()
        assert SECRET not in str(vendor.requests[-1].body)
