"""Small parts of the page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..record import Verdict

STANDS = {
    "passed": ("good", "met"),
    "missed": ("bad", "missed"),
    "unclear": ("some", "not sure"),
    "worse": ("bad", "worse"),
    "": ("", ""),
}
"""By outcome: how it is coloured, and what it is called."""


def card(inside: str, name: str) -> str:
    """``inside`` on a card that the keyboard can scroll; ``name`` is what a screen reader calls it."""
    return f'<div class="card scroll" role="region" aria-label="{escape(name)}" tabindex="0">{inside}</div>'


def tag(outcome: str) -> str:
    """The outcome of a demand, in a word."""
    style, said = STANDS[outcome]
    return f'<span class="tag {style}">{said}</span>' if said else ""


def percent(share: float) -> str:
    """``share`` of 1 without decimals."""
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def statistics(verdicts: Iterable[Verdict]) -> str:
    """The numbers behind what is not met, folded away."""
    listed = "".join(f"<li>{escape(each.reason)}</li>" for each in verdicts)
    return f"<details><summary>The statistics behind it</summary><ul>{listed}</ul></details>" if listed else ""
