"""What model calls may cost and did cost: limits, prices and the ledger, as the controls use them."""

from __future__ import annotations

from typing import Any

from langchain_core.messages.ai import UsageMetadata

from ..errors import PolicyViolation
from ..observability import Telemetry, current_call
from ..observability.calls import Meter
from ..observability.names import BUDGET_USED, MODEL_COST
from .faults import unbilled
from .ledger import Booking, Ledger, ends
from .limits import MILLION, Limits
from .prices import cost
from .settings import ModelEntry


class Spending:
    """Reserves, settles and reports. One for all roles."""

    def __init__(self, limits: Limits, ledger: Ledger, telemetry: Telemetry) -> None:
        self.limits, self.ledger, self._telemetry = limits, ledger, telemetry
        self._measured: dict[str, float] = {}

    def cost(self, entry: ModelEntry, model: str, usage: UsageMetadata) -> int | None:
        """Millionths of a US dollar; None where no price is known."""
        return cost(entry, model, usage, self.limits.file.prices)

    def reserve(self, entry: ModelEntry, booking: Booking, most: UsageMetadata) -> int:
        """Count a call before it goes out, at what it costs at most. Raises as ``Ledger.reserve`` does."""
        estimate = self.cost(entry, booking.model, most)
        return self.ledger.reserve(booking, estimate, lambda day: self.limits.caps(booking.role, booking.caller, day))

    def settle(
        self,
        number: int,
        entry: ModelEntry,
        booking: Booking,
        status: str,
        usage: UsageMetadata | None,
        error: BaseException | None,
        meter: Meter | None = None,
    ) -> None:
        """Put the real cost in place of the reservation, as far as it is known; ``meter`` counts what the ledger does.

        A call that was surely not charged costs nothing; any other that told no usage keeps its estimate, which is the
        most that it can have cost. So only a model without a price makes a cost unknown.
        """
        model = f"{booking.provider}/{booking.model}"
        if usage is None and (isinstance(error, PolicyViolation) or (error is not None and unbilled(error))):
            usage = tokens(0, 0)
        if usage is None:
            kept = self.ledger.settle(number, status)
            if meter:
                meter.add(model, 0, 0, kept)
            return
        real = self.cost(entry, booking.model, usage)
        read, written = usage["input_tokens"], usage["output_tokens"]
        if meter:
            meter.add(model, read, written, real)
        self.ledger.settle(number, status, cost=real, input_tokens=read, output_tokens=written)
        if real:
            self._telemetry.count(MODEL_COST, real / MILLION, role=booking.role, provider=booking.provider)

    def measure(self) -> None:
        """Set the gauge of every budget but callers', whose names are nobody's to scrape; 0 for one that is gone."""
        self._measured = dict.fromkeys(self._measured, 0.0)
        for cap in self.limits.all_caps((), self.ledger.day):
            if not cap.scope.startswith("caller:"):
                self._measured[cap.setting] = self.ledger.spent(cap) / MILLION / cap.dollars if cap.dollars else 1.0
        for setting, ratio in self._measured.items():
            self._telemetry.observe(BUDGET_USED, ratio, setting=setting)

    def report(self, days: int) -> dict[str, Any]:
        """What the last ``days`` cost, and what is left of every budget; costs in US dollars."""
        rows, day = self.ledger.rows(days), self.ledger.day
        summed = ("calls", "input_tokens", "output_tokens", "cost", "unknown", "estimated")
        total = {key: sum(row[key] for row in rows) for key in summed}
        budgets = []
        for cap in self.limits.all_caps({row["caller"] for row in rows if row["caller"] is not None}, day):
            spent = self.ledger.spent(cap) / MILLION
            budgets.append(
                {
                    "setting": cap.setting,
                    "scope": cap.scope,
                    "budget": cap.dollars,
                    "spent": spent,
                    "remaining": max(0.0, cap.dollars - spent),
                    "until": ends(cap).isoformat(),
                }
            )
        for row in (*rows, total):
            row["cost"] /= MILLION
        return {"currency": "USD", "days": days, "rows": rows, "total": total, "budgets": budgets}


def book(entry: ModelEntry, role: str, model: str) -> Booking:
    """The call of ``model`` that is being made now."""
    call = current_call.get()
    whose = (call.caller, call.channel, call.use_case) if call else (None, None, None)
    return Booking(role, entry.provider, model, *whose)


def tokens(read: int, written: int) -> UsageMetadata:
    """Usage of so many tokens."""
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)
