"""A bare project: an empty folder and its state database are all that these rooms need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.state import open_state


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=tmp_path)


@pytest.fixture
def state(settings: Settings) -> Iterator[Engine]:
    engine = open_state(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def audit(settings: Settings, state: Engine) -> AuditLog:
    return AuditLog.open(settings, state, redact)
