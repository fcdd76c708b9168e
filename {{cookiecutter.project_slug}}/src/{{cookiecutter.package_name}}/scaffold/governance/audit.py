"""skeleton"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine

from ..config import Settings


@dataclass(frozen=True)
class Verification:
    """What ``AuditLog.verify`` found; ``line`` and ``sequence`` name the first bad record."""

    ok: bool
    records: int
    message: str
    what: Literal["changed", "removed", "reordered", "repeated", "cut off", "foreign"] | None = None
    line: int | None = None
    sequence: int | None = None


class AuditLog:
    @classmethod
    def open(cls, settings: Settings, state: Engine, redact: Callable[[str], str]) -> AuditLog:
        raise NotImplementedError

    def append(self, event: str, **fields: Any) -> dict[str, Any]:
        raise NotImplementedError

    def verify(self) -> Verification:
        raise NotImplementedError

    def records(self) -> Iterator[dict[str, Any]]:
        raise NotImplementedError
