"""A request ends in time, whatever the vendor does and however many models are asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ModelTimeout
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import two
from tests.scaffold.models.vendors import Vendor


@pytest.fixture
def second() -> Iterator[Vendor]:
    with vendors.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)


@pytest.mark.parametrize("fault", ["hang", "drip", "stall"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_request_ends_with_its_deadline(
    way: Way, fault: str, vendor: Vendor, second: Vendor, open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = fault
    model = open_models(two(vendor, second, "{use: first, deadline: 1}", timeout=3)).get("answer")
    said = ""
    try:
        await way(model, "Hello")
    except ModelTimeout as error:
        said = str(error)
    assert "that the deadline left it" in said
    assert len(vendor.requests) == 1
    (record,) = audit.records()
    assert (record["outcome"], record["error"]) == ("failed", "ModelTimeout")


@pytest.mark.parametrize("way", WAYS)
async def test_the_deadline_holds_for_all_models_together(
    way: Way, vendor: Vendor, second: Vendor, open_models: Open
) -> None:
    vendor.fault = second.fault = "hang"
    text = two(vendor, second, "{use: first, fallback: [second], deadline: 0.5}", timeout=0.3)
    said = ""
    try:
        await way(open_models(text).get("answer"), "Hello")
    except ModelTimeout as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - which it is, is looked at below
        said = f"{type(error).__name__}: {error}"
    assert said.startswith("ModelUnavailable: No model of the role 'answer' could answer. The model openai/loopback-1")
    assert "that the deadline left it" in said
