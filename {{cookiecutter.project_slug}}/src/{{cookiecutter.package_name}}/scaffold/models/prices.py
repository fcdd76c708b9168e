"""What a call costs: by ``config/limits.yaml``, else by the list prices that genai-prices ships. Nothing is fetched."""

from __future__ import annotations

import math
from collections.abc import Mapping

from langchain_core.messages.ai import UsageMetadata

from .limits import Price
from .offers import PROVIDERS
from .settings import ModelEntry


def cost(entry: ModelEntry, model: str, usage: UsageMetadata, own: Mapping[str, Price]) -> int | None:
    """Millionths of a US dollar, rounded up; None where no price is known, for a guess would hide a bill.

    ``own`` are the prices of ``config/limits.yaml``. A list price is a vendor's: it is found by the address that is
    called, so that a gateway which happens to serve a model of the same name has none, or by the provider where only
    one vendor can be behind it.
    """
    read, written = usage["input_tokens"], usage["output_tokens"]
    if price := own.get(f"{entry.provider}/{model}"):
        return math.ceil(read * price.input_per_million + written * price.output_per_million)
    if entry.provider == "offline":
        return 0
    from genai_prices import Usage, calc_price  # a megabyte of tables

    vendor = PROVIDERS[entry.provider].list_prices
    cached = min(read, usage.get("input_token_details", {}).get("cache_read") or 0)
    used = Usage(input_tokens=read, cache_read_tokens=cached, output_tokens=written)
    try:
        if vendor:
            found = calc_price(used, model, provider_id=vendor)
        else:
            found = calc_price(used, model, provider_api_url=entry.address)
    except LookupError:
        return None
    return None if found.model_price.input_mtok is None else math.ceil(found.total_price * 1_000_000)
