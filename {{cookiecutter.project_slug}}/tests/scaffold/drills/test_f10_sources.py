"""F10: connecting to the systems that hold the knowledge is left for later, and then it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.retrieval import connectors
from {{ cookiecutter.package_name }}.scaffold.retrieval.quarantine import held

from tests.scaffold.retrieval.connectors.api import Api, Fault, running
from tests.scaffold.retrieval.connectors.conftest import FIELDS, Watch, http, record

QUESTION = "Which berth does the ferry Albatross use?"


def berth(number: int, **more: Any) -> dict[str, Any]:
    text = f"The ferry Albatross uses berth {number}." if number == 3 else f"Berth {number} is for tugs."
    return record(f"berth-{number}", text, who=["group:everyone"], **more)


@pytest.fixture
def api() -> Iterator[Api]:
    with running() as api:
        api.records = [berth(number) for number in range(6)]
        yield api


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(connectors, "Pace", lambda: watch.pace)
    monkeypatch.setenv("PORT_TOKEN", "s3cret")
    return watch


def connect(project: Path, api: Api, **more: Any) -> None:
    """Beside the shipped documents, a source ``port``."""
    port = http(
        api, auth={"kind": "bearer", "token_env": "PORT_TOKEN"}, **{"fields": {**FIELDS, "allow": "who"}, **more}
    )
    text = yaml.safe_dump({"sources": {"documents": {"kind": "files"}, "port": port}}, sort_keys=False)
    (project / "config" / "sources.yaml").write_text(text, "utf-8")


def found(application: Application) -> set[str]:
    passages = application.index.search("berth ferry Albatross tugs", application.index.directory.get("moira"), k=50)
    return {passage.source for passage in passages if passage.source.startswith("port/")}


@pytest.mark.drill("F10")
async def test_a_source_that_breaks_its_contract_stops_nothing(
    application: Application, project: Path, api: Api, watch: Watch
) -> None:
    """Staged: a source renames a field of one record, writes a group that is none into another, dates a third ahead.
    Caught by: the data contract; each is set aside with field and reason, the others are indexed and answer.
    """
    connect(project, api)
    api.records[0]["content"] = api.records[0].pop("body")
    api.records[1]["who"] = ["everyone"]
    api.records[2]["changed"] = "2062-01-01"
    report = application.index.sync()
    assert {source: reason.split(": ")[1] for source, reason in report.quarantined} == {
        "port/berth-0": "text",
        "port/berth-1": "allow",
        "port/berth-2": "updated",
    }
    assert report.added == ["port/berth-3", "port/berth-4", "port/berth-5"]
    assert "berth 3" in (await application.ask(QUESTION, application.index.directory.get("moira"))).answer
    api.records = [berth(number) for number in range(6)]
    application.index.sync()
    assert (len(found(application)), list(held(application.state))) == (6, [])


@pytest.mark.drill("F10")
def test_a_source_that_limits_the_rate_is_waited_for(
    application: Application, project: Path, api: Api, watch: Watch
) -> None:
    """Staged: a source allows two requests, then none for half a minute, and fails once in between.
    Caught by: pacing and retries that honour Retry-After; every record arrives, and nothing is asked more often.
    """
    connect(project, api, requests_per_second=2)
    api.faults = [None, Fault(429, headers={"Retry-After": "30"}), Fault(503), None]
    assert application.index.sync().counts["added"] == 6
    assert len(api.requests) == 5
    assert watch.at >= 30 + 3 * 0.5


@pytest.mark.drill("F10")
@pytest.mark.parametrize("first", [True, False], ids=["first listing", "later listing"])
def test_a_source_that_goes_away_in_the_middle_loses_nothing(
    application: Application, project: Path, api: Api, watch: Watch, first: bool
) -> None:
    """Staged: a source goes away in the midst of its listing, while a file of another source was changed.
    Caught by: a listing is whole or none: what is indexed stays, the other source is read, the next sync gets the rest.
    """
    connect(project, api, tries=2)
    if not first:
        application.index.sync()
    canteen = project / "data" / "documents" / "travel" / "canteen.md"
    canteen.write_text("# Canteen\n\nThe canteen opens at noon.\n", "utf-8")
    api.faults = [None, None, *[Fault(gone=True)] * 2]
    report = application.index.sync()
    assert (list(report.failed), report.removed) == (["port"], [])
    assert "travel/canteen.md" in report.added
    assert len(found(application)) == (0 if first else 6)
    application.index.sync()
    assert len(found(application)) == 6


@pytest.mark.drill("F10")
def test_after_a_contract_was_mended_what_was_set_aside_is_indexed(
    application: Application, project: Path, api: Api, watch: Watch
) -> None:
    """Staged: a source renames a field of all its records, and is down when somebody mends the mapping.
    Caught by: quarantine: the records are kept as they came, and replayed against the mapping of now.
    """
    connect(project, api)
    for each in api.records:
        each["content"] = each.pop("body")
    assert application.index.sync().counts["quarantined"] == 6
    connect(project, api, fields={**FIELDS, "text": "content", "allow": "who"})
    api.faults = [Fault(500)] * 100
    assert application.index.replay().counts["added"] == 6
    assert (len(found(application)), list(held(application.state))) == (6, [])


@pytest.mark.drill("F10")
def test_credentials_stay_with_their_source(application: Application, project: Path, api: Api, watch: Watch) -> None:
    """Staged: a source names a page on another host as its next one.
    Caught by: only the host of the source is asked, so that its token goes nowhere else.
    """
    connect(project, api)
    with running() as elsewhere:
        elsewhere.records = api.records
        api.next_host = elsewhere.host
        report = application.index.sync()
        assert elsewhere.requests == []
    assert "would get the credentials" in report.failed["port"]
