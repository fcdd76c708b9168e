"""A JSON API as a source: all its pages, with its credentials, and what changed since last time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access

from tests.scaffold.retrieval.connectors.api import Api
from tests.scaffold.retrieval.connectors.conftest import FIELDS, Connect, Watch, http, record

PAGINGS: list[dict[str, Any]] = [
    {"kind": "next-link", "field": "meta.next"},
    {"kind": "link-header"},
    {"kind": "page"},
    {"kind": "offset", "limit": 100},
    {"kind": "cursor", "field": "meta.cursor", "parameter": "after"},
]


@pytest.mark.parametrize("total", [{}, {"total": "meta.total"}], ids=["", "total"])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("paging", PAGINGS, ids=lambda paging: paging["kind"])
def test_every_page_is_listed(
    api: Api, connected: Connect, paging: dict[str, Any], count: int, total: dict[str, str]
) -> None:
    api.records = [record(number) for number in range(count)]
    entries = connected(**http(api, paging=paging, params={"lang": "en"}, **total)).entries(None)
    assert [entry.id for entry in entries] == [str(number) for number in range(count)]
    assert {query["lang"] for query in api.asked} == {"en"}


def test_a_record_becomes_a_document(api: Api, connected: Connect) -> None:
    api.records = [
        record("faq/7", "<h1>Leave</h1><p>30 days.</p>", lang="de-AT", state="Final", who=["group:hr"], but="user:ben")
    ]
    more = {"language": "lang", "status": "state", "allow": "who", "deny": "/but"}
    connector = connected(**http(api, fields={**FIELDS, **more}, format="html"))
    [entry] = connector.entries(None)
    assert (entry.id, entry.problem, entry.modified) == ("faq/7", "", datetime(2026, 5, 1, 10, tzinfo=UTC))
    assert entry.access == Access(("group:hr",), ("user:ben",))
    raw = connector.read(entry)
    assert (raw.source, raw.suffix, raw.title, raw.updated) == ("faq/7", ".html", "On faq/7", "2026-05-01")
    assert (raw.language, raw.status, b"30 days" in raw.data) == ("de", "final", True)


def test_another_content_is_another_version_and_other_rights_are_not(api: Api, connected: Connect) -> None:
    connector = connected(**http(api, fields={**FIELDS, "allow": "who"}, prefix="group:"))
    versions = []
    for body, who, clicks in (("One.", "hr", 1), ("One.", "hr, it", 2), ("Two.", "it", 2)):
        api.records = [record(1, body, who=who, clicks=clicks)]
        versions += [(entry.version, entry.access) for entry in connector.entries(None)]
    (one, hr), (still_one, both), (two, _) = versions
    assert one == still_one != two
    assert (hr, both) == (Access(("group:hr",)), Access(("group:hr", "group:it")))


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token_env": "CRM_TOKEN"}, "authorization", "Bearer s3cret-é"),
        ({"kind": "header", "header": "X-Key", "token_env": "CRM_TOKEN"}, "x-key", "s3cret-é"),
        (
            {"kind": "basic", "user_env": "CRM_USER", "password_env": "CRM_TOKEN"},
            "authorization",
            "Basic YW5uYTpzM2NyZXQtw6k=",
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_page_is_asked_for_with_the_credentials(
    api: Api, connected: Connect, monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any], header: str, value: str
) -> None:
    monkeypatch.setenv("CRM_TOKEN", "s3cret-é")
    monkeypatch.setenv("CRM_USER", "anna")
    api.records = [record(number) for number in range(3)]
    assert len(list(connected(**http(api, auth=auth)).entries(None))) == 3
    assert {request.headers[header].encode("latin-1").decode() for request in api.requests} == {value}


OAUTH = {"kind": "oauth2", "client_id_env": "CRM_ID", "client_secret_env": "CRM_SECRET"}


def test_a_token_of_oauth_is_fetched_kept_and_replaced(
    api: Api, connected: Connect, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_ID", "acme")
    monkeypatch.setenv("CRM_SECRET", "loopback-secret")
    api.records = [record(number) for number in range(5)]
    connector = connected(**http(api, auth={**OAUTH, "token_url": f"{api.host}/token"}))
    for what, tokens in (("first", 1), ("kept", 1), ("run out", 2), ("revoked", 3)):
        watch.at += 600 if what == "run out" else 0
        if what == "revoked":
            api.headers["authorization"] = "Bearer another"
        assert len(list(connector.entries(None))) == 5, what
        assert api.tokens == tokens, what


def test_a_client_that_oauth_refuses_is_told_so(api: Api, connected: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_ID", "acme")
    monkeypatch.setenv("CRM_SECRET", "wrong")
    connector = connected(**http(api, auth={**OAUTH, "token_url": f"{api.host}/token"}))
    with pytest.raises(SourceError, match=r"POST http://127.0.0.1:\d+/token: did not accept the credentials") as told:
        list(connector.entries(None))
    assert "wrong" not in str(told.value)


@pytest.mark.parametrize(("value", "what"), [(None, "is not set"), ("", "is not set"), ("a\nb", "cannot be typed")])
def test_a_secret_that_is_not_there_is_named_with_its_line(
    api: Api, connected: Connect, monkeypatch: pytest.MonkeyPatch, value: str | None, what: str
) -> None:
    if value is not None:
        monkeypatch.setenv("CRM_TOKEN", value)
    connector = connected(**http(api, auth={"kind": "bearer", "token_env": "CRM_TOKEN"}))
    with pytest.raises(SourceError) as told:
        list(connector.entries(None))
    assert "config/sources.yaml:16: sources.crm.auth.token_env: the environment variable CRM_TOKEN" in str(told.value)
    assert what in str(told.value)
    assert api.requests == []


SINCE = {"parameter": "changed_after", "field": "changed", "overlap_seconds": 60}


def test_only_what_changed_is_asked_for(api: Api, connected: Connect) -> None:
    connector = connected(**http(api, since=SINCE))
    api.records = [record(1, changed="2026-05-01T10:00:00Z"), record(2, changed="2026-05-02T12:00:00+02:00")]
    assert [entry.id for entry in connector.entries(None)] == ["1", "2"]
    cursor = connector.cursor()
    assert cursor == "2026-05-02T12:00:00+02:00"
    api.records += [record(3, changed="2026-05-03T00:00:00Z")]
    assert [entry.id for entry in connector.entries(cursor)] == ["2", "3"]
    assert [query.get("changed_after") for query in api.asked] == [
        None,
        "2026-05-02T09:59:00Z",
        "2026-05-02T09:59:00Z",
    ][: len(api.asked)]
    assert connector.cursor() == "2026-05-03T00:00:00Z"


def test_without_changes_the_cursor_stays(api: Api, connected: Connect) -> None:
    connector = connected(**http(api, since=SINCE))
    assert list(connector.entries("2026-05-03T00:00:00Z")) == []
    assert connector.cursor() == "2026-05-03T00:00:00Z"


def test_changes_may_be_counted_instead_of_dated(api: Api, connected: Connect) -> None:
    fields = {name: pointer for name, pointer in FIELDS.items() if name != "updated"}
    api.records = [record(1, changed=9), record(2, changed=7)]
    connector = connected(**http(api, since=SINCE, fields=fields))
    assert [entry.id for entry in connector.entries(None)] == ["1", "2"]
    assert connector.cursor() == "9"
    assert [entry.id for entry in connector.entries("9")] == ["1"]
    assert api.asked[-1]["changed_after"] == "9"


def test_a_broken_record_does_not_move_the_cursor(api: Api, connected: Connect) -> None:
    connector = connected(**http(api, since=SINCE))
    api.records = [record(1), record(2, changed="2031-01-01T00:00:00Z"), record(3, changed=None)]
    problems = [entry.problem for entry in connector.entries(None)]
    assert [bool(problem) for problem in problems] == [False, True, True]
    assert "in the future" in problems[1]
    assert connector.cursor() == "2026-05-01T10:00:00Z"


@pytest.mark.parametrize(
    ("value", "deleted"),
    [
        (True, True),
        ("2026-05-05", True),
        (1, True),
        (False, False),
        (None, False),
        (0, False),
        ("", False),
        ("false", False),
    ],
)
def test_a_tombstone_needs_no_text(api: Api, connected: Connect, value: Any, deleted: bool) -> None:
    api.records = [record(1, body=None if deleted else "There.", gone=value)]
    [entry] = connected(**http(api, deleted="gone")).entries(None)
    assert (entry.id, entry.deleted, entry.problem) == ("1", deleted, "")


def test_a_source_is_asked_no_more_often_than_it_allows(api: Api, connected: Connect, watch: Watch) -> None:
    api.records = [record(number) for number in range(9)]
    list(connected(**http(api, requests_per_second=4)).entries(None))
    assert watch.waits == [0.25] * 4


@pytest.mark.parametrize("next_host", ["http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1"])
@pytest.mark.parametrize("paging", PAGINGS[:2], ids=lambda paging: paging["kind"])
def test_credentials_go_to_no_other_host(
    api: Api, connected: Connect, monkeypatch: pytest.MonkeyPatch, paging: dict[str, Any], next_host: str
) -> None:
    monkeypatch.setenv("CRM_TOKEN", "s3cret")
    api.records, api.next_host = [record(number) for number in range(3)], next_host
    connector = connected(**http(api, paging=paging, auth={"kind": "bearer", "token_env": "CRM_TOKEN"}))
    with pytest.raises(SourceError, match=r"sends us on to .* not followed, because it would get the credentials"):
        list(connector.entries(None))
    assert len(api.requests) == 1
