"""Telemetry needs a folder's name and nothing in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.observability.collector import Collector, collecting


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        yield running


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., Telemetry]]:
    """Starts telemetry that redacts, and shuts it down after the test."""
    started: list[Telemetry] = []

    def start(service: str = "assistant", redactor: Callable[[str], str] | None = redact) -> Telemetry:
        arguments = (redactor,) if redactor else ()
        started.append(Telemetry.start(settings, service, *arguments))
        return started[-1]

    yield start
    for telemetry in started:
        telemetry.shutdown()
