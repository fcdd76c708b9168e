"""Two vendors on loopback behind one role, and a pace that waits for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from {{ cookiecutter.package_name }}.scaffold.errors import ScaffoldError
from {{ cookiecutter.package_name }}.scaffold.models import ANSWERED_BY, Pace

from tests.scaffold.models.calls import Model, Way
from tests.scaffold.models.variants import entry
from tests.scaffold.models.vendors import Vendor

FIRST, SECOND = "openai/loopback-1", "openai-compatible/loopback-2"
ROLE = "{use: first, fallback: [second], retries: 1}"


@dataclass
class Steps:
    """A clock that goes on only where something waits, which it notes; chance always draws ``drawn``."""

    drawn: float = 1.0
    time: float = 0.0
    waits: list[float] = field(default_factory=list)

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.time, self._sleep, self._asleep, lambda: self.drawn, lambda: self.time)

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    async def _asleep(self, seconds: float) -> None:
        self._sleep(seconds)


def two(
    first: str | Vendor,
    second: str | Vendor,
    role: str = ROLE,
    timeout: float = 10,
    failures: int = 50,
    variant: str = "openai",
) -> str:
    """A ``config/models.yaml`` whose role answer has a model at each address, the first one served in some way."""
    breaker = f"breaker:\n  failures: {failures}"
    other = second.openai if isinstance(second, Vendor) else f"{second}/v1"
    return f"""\
models:
  first:
{entry(variant, first, timeout, more=breaker)}
  second:
    provider: openai-compatible
    model: loopback-2
    base_url: {other}
  local:
    provider: ollama
    model: loopback-3
    base_url: {other.removesuffix("/v1")}
  vectors:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer: {role}
  other: first
"""


async def outcome(way: Way, model: Model) -> str:
    """Who answered, or the class of the error."""
    try:
        return str((await way(model, "Hello")).response_metadata[ANSWERED_BY])
    except ScaffoldError as error:
        return type(error).__name__
