"""Personal data in text: found, redacted, or hidden behind placeholders and restored."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from .recognisers import RECOGNISERS, Finding, Recogniser

__all__ = ["Finding", "Pseudonyms", "Recogniser", "find", "redact"]

KEPT = 32
"""Texts whose findings are kept in memory: a call has the instructions of the last, and is read several times."""

_PLACEHOLDER = re.compile(r"«[A-Z_]+_\d+»")
_POSSIBLE = re.compile(r"[\d@:]")  # none of what our own recognisers find is without one
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_PLACEHOLDER_START = re.compile(r"«[A-Z_]*(?:_\d*)?\Z")


def find(text: str, region: str = "DE", recognisers: Sequence[Recogniser] = RECOGNISERS) -> list[Finding]:
    """All personal data that the recognisers know, sorted by place, not overlapping."""
    if recognisers is RECOGNISERS and (not _POSSIBLE.search(text) or _DIGEST.fullmatch(text)):
        return []  # most of what is written to logs
    return list(_find(text, region, tuple(recognisers)))


@lru_cache(maxsize=KEPT)
def _find(text: str, region: str, recognisers: tuple[Recogniser, ...]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    for recognise in recognisers:
        for finding in recognise(text, region):
            if all(finding.end <= other.start or finding.start >= other.end for other in found):
                found.append(finding)
    return tuple(sorted(found, key=lambda finding: finding.start))


def redact(text: str, recognisers: Sequence[Recogniser] = RECOGNISERS) -> str:
    """``text`` with all personal data replaced by its kind: ``[EMAIL]``, ``[PHONE]``, ``[IBAN]``, …"""
    return _replace(text, lambda finding: f"[{finding.kind.upper()}]", recognisers)


class Pseudonyms:
    """Placeholders for the personal data of one call: ``«EMAIL_1»`` stands for one address throughout the call.

    A text that already holds something of that form has it hidden as well, so that a placeholder is always ours and
    ``restore(hide(text)) == text``.
    """

    def __init__(self, recognisers: Sequence[Recogniser] = RECOGNISERS) -> None:
        self._recognisers = recognisers
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """``text`` with a placeholder for each piece of personal data, the same one for the same value."""
        ours = _PLACEHOLDER.sub(lambda match: self._placeholder("TEXT", match[0]), text)
        return _replace(ours, lambda finding: self._placeholder(finding.kind.upper(), finding.text), self._recognisers)

    @property
    def given(self) -> bool:
        """Whether anything was hidden, so that there may be something to restore."""
        return bool(self._values)

    def restore(self, text: str) -> str:
        """``text`` with what each placeholder stands for, however often it occurs; ones never given out stay."""
        return _PLACEHOLDER.sub(lambda match: self._values.get(match[0], match[0]), text)

    def pending(self, text: str) -> int:
        """How many characters at the end of ``text`` may be the start of a placeholder of this call.

        A stream is restored by holding them back until the next piece:
        ``cut = len(held) - pending(held)``, send ``restore(held[:cut])``, keep ``held[cut:]``.
        """
        start = _PLACEHOLDER_START.search(text)
        return len(start[0]) if start and any(known.startswith(start[0]) for known in self._values) else 0

    def _placeholder(self, kind: str, value: str) -> str:
        if value not in self._placeholders:
            number = 1 + sum(known.startswith(f"«{kind}_") for known in self._values)
            placeholder = f"«{kind}_{number}»"
            self._placeholders[value], self._values[placeholder] = placeholder, value
        return self._placeholders[value]


def _replace(text: str, replacement: Callable[[Finding], str], recognisers: Sequence[Recogniser]) -> str:
    # A value that was recognised once is replaced wherever it stands, also where its surroundings hide it from the
    # recognisers. Replacing changes surroundings, so it goes on until nothing is found: each round takes characters
    # that no replacement brings back.
    while found := find(text, recognisers=recognisers):
        by_text = {finding.text: replacement(finding) for finding in found}
        longest_first = sorted(by_text, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, longest_first)), lambda match: by_text[match[0]], text)  # noqa: B023
    return text
