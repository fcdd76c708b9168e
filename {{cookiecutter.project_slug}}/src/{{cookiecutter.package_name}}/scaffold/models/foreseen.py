"""What a lot of embedding would take, before any of it is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .ledger import ends, unpriced
from .limits import MILLION, WHERE
from .rated import CHARACTERS
from .settings import ModelEntry
from .spending import Spending, book, tokens


@dataclass(frozen=True)
class Foreseen:
    """For so many passages of so many bytes."""

    model: str
    passages: int
    tokens: int
    """At most: one a byte, which is what a budget reserves for them."""
    dollars: float | None
    """What they cost at most; None where no price is known."""
    minutes: float | None
    """How long the role's rate makes them take, at least; None where it has none."""
    refusal: str = ""
    """Why it will not be let through, in a sentence."""


def foresee(spending: Spending, entry: ModelEntry, role: str, passages: int, size: int, at_once: int) -> Foreseen:
    """``size``: bytes of all passages, of which ``at_once`` go into a call; held to what every budget has left."""
    cost = spending.cost(entry, entry.model, tokens(size, 0))
    limits = spending.limits.role(role)
    waits = [
        amount / most
        for amount, most in (
            (math.ceil(passages / at_once), limits.requests_per_minute),
            (size / CHARACTERS, limits.tokens_per_minute),
        )
        if most is not None
    ]
    return Foreseen(
        model=entry.info.label,
        passages=passages,
        tokens=size,
        dollars=None if cost is None else cost / MILLION,
        minutes=max(waits, default=None),
        refusal=_refusal(spending, entry, role, cost),
    )


def _refusal(spending: Spending, entry: ModelEntry, role: str, cost: int | None) -> str:
    if cost == 0:
        return ""
    booking = book(entry, role, entry.model)
    for cap in spending.limits.caps(role, booking.caller, spending.ledger.day):
        if cost is None:
            return unpriced(booking, cap)
        left = max(0.0, cap.dollars - spending.ledger.spent(cap) / MILLION)
        if cost / MILLION > left:
            return (
                f"This may cost {cost / MILLION:.4f} USD, and of the budget {cap.setting} of {WHERE} {left:.4f} are "
                f"left until {ends(cap)} 00:00 UTC; nothing was sent. Whoever answers for the spending can raise it "
                "there at once."
            )
    return ""
