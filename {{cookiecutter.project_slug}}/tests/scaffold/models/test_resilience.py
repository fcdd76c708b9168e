"""What comes of each fault of a vendor, in each way to call: tried again, put to the next model, or told clearly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ModelTimeout
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way, ainvoked, invoked
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.two import FIRST, SECOND, Steps, outcome, two
from tests.scaffold.models.vendors import Vendor, nobody_there

PLAIN = (invoked, ainvoked)


@pytest.fixture
def second() -> Iterator[Vendor]:
    with vendors.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)


@dataclass(frozen=True)
class Row:
    """A fault, the error of each attempt at it, how many there are, and whether the second model answers."""

    fault: int | str
    error: str
    attempts: int
    answered: bool
    retry_after: str | None = None

    def __str__(self) -> str:
        return f"{self.fault}{' ' + self.retry_after if self.retry_after else ''}"


AGAIN, ELSEWHERE, TOLD = (2, True), (1, True), (1, False)
ROWS = [
    Row(400, "ModelError", *TOLD),
    Row(401, "ModelError", *TOLD),
    Row(403, "ModelError", *TOLD),
    Row(404, "ModelError", *TOLD),
    Row(408, "ModelUnavailable", *AGAIN),
    Row(429, "ModelUnavailable", *AGAIN),
    Row(429, "ModelUnavailable", *AGAIN, retry_after="3"),
    Row(429, "ModelUnavailable", *ELSEWHERE, retry_after="30"),
    Row(500, "ModelUnavailable", *AGAIN),
    Row(501, "ModelUnavailable", *ELSEWHERE),
    Row(503, "ModelUnavailable", *AGAIN),
    Row("refused", "ModelUnavailable", *AGAIN),
    Row("reset", "ModelUnavailable", *AGAIN),
    Row("hang", "ModelTimeout", *ELSEWHERE),
    Row("malformed", "ModelUnreadable", *ELSEWHERE),
    Row("empty", "ModelUnreadable", *ELSEWHERE),
    Row("content_filter", "ModelError", *TOLD),
    Row("context_length_exceeded", "ModelError", *TOLD),
]
HALF = [
    (Row("stall", "ModelTimeout", *ELSEWHERE), Row("stall", "ModelTimeout", *TOLD)),
    (Row("cut off", "ModelUnavailable", *AGAIN), Row("cut off", "ModelUnavailable", *TOLD)),
    (Row("ended early", "ModelUnavailable", *AGAIN), Row("ended early", "ModelUnavailable", *TOLD)),
]
"""Half an answer: plain, nobody has seen it; streamed, what was shown is neither repeated nor patched."""
CASES = [(row, way) for row in ROWS for way in WAYS]
CASES += [(plain if way in PLAIN else stream, way) for plain, stream in HALF for way in WAYS]


@pytest.mark.parametrize(("row", "way"), CASES, ids=[f"{row}-{way.__name__}" for row, way in CASES])
async def test_a_fault_has_its_outcome(
    row: Row, way: Way, vendor: Vendor, second: Vendor, open_models: Open, audit: AuditLog
) -> None:
    vendor.fault, vendor.retry_after = row.fault, row.retry_after
    text = two(
        nobody_there() if row.fault == "refused" else vendor, second, timeout=0.3 if row.error == "ModelTimeout" else 10
    )
    assert await outcome(way, open_models(text, pace=Steps().pace).get("answer")) == (
        SECOND if row.answered else row.error
    )
    assert len(vendor.requests) == (0 if row.fault == "refused" else row.attempts)
    assert len(second.requests) == row.answered

    (record,) = audit.records()
    asked = [(each["provider"] + "/" + each["model"], each["outcome"], each["error"]) for each in record["attempts"]]
    assert asked == [(FIRST, "failed", row.error)] * row.attempts + [(SECOND, "answered", None)] * row.answered
    assert f"{record['provider']}/{record['model']}" == (SECOND if row.answered else FIRST)
    assert (record["outcome"], record["error"]) == (("answered", None) if row.answered else ("failed", row.error))


@pytest.mark.parametrize("fault", ["hang", "drip", "stall"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_request_ends_with_its_deadline(
    way: Way, fault: str, vendor: Vendor, second: Vendor, open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = fault
    model = open_models(two(vendor, second, "{use: first, deadline: 0.3}", timeout=2)).get("answer")
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
