"""A source that lists changes, from sync to sync: what changed, what is gone, and what was deleted without a word."""

from __future__ import annotations

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval import connectors

from tests.scaffold.retrieval.conftest import Project
from tests.scaffold.retrieval.connectors.api import Api, Fault
from tests.scaffold.retrieval.connectors.conftest import Watch, http, record

SINCE = {"parameter": "changed_after", "field": "changed", "overlap_seconds": 0}


def test_a_sync_asks_for_changes_and_from_time_to_time_for_all(
    documents: Project, api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors, "Pace", lambda: watch.pace)
    file = documents.root / "config" / "sources.yaml"
    crm = http(api, since=SINCE, deleted="gone?")
    file.write_text(yaml.safe_dump({"sources": {"crm": crm}}), "utf-8")
    api.records = [record(number, changed=f"2026-05-0{number}T00:00:00Z") for number in (1, 2, 3, 4)]
    index = documents.index()
    assert index.sync().counts["added"] == 4

    del api.records[0]
    api.records[1] = record(3, gone=True, changed="2026-05-05T00:00:00Z")
    api.records.append(record(5, "Newer.", changed="2026-05-06T00:00:00Z"))
    api.faults = [None, Fault(404)]
    with pytest.raises(SourceError):
        index.sync()
    report = index.sync()
    assert (report.added, report.removed, report.changed) == (["crm/5"], ["crm/3"], [])
    since = [query.get("changed_after") for query in api.asked if "after" not in query]
    assert since == [None, "2026-05-04T00:00:00Z", "2026-05-04T00:00:00Z"], "a listing that broke off moves nothing"

    file.write_text(yaml.safe_dump({"sources": {"crm": {**crm, "full_every_hours": 0}}}), "utf-8")
    assert index.sync().removed == ["crm/1"]
    assert "changed_after" not in api.asked[-1]
