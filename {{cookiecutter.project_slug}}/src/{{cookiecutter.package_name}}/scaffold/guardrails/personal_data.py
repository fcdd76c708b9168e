"""Personal data in text: found, redacted, or hidden behind placeholders and restored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: ``text[start:end]``."""

    kind: str
    start: int
    end: int
    text: str


def find(text: str, region: str = "DE") -> list[Finding]:
    """All personal data in ``text``, sorted, not overlapping."""
    raise NotImplementedError


def redact(text: str) -> str:
    """``text`` with every finding replaced."""
    raise NotImplementedError


class Pseudonyms:
    """Placeholders of one call."""

    def hide(self, text: str) -> str:
        """``text`` with placeholders."""
        raise NotImplementedError

    def restore(self, text: str) -> str:
        """``text`` with what the placeholders stand for."""
        raise NotImplementedError

    def pending(self, text: str) -> int:
        """How many characters at the end of ``text`` may be the start of a placeholder."""
        raise NotImplementedError
