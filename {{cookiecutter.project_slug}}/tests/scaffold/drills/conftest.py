"""The vendor that drills call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scaffold.models import vendors


@pytest.fixture
def vendor() -> Iterator[vendors.Vendor]:
    with vendors.running() as server:
        yield server
