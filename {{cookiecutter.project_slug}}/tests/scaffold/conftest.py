"""A vendor that tests call, and an application whose documents it has other embeddings for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application

from tests.scaffold.models import vendors
from tests.scaffold.reindexing import configure, opened


@pytest.fixture
def vendor() -> Iterator[vendors.Vendor]:
    with vendors.running() as server:
        yield server


@pytest.fixture
def served(project: Path, vendor: vendors.Vendor) -> Iterator[Application]:
    """The whole application; its documents are indexed offline, and a vendor has other embeddings."""
    configure(project, vendor)
    with opened(project) as application:
        yield application
