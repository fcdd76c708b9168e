"""F07: a static extract, whose documents go stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.readiness import gate
from {{ cookiecutter.package_name }}.scaffold.retrieval import index

QUESTION = "When does the lighthouse canteen open?"
CANTEEN = "travel/canteen.md"


@pytest.mark.drill("F07")
async def test_the_answer_follows_the_document(application: Application, project: Path) -> None:
    """Staged: a document is added, then changed, then deleted.
    Caught by: the incremental sync; the next answer says what the document says now, and then does not cite it.
    """
    moira = application.index.directory.get("moira")
    path = project / "data" / "documents" / CANTEEN
    for hour in ("11:15", "11:45"):
        path.write_text(f"# Canteen\n\nThe lighthouse canteen opens at {hour}.\n", "utf-8")
        application.index.sync()
        assert hour in (await application.ask(QUESTION, moira)).answer

    path.unlink()
    assert application.index.sync().removed == [CANTEEN]
    answer = await application.ask(QUESTION, moira)
    assert CANTEEN not in {citation.source for citation in answer.citations}
    assert "11:45" not in answer.answer


def later(hours: float) -> SimpleNamespace:
    return SimpleNamespace(now=lambda zone: datetime.now(UTC) + timedelta(hours=hours))


@pytest.mark.drill("F07")
@pytest.mark.parametrize("change", ["added", "changed", "deleted"])
def test_a_sync_that_stopped_turns_the_gate_red(
    application: Application, project: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: a document is added, changed or deleted, and nobody syncs for a day and an hour.
    Caught by: freshness, the age of the oldest change that waits, against the objective of the source; the gate and the
    alert read it. Until the objective is reached it is no reason to stop, and after a sync it is none either.
    """

    def check(hours: float) -> tuple[bool, str]:
        monkeypatch.setattr(index, "datetime", later(hours))
        [found] = [check for check in gate(application, "poc").checks if check.id == "freshness"]
        return found.passed, found.reason

    application.index.sync()
    assert check(25) == (True, "The oldest change that waits to be indexed is 0.0 h old (nothing is waiting).")
    path = project / "data" / "documents" / "travel" / "travel-policy-2026.md"
    if change == "added":
        path.with_name("new.md").write_text("The canteen opens at noon.", "utf-8")
    elif change == "changed":
        path.write_text("The hotel limit may be exceeded by half.", "utf-8")
    else:
        path.unlink()
    assert check(23)[0]
    passed, reason = check(25)
    assert (passed, "documents: 25 h, 24 h are allowed (travel/" in reason) == (False, True), reason
    page = application.telemetry.metrics_page().decode()
    [age] = [line.split()[-1] for line in page.splitlines() if line.startswith("app_source_age_seconds{")]
    assert float(age) == pytest.approx(25 * 3600, abs=120)
    monkeypatch.undo()
    application.index.sync()
    assert check(25)[0]


@pytest.mark.drill("F07")
def test_what_was_never_synced_is_not_taken_for_fresh(application: Application, project: Path) -> None:
    """Staged: a second source is configured, and no sync has run since.
    Caught by: closed by default: a source that nobody has read is of unknown age.
    """
    (project / "data" / "more").mkdir()
    (project / "config" / "sources.yaml").write_text(
        "sources:\n  documents: {kind: files}\n  more: {kind: files, folder: data/more}\n", "utf-8"
    )
    assert {each.origin: each.good for each in application.index.freshness()} == {"documents": True, "more": False}
    application.index.sync()
    assert {each.origin: each.good for each in application.index.freshness()} == {"documents": True, "more": True}
