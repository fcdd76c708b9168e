"""What a JSON API can do wrong, and what comes of it: a sentence on the whole source, or one record put aside."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors.records import NOBODY

from tests.scaffold.models.vendors import nobody_there
from tests.scaffold.retrieval.connectors.api import Api, Fault, Request
from tests.scaffold.retrieval.connectors.conftest import FIELDS, Connect, Watch, http, record

PASSING = {
    "limited": Fault(429, headers={"Retry-After": "7"}),
    "limited, not said for how long": Fault(429),
    "its own fault": Fault(500),
    "overloaded": Fault(503, headers={"Retry-After": "3"}),
    "gave up": Fault(408),
    "cut off": Fault(cut=True),
    "hung up": Fault(gone=True),
}
FINAL = {
    "who": (Fault(401), "did not accept the credentials; check auth of the source"),
    "forbidden": (Fault(403), "refused access with these credentials"),
    "nothing there": (Fault(404), "knows no such address; check url"),
    "no good request": (Fault(400), "found the request invalid; check params"),
    "odd": (Fault(418), "answered with status 418"),
    "elsewhere": (Fault(302, headers={"Location": "http://evil.example/"}), "sends us elsewhere (status 302)"),
    "login page": (Fault(body=b"<html>Log in", headers={"Content-Type": "text/html"}), "sent no JSON (text/html)"),
    "nested": (Fault(body=b"[" * 100_000), "sent no JSON"),
    "another shape": (Fault(body=b'{"data": {"rows": []}}'), "there is no list at data.items; name where the records are"),
    "huge": (Fault(body=b'"' + b"x" * 2_000_000 + b'"'), "its answer is larger than 1 megabytes"),
    "bomb": (Fault(body=gzip.compress(b" " * 3_000_000), headers={"Content-Encoding": "gzip"}), "is larger than 1 megabytes"),
    "no gzip": (Fault(body=b"plain", headers={"Content-Encoding": "gzip"}), "is not compressed as its header says"),
    "no next": (Fault(body=b'{"data": {"items": []}, "meta": {}}'), "the answer has no meta.next, so that nobody knows"),
    "odd next": (Fault(body=b'{"data": {"items": []}, "meta": {"next": [1]}}'), "there is no text at meta.next"),
    "no address": (Fault(body=b'{"data": {"items": []}, "meta": {"next": "http://x:y/"}}'), "is no address"),
    "away for an hour": (Fault(429, headers={"Retry-After": "3600"}), "limits the rate; it can be asked again, in 3600 seconds"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_tried_again_and_nothing_is_missed(
    api: Api, connected: Connect, watch: Watch, fault: Fault
) -> None:
    api.records = [record(number) for number in range(3)]
    api.faults = [fault, None, fault, fault]
    assert len(list(connected(**http(api)).entries(None))) == 3
    after = float(fault.headers.get("Retry-After", 0))
    assert len([wait for wait in watch.waits if wait >= after]) >= 3


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_does_not_pass_ends_the_listing(api: Api, connected: Connect, fault: Fault) -> None:
    api.records = [record(number) for number in range(3)]
    api.faults = [None, *[fault] * 3]
    connector = connected(**http(api, tries=3, since={"parameter": "changed_after", "field": "changed"}))
    listed = connector.entries(None)
    assert [next(listed).id, next(listed).id] == ["0", "1"]
    with pytest.raises(SourceError, match=r"sources.yaml:2: sources.crm: GET http://127.0.0.1:\d+/records: "):
        next(listed)
    assert (len(api.requests), connector.cursor()) == (4, None)


@pytest.mark.parametrize(("fault", "sentence"), FINAL.values(), ids=FINAL.keys())
@pytest.mark.parametrize("page", [1, 2])
def test_what_will_not_pass_is_said_at_once(
    api: Api, connected: Connect, fault: Fault, sentence: str, page: int
) -> None:
    api.records = [record(number) for number in range(3)]
    api.faults = [*[None] * (page - 1), fault]
    with pytest.raises(SourceError) as told:
        list(connected(**http(api, max_megabytes=1)).entries(None))
    assert sentence in str(told.value)
    assert "sources.yaml:" in str(told.value)
    assert "\n" not in str(told.value)
    assert len(api.requests) == page


def test_a_source_that_hangs_is_left(api: Api, connected: Connect) -> None:
    api.faults = [Fault(hang=True)]
    with pytest.raises(SourceError, match=r"did not answer within 0\.2 seconds; try later, or raise timeout"):
        list(connected(**http(api, timeout=0.2, tries=1)).entries(None))


def test_a_source_that_never_ends_its_answer_is_left(api: Api, connected: Connect, watch: Watch) -> None:
    def slowly(request: Request) -> tuple[bytes, dict[str, str]]:
        watch.at += 31
        return b"[]", {}

    api.speak = slowly
    with pytest.raises(SourceError, match="did not answer within 30 seconds"):
        list(connected(**http(api, items="", tries=1)).entries(None))


def test_a_source_that_is_not_there_is_named(api: Api, connected: Connect) -> None:
    with pytest.raises(SourceError, match=r"cannot be reached \(.*refused.*\); check the network, and url"):
        list(connected(**{**http(api, tries=2), "url": nobody_there()}).entries(None))


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"items": [record(1)]}, "meta": {"next": "/records"}},
        {"data": {"items": [record(1)]}, "meta": {"next": "/records?page=2"}},
    ],
    ids=["same link", "same records"],
)
def test_pages_that_go_round_are_noticed(api: Api, connected: Connect, body: dict[str, Any]) -> None:
    api.faults = [Fault(body=json.dumps(body).encode())] * 5
    with pytest.raises(SourceError, match=r"sources.crm.paging: the pages go round in a circle"):
        list(connected(**http(api)).entries(None))
    assert len(api.requests) <= 2


def test_a_parameter_that_the_source_does_not_know_is_noticed(api: Api, connected: Connect) -> None:
    api.records = [record(number) for number in range(3)]
    with pytest.raises(SourceError, match="go round in a circle"):
        list(connected(**http(api, paging={"kind": "page", "parameter": "pageNumber"})).entries(None))


def test_fewer_records_than_the_source_says_are_no_complete_listing(api: Api, connected: Connect) -> None:
    api.faults = [Fault(body=json.dumps({"data": {"items": [record(1)]}, "meta": {"next": None, "total": 7}}).encode())]
    with pytest.raises(SourceError, match="of 7 records only 1 were listed"):
        list(connected(**http(api, total="meta.total")).entries(None))


WHO = {"fields": {**FIELDS, "allow": "who"}}
BROKEN: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "no text": ({}, record(1, body=None), "1", "text: input should be a valid string"),
    "blank": ({}, record(1, body=" \n"), "1", "text: is empty"),
    "renamed field": ({}, {"key": 1, "head": {"line": "On"}, "content": "x", "changed": "2026-01-01"}, "1", "text: is missing, there is no body"),
    "two at once": ({}, {"key": 1, "head": {"line": 7}, "changed": "2026-01-01"}, "1", "text: is missing, there is no body; title: input should be a valid string"),
    "zero bytes": ({}, record(1, body="a\0b"), "1", "text: holds zero bytes"),
    "half a character": ({}, record(1, body="a\ud800b"), "1", "text: holds half of a character"),
    "no date": ({}, record(1, changed="yesterday"), "1", "updated: must be a date or time as of ISO 8601"),
    "a number for a date": ({}, record(1, changed=1780000000), "1", "updated: must be a date or time"),
    "to come": ({}, record(1, changed="2026-06-03T12:00:01Z"), "1", "updated: lies more than 1 day in the future"),
    "out of the folder": ({}, record("../hr/1"), "", "id: must not begin or end with /, nor hold //, . or .. as a part"),
    "from the top": ({}, record("/etc/passwd"), "", "id: must not begin or end with /"),
    "backslash": ({}, record("a\\..\\b"), "", "id: must be plain text"),
    "control characters": ({}, record("a\nb"), "", "id: must be plain text"),
    "turned round": ({}, record("a\u202egpj"), "", "id: must be plain text"),
    "long": ({}, record("x" * 401), "", "id: must be plain text of at most 400 characters"),
    "truth": ({}, record(True), "", "id: must be a text or a whole number"),
    "no id": ({}, record(None), "", "id: must be a text or a whole number"),
    "no record": ({}, "just text", "", "id: is missing, there is no key"),
    "nobody": (WHO, record(1, who=[]), "1", "allow: names nobody"),
    "null": (WHO, record(1, who=None), "1", "allow: names nobody"),
    "no rights": (WHO, record(1), "1", "allow: is missing, there is no who"),
    "bare name": (WHO, record(1, who=["hr"]), "1", "allow: each name must be group:NAME or user:NAME"),
    "one bad name": (WHO, record(1, who=["group:hr", "group:"]), "1", "allow: each name must be"),
    "number": (WHO, record(1, who=[7]), "1", "allow: input should be a valid string"),
    "object": (WHO, record(1, who={"group": "hr"}), "1", "allow: input should be a valid tuple"),
}  # fmt: skip


@pytest.mark.parametrize(("more", "broken", "name", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_record_that_breaks_the_contract_is_put_aside_and_the_others_are_not(
    api: Api, connected: Connect, more: dict[str, Any], broken: Any, name: str, reason: str
) -> None:
    good = {"who": ["group:staff"]}
    api.records = [record("a", **good), broken, record("b", **good)]
    a, aside, b = connected(**http(api, **more)).entries(None)
    assert (a.id, b.id, a.problem, b.problem) == ("a", "b", "", "")
    assert aside.id == name or (not name and aside.id.startswith("record-"))
    assert aside.problem.startswith("breaks the contract of its source: ")
    assert reason in aside.problem
    assert json.loads(aside.payload) == broken


SECRET = "salary-of-anna"


@pytest.mark.parametrize("field", ["key", "head", "body", "changed", "who"])
@pytest.mark.parametrize("value", [f"{SECRET}\0", [SECRET], {SECRET: 1}], ids=["text", "list", "object"])
def test_a_reason_says_nothing_of_what_the_record_holds(api: Api, connected: Connect, field: str, value: Any) -> None:
    api.records = [{**record(1, who=["group:hr"]), field: {"line": value} if field == "head" else value}]
    [entry] = connected(**http(api, **WHO)).entries(None)
    assert SECRET not in entry.problem + entry.id or (field, entry.problem) == ("head", "")


def test_a_record_that_is_listed_twice_alike_is_one(api: Api, connected: Connect) -> None:
    api.records = [record(1), record(2), record(1)]
    assert [entry.id for entry in connected(**http(api)).entries(None)] == ["1", "2"]


@pytest.mark.parametrize("other", [record(1, "Another text."), record(1, who=["group:all"])])
def test_a_record_that_is_listed_twice_with_different_content_is_put_aside(
    api: Api, connected: Connect, other: dict[str, Any]
) -> None:
    fields = {**FIELDS, "allow": "who"}
    api.records = [record(1, who=["group:it"]), {"who": ["group:it"], **other}]
    one, two = connected(**http(api, fields=fields)).entries(None)
    assert (one.id, one.problem) == ("1", "")
    assert two.id.startswith("record-")
    assert "id: is that of another record in the same listing" in two.problem


@pytest.mark.parametrize(
    ("more", "access"),
    [
        ({"who": ["group:hr"], "but": []}, Access(("group:hr",))),
        ({"who": ["hr"], "but": []}, NOBODY),
        ({"who": ["group:hr"], "but": ["ben"]}, NOBODY),
        ({"who": ["group:hr"]}, NOBODY),
        ({"but": []}, NOBODY),
        ({"who": None, "but": []}, NOBODY),
    ],
)
def test_a_broken_record_keeps_its_rights_or_nobody_has_any(
    api: Api, connected: Connect, more: dict[str, Any], access: Access
) -> None:
    api.records = [record(1, body=None, **more)]
    [entry] = connected(**http(api, fields={**FIELDS, "allow": "who", "deny": "but"})).entries(None)
    assert (bool(entry.problem), entry.access) == (True, access)
