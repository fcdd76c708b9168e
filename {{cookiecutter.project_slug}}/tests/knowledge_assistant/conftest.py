"""The use case's tests run on your own configuration, prompts and documents, answered by the offline model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT, make_project


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Your project as it is, indexed."""
    return make_project(ROOT, tmp_path_factory.mktemp("yours"))
