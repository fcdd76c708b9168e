"""What comes of each fault of a vendor, in each way to call: tried again, put to the next model, or told clearly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.models import Models

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way, ainvoked, invoked
from tests.scaffold.models.clouds import log_in
from tests.scaffold.models.conftest import opened, without_certificates
from tests.scaffold.models.two import ROLE, SECOND, outcome
from tests.scaffold.models.variants import VARIANTS, entry
from tests.scaffold.models.vendors import Vendor, nobody_there

PLAIN = (invoked, ainvoked)


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
    Row(413, "ModelError", *TOLD),
    Row(408, "ModelUnavailable", *AGAIN),
    Row(429, "ModelUnavailable", *AGAIN),
    Row(429, "ModelUnavailable", *AGAIN, retry_after="3"),
    Row(429, "ModelUnavailable", *ELSEWHERE, retry_after="30"),
    Row(500, "ModelUnavailable", *AGAIN),
    Row(501, "ModelUnavailable", *ELSEWHERE),
    Row(503, "ModelUnavailable", *AGAIN),
    Row(529, "ModelUnavailable", *AGAIN),
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
    (Row("fails midway", "ModelUnavailable", *AGAIN), Row("fails midway", "ModelUnavailable", *TOLD)),
]
"""Half an answer: plain, nobody has seen it; streamed, what was shown is neither repeated nor patched."""
CASES = [(row, way) for row in ROWS for way in WAYS]
CASES += [(plain if way in PLAIN else stream, way) for plain, stream in HALF for way in WAYS]


@dataclass(frozen=True)
class Stage:
    """The vendor that fails, the one that stands by, and the models of a variant which they serve."""

    variant: str
    vendor: Vendor
    second: Vendor
    models: Models
    audit: AuditLog


@pytest.fixture(scope="module", params=VARIANTS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Built once per variant, for a client takes longer to build than to fail."""
    folder, variant = tmp_path_factory.mktemp("stage"), request.param
    with pytest.MonkeyPatch.context() as patch, vendors.running() as vendor, vendors.running() as second:
        without_certificates(patch)
        patch.setenv("LOOPBACK_KEY", vendors.KEY)
        log_in(folder, vendor.host, patch)
        entries = {
            "quick": entry(variant, vendor),
            "slow": entry(variant, vendor, timeout=0.3),
            "away": entry(variant, nobody_there()),
            "second": entry("openai-compatible", second, model="loopback-2"),
        }
        lines = ["models:"]
        for name, text in entries.items():
            lines += [f"  {name}:", text + "    breaker: {failures: 1000}"]
        lines += ["roles:", *(f"  {name}: {ROLE.replace('first', name)}" for name in ("quick", "slow", "away"))]
        with opened(folder, "\n".join(lines)) as (models, audit):
            yield Stage(variant, vendor, second, models, audit)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("row", "way"), CASES, ids=[f"{row}-{way.__name__}" for row, way in CASES])
async def test_a_fault_has_its_outcome(row: Row, way: Way, stage: Stage) -> None:
    variant, vendor, second = VARIANTS[stage.variant], stage.vendor, stage.second
    if str(row) in variant.never:
        return
    vendor.fault, vendor.retry_after = row.fault, row.retry_after
    vendor.requests.clear()
    second.requests.clear()
    before = len(list(stage.audit.records()))
    role = "away" if row.fault == "refused" else "slow" if row.error == "ModelTimeout" else "quick"

    assert await outcome(way, stage.models.get(role)) == (SECOND if row.answered else row.error)
    assert len(vendor.requests) == (0 if row.fault == "refused" else row.attempts)
    assert len(second.requests) == row.answered

    (record,) = list(stage.audit.records())[before:]
    asked = [(each["provider"] + "/" + each["model"], each["outcome"], each["error"]) for each in record["attempts"]]
    first = f"{variant.provider}/{vendors.MODEL}"
    assert asked == [(first, "failed", row.error)] * row.attempts + [(SECOND, "answered", None)] * row.answered
    assert f"{record['provider']}/{record['model']}" == (SECOND if row.answered else first)
    assert (record["outcome"], record["error"]) == (("answered", None) if row.answered else ("failed", row.error))
