"""Structured output, of every provider: what fits comes out, and what does not is one clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.errors import ModelUnreadable
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.variants import VARIANTS
from tests.scaffold.models.vendors import Vendor


class Invoice(BaseModel):
    """An invoice."""

    number: str
    total: int = 0


class Shape(BaseModel):
    """A shape."""

    unexpected: str


READ_BY_THE_CLIENT = {"openai", "azure-openai", "openai-compatible"}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
async def test_what_does_not_fit_is_one_clear_error(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = "wrong shape"
    model: Any = open_models(at(variant)).get("answer").with_structured_output(Invoice)
    with pytest.raises(ModelUnreadable) as caught:
        await way(model, "Read the invoice")
    assert "sent an answer that does not fit Invoice: wrong are number; ask again" in str(caught.value)
    assert "shape" not in str(caught.value).removesuffix("shape."), "nothing of what the model wrote"
    assert len(vendor.requests) == 1
    (record,) = audit.records()
    told = ("failed", "ModelUnreadable") if variant in READ_BY_THE_CLIENT else ("answered", None)
    assert (record["outcome"], record["error"]) == told


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
async def test_what_fits_comes_out(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, audit: AuditLog
) -> None:
    vendor.fault = "wrong shape"  # for the other schema
    model: Any = open_models(at(variant)).get("answer").with_structured_output(Shape)
    assert await way(model, "Read the shape") == Shape(unexpected="shape")  # type: ignore[comparison-overlap]
    (record,) = audit.records()
    assert (record["outcome"], record["input_tokens"], record["output_tokens"]) == ("answered", 7, 5)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in READ_BY_THE_CLIENT])
@pytest.mark.parametrize("way", WAYS[:2])
async def test_with_the_raw_answer_the_error_is_part_of_the_result(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault = "wrong shape"
    model: Any = open_models(at(variant)).get("answer").with_structured_output(Invoice, include_raw=True)
    result: Any = await way(model, "Read the invoice")
    assert result["parsed"] is None
    assert result["parsing_error"] is not None
    assert result["raw"].usage_metadata["output_tokens"] == 5


@pytest.mark.parametrize("variant", ["openai", "anthropic"])
@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_without_the_tool_that_it_was_to_call_is_an_error(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    chosen = open_models(at(variant)).get("answer")
    model: Any = chosen.with_structured_output(Invoice, method="function_calling")
    with pytest.raises(ModelUnreadable, match="does not fit the schema: it is cut off, or in another form"):
        await way(model, "Read the invoice")
    assert vendor.received.count(vendors.MODEL) == 1
