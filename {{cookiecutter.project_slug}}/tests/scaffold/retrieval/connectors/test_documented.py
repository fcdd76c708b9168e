"""The code in docs/connectors.md does what the page says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import Record, entry

from tests.scaffold.retrieval.connectors.conftest import Connect

PAGE = Path(__file__).resolve().parents[4] / "docs" / "connectors.md"

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="docs/ is the team's own room")


def block(name: str) -> ModuleType:
    """The code behind the mark ``name``, as a module that can be imported."""
    found = re.search(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    if found is None:
        pytest.skip("the team wrote this page anew")
    module = ModuleType(name)
    exec(compile(found[1], f"docs/connectors.md: {name}", "exec", dont_inherit=True), vars(module))  # noqa: S102
    return module


def test_the_connector_lists_reads_and_sets_aside(
    tmp_path: Path, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "minutes", block("connector"))
    export = tmp_path / "minutes.jsonl"
    told = [
        {"number": 7, "minutes": "We agreed.", "attendees": ["group:board"]},
        {"number": 8, "minutes": "We did not."},
    ]
    export.write_text("\n".join(map(json.dumps, told)), "utf-8")
    connector = connected(kind="custom", connector="minutes:Minutes", options={"export": str(export)})
    good, broken = connector.entries(None)
    assert (good.id, connector.read(good).data.decode("utf-8-sig")) == ("7", "We agreed.")
    assert (broken.id, broken.problem) == (
        "8",
        "breaks the contract of its source: allow: names nobody, so nobody could see it.",
    )


def test_the_contract_asks_for_what_it_says() -> None:
    article: type[Record] = block("contract").Article
    good = {"id": "1", "text": "x", "updated": "2026-05-01", "owner": "anna"}
    assert entry(good, article).problem == ""
    for field in ("updated", "owner"):
        assert f"{field}: " in entry({**good, field: None}, article).problem
