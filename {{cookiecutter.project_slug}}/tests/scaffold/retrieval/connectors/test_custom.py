"""A connector and a contract of the project's own, and what becomes of their mistakes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from pydantic import field_validator

from {{ cookiecutter.package_name }}.scaffold.errors import SourceError
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import Entry, Record, document, entry
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw

from tests.scaffold.retrieval.connectors.api import Api
from tests.scaffold.retrieval.connectors.conftest import FIELDS, Connect, http, record


class Notes:
    """The least that a connector is."""

    def __init__(self, count: int, fails: str = "") -> None:
        self.count, self.fails = count, fails

    def entries(self, since: str | None) -> Iterator[Entry]:
        for number in range(self.count):
            yield entry({"id": f"{number}", "text": f"Note {number}."})
        if self.fails == "entries":
            raise KeyError("no such\nkey")

    def cursor(self) -> str | None:
        return None

    def read(self, entry: Entry) -> Raw:
        if self.fails == "read":
            raise RuntimeError("gone")
        return document(entry, ".txt")

    def close(self) -> None:
        """Nothing is open."""


class Article(Record):
    """A contract that asks for more."""

    updated: datetime
    allow: tuple[str, ...] = ("group:staff",)
    reviewed_by: str

    @field_validator("reviewed_by")
    @classmethod
    def _reviewed(cls, value: str) -> str:
        if not value.endswith("@example.com"):
            raise ValueError("must be a colleague")
        return value


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written here, importable by a name."""
    module = ModuleType("ours")
    vars(module).update(Notes=Notes, Article=Article, Plain=str, function=len)
    monkeypatch.setitem(sys.modules, "ours", module)


def custom(**options: Any) -> dict[str, Any]:
    return {"kind": "custom", "connector": "ours:Notes", "options": options}


def test_a_connector_of_ones_own_is_made_from_its_options(connected: Connect) -> None:
    connector = connected(**custom(count=2))
    one, two = connector.entries(None)
    assert (one.id, two.id, connector.cursor()) == ("0", "1", None)
    assert b"Note 1." in connector.read(two).data


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({**custom(), "connector": "nowhere:Notes"}, "nowhere:Notes cannot be imported (ModuleNotFoundError: "),
        ({**custom(), "connector": "ours:Nodes"}, "ours:Nodes cannot be imported (AttributeError: "),
        ({**custom(), "connector": "ours:function"}, "ours:function is no class"),
        ({**custom(), "connector": "ours:Plain"}, "ours:Plain lacks entries, cursor, read, close of a connector"),
        (custom(), "failed (TypeError: "),
        (custom(count=1, fails="entries"), "failed (KeyError: "),
    ],
)
def test_whatever_it_does_wrong_is_a_sentence_on_its_source(
    connected: Connect, source: dict[str, Any], sentence: str
) -> None:
    connector = connected(**source)
    with pytest.raises(SourceError) as told:
        list(connector.entries(None))
    assert sentence in str(told.value)
    assert "config/sources.yaml:4: sources.crm.connector: " in str(told.value)
    assert "\n" not in str(told.value)


def test_a_document_that_it_cannot_read_is_no_traceback(connected: Connect) -> None:
    connector = connected(**custom(count=1, fails="read"))
    [only] = connector.entries(None)
    with pytest.raises(SourceError, match=r"failed \(RuntimeError: gone\)"):
        connector.read(only)


REVIEWED = {"fields": {**FIELDS, "reviewed_by": "by"}, "contract": "ours:Article"}


def test_a_contract_of_ones_own_may_ask_for_more(api: Api, connected: Connect) -> None:
    api.records = [
        record(1, by="anna@example.com"),
        record(2, by="somebody@elsewhere.example"),
        record(3, changed=None, by="anna@example.com"),
        record(4),
    ]
    good, *broken = connected(**http(api, **REVIEWED)).entries(None)
    assert (good.id, good.problem) == ("1", "")
    assert [each.problem.partition("source: ")[2] for each in broken] == [
        "reviewed_by: must be a colleague.",
        "updated: input should be a valid datetime.",
        "reviewed_by: is missing, there is no by.",
    ]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"contract": "ours:Notes"}, "sources.crm.contract: ours:Notes is no subclass of Record"),
        ({"contract": "ours:Nothing"}, "sources.crm.contract: ours:Nothing cannot be imported"),
        (
            {"fields": {**FIELDS, "author": "by"}},
            "sources.crm.fields.author: the contract has no such field; it has id, text",
        ),
    ],
)
def test_a_contract_that_is_not_there_is_told_with_its_line(
    api: Api, connected: Connect, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SourceError) as told:
        list(connected(**http(api, **more)).entries(None))
    assert sentence in str(told.value)
    assert "config/sources.yaml:" in str(told.value)


def test_a_record_that_is_told_in_the_contracts_own_fields_is_held_to_it_too() -> None:
    assert entry({"id": "1", "text": ""}).problem == "breaks the contract of its source: text: is empty."
    assert entry({"text": "x"}).id.startswith("record-")
    assert entry({"id": "1", "text": "x", "allow": []}).problem != ""
    assert "record: deny needs allow beside it" in entry({"id": "1", "text": "x", "deny": ["user:ben"]}).problem


def test_a_contract_that_narrows_a_field_is_as_strict_as_before() -> None:
    good = {"id": "1", "text": "x", "updated": "2026-05-01", "reviewed_by": "a@example.com"}
    assert entry(good, Article).problem == ""
    for wrong in ({"updated": "2099-01-01"}, {"allow": ["everybody"]}, {"id": "../1"}, {"text": " "}):
        assert entry({**good, **wrong}, Article).problem, wrong
