"""Sources that a test writes itself, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.models.request import Pace
from {{ cookiecutter.package_name }}.scaffold.retrieval import RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.connectors import Connector, connect, load_sources

from tests.scaffold.retrieval.connectors.api import Api, running

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIELDS = {"id": "key", "title": "head.line", "text": "body", "updated": "changed"}

Connect = Callable[..., Connector]


class Watch:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    @property
    def pace(self) -> Pace:
        return Pace(now=lambda: self.at, sleep=self.sleep, clock=lambda: NOW.timestamp() + self.at)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def api() -> Iterator[Api]:
    with running() as api:
        yield api


@pytest.fixture
def connected(tmp_path: Path, watch: Watch) -> Iterator[Connect]:
    """Makes the connector of one source, ``crm``, from its settings."""
    made: list[Connector] = []

    def make(**source: Any) -> Connector:
        settings = write(tmp_path, crm=source)
        made.append(connect("crm", load_sources(settings).sources["crm"], settings, RetrievalFile(), watch.pace))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


def write(root: Path, **sources: dict[str, Any]) -> Settings:
    """A project with these sources."""
    (root / "config").mkdir(exist_ok=True)
    (root / "config" / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}, sort_keys=False), "utf-8")
    return Settings(root=root, offline=True)


def record(key: Any, body: Any = "It is so.", changed: Any = "2026-05-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {"key": key, "head": {"line": f"On {key}"}, "body": body, "changed": changed, **more}


def http(api: Api, **more: Any) -> dict[str, Any]:
    """The settings of a source that ``api`` is."""
    basics = {"kind": "http-json", "url": api.url, "items": "data.items", "fields": FIELDS}
    return {**basics, "paging": {"kind": "next-link", "field": "meta.next"}, **more}
