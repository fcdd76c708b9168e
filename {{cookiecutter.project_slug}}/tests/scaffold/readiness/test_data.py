"""The data check as evidence: what is checked is what is indexed, and the record is what the check wrote."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import delete

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError, EvidenceError, SourceError
from {{ cookiecutter.package_name }}.scaffold.evaluation.history import history, render
from {{ cookiecutter.package_name }}.scaffold.readiness import load_stage
from {{ cookiecutter.package_name }}.scaffold.readiness.data import (
    PAGE,
    RECORD,
    data,
    digests,
    examine,
    newest,
    save,
    shortcomings,
)
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import DataRequired, Report
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.report import finding
from {{ cookiecutter.package_name }}.scaffold.state import evaluation_runs

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SAMPLE_DAY = datetime(2026, 11, 21, tzinfo=UTC)
THERE = {"documents": "a", "index": "b", "code": "c"}


def a_report(**changes: Any) -> Report:
    source = {"origin": "documents", "documents": 4, "score": 100, "kinds": {}}
    shape = {
        "checked_at": NOW - timedelta(hours=1),
        "seconds": 1,
        "digests": THERE,
        "documents": 4,
        "score": 100,
        "sources": [source],
        "findings": [],
    }
    return Report.model_validate(shape | changes)


OUTDATED = [finding("documents", "a.md", "outdated", "is old")]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (a_report(), []),
        (a_report(checked_at=NOW - timedelta(hours=24)), []),
        (a_report(digests={**THERE, "more": "d"}), []),
        (a_report(checked_at=NOW - timedelta(hours=25)), ["the data check is 25 h old, at most 24 h count"]),
        (a_report(checked_at=NOW + timedelta(seconds=1)), ["the data check is dated in the future"]),
        (a_report(digests={**THERE, "documents": "x"}), ["documents changed since the data check"]),
        (a_report(digests={}), ["documents, index, code changed since the data check"]),
        (a_report(documents=0, sources=[]), ["the data check found no document"]),
        (a_report(findings=OUTDATED), ["documents: outdated: 1 of 4 documents (25.0%), at most 20.0%"]),
    ],
)
def test_a_report_is_evidence_only_if_nothing_is_short(report: Report, expected: list[str]) -> None:
    found = shortcomings(report, DataRequired(max_age_hours=24), THERE, NOW)
    assert len(found) == len(expected)
    for reason, start in zip(found, expected, strict=True):
        assert reason.startswith(start)


def check_now(application: Application, now: datetime | None = None) -> Report:
    required = load_stage(application.settings, "poc").data
    report = examine(application, now or datetime.now(UTC))
    save(application, report, required, "poc")
    return report


def test_the_sample_has_the_defects_that_it_is_known_for_and_is_within_limits(application: Application) -> None:
    report = examine(application, SAMPLE_DAY)
    known = {(each.source, each.kind) for each in report.findings if each.kind != "personal_data"}
    assert known == {
        ("finance/budget-2027-draft.md", "missing_permissions"),
        ("security/vpn-2022.html", "outdated"),
        ("travel/reisekostenabrechnung.md", "wide_permissions"),
        ("travel/travel-policy-2023.md", "outdated"),
    }
    required = load_stage(application.settings, "poc").data
    there = digests(application)
    assert shortcomings(report, required, there, SAMPLE_DAY) == []


def test_a_saved_report_comes_back_with_its_page_beside_it(application: Application, project: Path) -> None:
    report = check_now(application)
    assert newest(application) == report
    html = (project / PAGE).read_text("utf-8")
    assert html.endswith("</html>\n")
    assert "finance/budget-2027-draft.md" in html
    assert [path.name for path in (project / PAGE).parent.iterdir() if path.name.startswith(".")] == []


def test_a_later_check_takes_the_place_of_one_from_a_clock_that_was_ahead(application: Application) -> None:
    check_now(application, datetime.now(UTC) + timedelta(days=400))
    later = check_now(application)
    assert newest(application) == later


def _write(project: Path, path: str, text: str) -> None:
    (project / path).write_text(text, "utf-8")


def _append(path: str) -> Callable[[Application, Path], None]:
    def append(application: Application, project: Path) -> None:
        with (project / path).open("a", encoding="utf-8") as file:
            file.write("\n# A line.\n")

    return append


def _sync(application: Application, project: Path) -> None:
    _write(project, "data/documents/travel/new.md", "A document that nobody checked.")
    application.index.sync()


def _erase(application: Application, project: Path) -> None:
    with application.state.begin() as connection:
        connection.execute(delete(evaluation_runs))


def _embellish(application: Application, project: Path) -> None:
    _write(project, RECORD, (project / RECORD).read_text("utf-8").replace('"outdated"', '"near_duplicate"'))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_sync, "documents, index changed since the data check"),
        (_append("data/access.yaml"), "access changed since the data check"),
        (_append("config/retrieval.yaml"), "rules changed since the data check"),
        (lambda _, project: _write(project, "config/quality.yaml", "max_age_days: 9999\n"), "rules changed since"),
        (_erase, "No data check is on record"),
        (lambda _, project: (project / RECORD).unlink(), "is gone"),
        (_embellish, "it was changed afterwards"),
    ],
    ids=["documents", "access", "search", "rules", "erased", "removed", "embellished"],
)
def test_a_check_of_something_else_is_no_evidence(
    application: Application, project: Path, change: Callable[[Application, Path], None], reason: str
) -> None:
    check_now(application)
    change(application, project)
    with pytest.raises(EvidenceError, match=reason):
        data(application, load_stage(application.settings, "poc"))


def test_a_check_of_what_is_not_indexed_yet_is_no_evidence(application: Application, project: Path) -> None:
    _write(project, "data/documents/travel/new.md", "A document that is not indexed.")
    check_now(application)
    with pytest.raises(EvidenceError, match="documents changed since the data check, or were not indexed then"):
        data(application, load_stage(application.settings, "poc"))


def test_without_documents_there_is_nothing_to_say(application: Application, project: Path) -> None:
    for path in (project / "data" / "documents").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(DocumentError, match="There are no documents"):
        examine(application, NOW)
    (project / "data" / "documents").rename(project / "data" / "gone")
    with pytest.raises(SourceError, match="There is no folder"):
        examine(application, NOW)


def test_groups_that_are_looked_up_elsewhere_are_not_held_against_the_directory(
    application: Application, project: Path
) -> None:
    (project / "data" / "documents" / "board").mkdir()
    _write(project, "data/documents/board/note.md", "The board meets on the first Monday of every month at nine.")
    rules = project / "data" / "access.yaml"
    rules.write_text(
        rules.read_text("utf-8").replace("rules:\n", "rules:\n  - {path: board/**, allow: [group:board]}\n"), "utf-8"
    )

    def unknown() -> list[str]:
        return [each.source for each in examine(application, NOW).findings if each.kind == "unknown_principal"]

    assert unknown() == ["board/note.md"]
    with (project / "config" / "service.yaml").open("a") as service:
        service.write("groups: {kind: http, url: 'https://directory.example/{user}'}\n")
    assert unknown() == []


def test_the_history_lists_a_check_as_what_it_is(application: Application, project: Path) -> None:
    save(application, a_report(), DataRequired(), "poc")
    (entry,) = history(application)
    assert (entry.suite, entry.passed, entry.missing, entry.cases) == ("data check", True, "", None)
    out = Console(width=200, record=True, file=io.StringIO())
    out.print(render([entry]))
    assert re.search(r"passed +1\.000 +- *$", out.export_text(), re.MULTILINE)
    (project / RECORD).write_text("{}", "utf-8")
    (entry,) = history(application)
    assert entry.missing == f"{RECORD} is not what the run wrote: it was changed afterwards."
