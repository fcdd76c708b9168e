"""What is set aside by a sync: kept as it came, counted, taken in again once it is good, and never in anybody's way."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index, connectors
from {{ cookiecutter.package_name }}.scaffold.retrieval.quarantine import counts, held, release

from tests.scaffold.retrieval.conftest import STAFF, Project
from tests.scaffold.retrieval.connectors.api import Api, Fault
from tests.scaffold.retrieval.connectors.conftest import FIELDS, Watch, http, record

WHO = {"fields": {**FIELDS, "allow": "who"}}


@pytest.fixture
def crm(documents: Project, api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one source, an API that says itself who may see what."""
    monkeypatch.setattr(connectors, "Pace", lambda: watch.pace)
    configure(documents, api, **WHO)
    return documents


def configure(project: Project, api: Api, **more: Any) -> None:
    sources = {"crm": http(api, **more)}
    (project.root / "config" / "sources.yaml").write_text(
        yaml.safe_dump({"sources": sources}, sort_keys=False), "utf-8"
    )


def note(key: Any, text: Any = "The harbour opens at six.", who: Any = "group:staff", **more: Any) -> dict[str, Any]:
    return record(key, text, who=who, **more)


def seen(index: Index) -> dict[str, str]:
    return {passage.source: passage.text for passage in index.search("harbour", STAFF, k=50)}


def aside(index: Index) -> list[tuple[str, int]]:
    return [(each.id, each.attempts) for each in held(index._state)]


def test_a_broken_record_is_kept_counted_and_taken_in_once_it_is_mended(crm: Project, api: Api) -> None:
    api.records = [note(1), note(2, None), note(3)]
    index = crm.index()
    report = index.sync()
    assert (report.added, report.quarantined) == (
        ["crm/1", "crm/3"],
        [("crm/2", "breaks the contract of its source: text: input should be a valid string.")],
    )
    assert "1 set aside, because they break the contract" in report.summary()
    index.sync()
    assert aside(index) == [("2", 2)]
    assert list(counts(index._state)) == [
        ("crm", "breaks the contract of its source: text: input should be a valid string.", 1)
    ]
    api.records[1] = note(2, "The harbour is mended.")
    assert index.sync().added == ["crm/2"]
    assert (aside(index), seen(index)["crm/2"]) == ([], "The harbour is mended.")


def test_what_was_indexed_of_it_stays_and_is_released_when_it_is_as_it_was(crm: Project, api: Api) -> None:
    api.records = [note(1)]
    index = crm.index()
    index.sync()
    api.records = [note(1, " ")]
    index.sync()
    assert (list(seen(index)), aside(index)) == (["crm/1"], [("1", 1)])
    api.records = [note(1)]
    assert index.sync().unchanged == 1
    assert aside(index) == []


@pytest.mark.parametrize(
    ("broken", "visible"),
    [
        (note(1, None, who="group:staff"), True),
        (note(1, None, who="group:other"), False),
        (note(1, None, who="staff"), False),
        (note(1, "The harbour.", who=["group:staff", "everybody"]), False),
        ({"key": 1, "body": "The harbour.", "changed": "2026-05-01", "head": {"line": "x"}}, False),
    ],
    ids=["still theirs", "not theirs any more", "no name", "one bad name", "renamed"],
)
def test_a_broken_record_takes_rights_away_and_gives_none(
    crm: Project, api: Api, broken: dict[str, Any], visible: bool
) -> None:
    api.records = [note(1)]
    index = crm.index()
    index.sync()
    api.records = [broken]
    index.sync()
    assert (bool(seen(index)), len(aside(index))) == (visible, 1)


@pytest.mark.parametrize("gone", [[], [note(1, gone=True)]], ids=["unlisted", "tombstone"])
def test_what_is_gone_at_its_source_is_gone_from_quarantine(crm: Project, api: Api, gone: list[Any]) -> None:
    configure(crm, api, **WHO, deleted="gone?")
    api.records = [note(1, None)]
    index = crm.index()
    index.sync()
    assert aside(index) == [("1", 1)]
    api.records = gone
    index.sync()
    assert aside(index) == []


def test_a_listing_that_breaks_off_releases_nothing(crm: Project, api: Api) -> None:
    api.records = [note(number, None if number == 4 else "The harbour.") for number in range(5)]
    index = crm.index()
    index.sync()
    api.faults = [None, Fault(404)]
    with pytest.raises(SourceError, match="knows no such address"):
        index.sync()
    assert (aside(index), len(seen(index))) == ([("4", 1)], 4)


def test_after_the_mapping_was_mended_nothing_is_fetched_anew(crm: Project, api: Api) -> None:
    api.records = [{**note(number), "content": f"The harbour has {number}."} for number in range(3)]
    for each in api.records:
        del each["body"]
    index = crm.index()
    assert index.sync().counts["quarantined"] == 3
    asked = len(api.requests)
    assert index.replay().counts["quarantined"] == 3
    assert aside(index) == [("0", 2), ("1", 2), ("2", 2)]
    configure(crm, api, fields={**WHO["fields"], "text": "content"})
    report = index.replay()
    assert (sorted(report.added), report.documents) == (["crm/0", "crm/1", "crm/2"], 3)
    assert (len(api.requests), aside(index)) == (asked, [])
    assert seen(index)["crm/2"] == "The harbour has 2."
    assert index.sync().unchanged == 3


def test_a_record_without_a_readable_id_is_replayed_under_the_one_it_gets(crm: Project, api: Api) -> None:
    api.records = [{**note(1), "number": 7}, {**note(None), "number": 8}]
    index = crm.index()
    index.sync()
    configure(crm, api, fields={**WHO["fields"], "id": "number"})
    assert index.replay().added == ["crm/8"]
    assert aside(index) == []


def test_a_record_that_takes_anothers_id_replaces_nothing_whatever_is_replayed(crm: Project, api: Api) -> None:
    api.records = [note(1, "The harbour is first."), note(1, "The harbour is second.")]
    index = crm.index()
    index.sync()
    index.replay()
    assert seen(index) == {"crm/1": "The harbour is first."}
    assert len(aside(index)) == 1


def test_a_source_that_cannot_even_be_asked_stops_no_other(crm: Project, api: Api) -> None:
    api.records = [note(1)]
    sources = {
        "secretless": http(api, **WHO, auth={"kind": "bearer", "token_env": "NOBODY_SET_THIS"}),
        "codeless": {"kind": "custom", "connector": "nowhere:Nothing"},
        "contractless": http(api, **WHO, contract="nowhere:Nothing"),
        "crm": http(api, **WHO),
    }
    (crm.root / "config" / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}), "utf-8")
    report = crm.index().sync()
    assert (report.added, sorted(report.failed)) == (["crm/1"], ["codeless", "contractless", "secretless"])


def test_a_dry_run_sets_nothing_aside(crm: Project, api: Api) -> None:
    api.records = [note(1)]
    index = crm.index()
    index.sync()
    api.records = [note(1, None), note(2, None)]
    assert index.sync(dry=True).counts["quarantined"] == 2
    assert aside(index) == []


def test_what_nobody_wants_is_forgotten(crm: Project, api: Api) -> None:
    api.records = [note(number, None) for number in range(1200)]
    api.size = 1200
    index = crm.index()
    index.sync()
    assert len(list(held(index._state))) == 1200
    assert list(held(index._state, "erp")) == []
    assert release(index._state, "crm", [str(number) for number in range(1199)]) == 1199
    assert aside(index) == [("999", 1)] or aside(index) == [("1199", 1)]
