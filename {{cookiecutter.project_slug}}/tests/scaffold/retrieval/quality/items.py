"""Documents and items as tests write them: without a defect, but for what a test says."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Document
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import Item, QualityFile, Report, check
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALLERS = [Principal(name, frozenset({"everyone", group})) for name, group in (("ada", "hr"), ("bob", "sales"))]
HARBOUR = (
    "The harbour office is open from nine to five. Ships report their draught before they enter, and wait for the pilot "
    "at the outer buoy. The crane may be booked a day ahead, for which the office wants the weight and the name of the ship."
)


def document(source: str = "travel/ferries.md", text: str = HARBOUR, **fields: Any) -> Document:
    values = {"title": f"All about {source}", "updated": "2026-05-01", "language": "en", "status": None} | fields
    return Document(source=source, text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), **values)


def item(source: str = "travel/ferries.md", text: str = HARBOUR, **fields: Any) -> Item:
    about = {name: fields.pop(name) for name in ("origin", "access", "modified") if name in fields}
    return item_of(document(source, text, **fields), **about)


def item_of(read: Document, **about: Any) -> Item:
    values: dict[str, Any] = {"origin": "documents", "access": Access(("group:hr",)), "modified": None} | about
    return Item(source=read.source, document=read, problem="", size=len(read.text), **values)


def unread(source: str, problem: str) -> Item:
    return Item("documents", source, Access(("group:hr",)), None, None, f"{source}: {problem}", 0)


def checked(*items: Item, **settings: Any) -> Report:
    return check(items, QualityFile(**settings), RetrievalFile(), CALLERS, NOW)


def found(*items: Item, **settings: Any) -> set[tuple[str, str]]:
    """Source and kind of each finding."""
    return {(finding.source, finding.kind) for finding in checked(*items, **settings).findings}
