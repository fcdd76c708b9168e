"""A fence round retrieved text, which its author cannot write."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Protocol


class Source(Protocol):
    """What ``fence`` needs to know about a passage."""

    @property
    def text(self) -> str:
        """The text, as indexed."""

    @property
    def source(self) -> str:
        """The document's path."""

    @property
    def title(self) -> str:
        """The document's title."""

    @property
    def updated(self) -> str | None:
        """Date of the document, ISO 8601."""


# What a parser or a model could take for a fence, for the head of a passage or for a note.
_FENCE = re.compile(r"[<＜‹〈](?=\s*[/／]?\s*passages)", re.IGNORECASE)
_HEAD = re.compile(
    r"^(\s*)[\[［](\s*(?:[!！](?=\s*[\]］])|\d+(?=\s*[\]］]\s*source\s*[:：]))\s*)[\]］]", re.IGNORECASE | re.MULTILINE
)

MARK = re.compile(r'(</?passages fence=)\\?"[a-z]{16}\\?"')
"""A token in its place, also as JSON writes it; taken out where prompts are compared."""


def fence(passages: Sequence[Source], notes: Sequence[str] = ()) -> str:
    """The passages, numbered from 1, between two lines that carry a token drawn for this request.

    Text inside can neither close the fence, since it cannot know the token, nor open another one, nor pose as a further
    passage: what looks like either is made harmless. Invisible characters, which can hide instructions, are dropped.
    ``notes``, which are ours, stand at the head on lines that begin with ``[!]``; text cannot pose as one, either.
    """
    blocks = [
        f"[{number}] source: {_flat(passage.source)} | title: {_flat(passage.title)} | "
        f"updated: {_flat(passage.updated or 'unknown')}\n{_harmless(passage.text)}"
        for number, passage in enumerate(passages, 1)
    ]
    body = "\n".join([*(f"[!] {_flat(note)}" for note in notes), *blocks])
    while (token := _token()) in body:
        pass
    return f'<passages fence="{token}">\n{body}\n</passages fence="{token}">'


def _token() -> str:
    return "".join(
        secrets.choice("bcdfghjkmnpqrstvwxyz") for _ in range(16)
    )  # no digits: nothing takes it for a number


class _Visible(dict[int, int | None]):
    """For ``str.translate``: drops controls, formats and surrogates (Unicode's Cc, Cf, Cs). Fills as they come."""

    def __missing__(self, code: int) -> int | None:
        kept = chr(code) in "\n\t" or unicodedata.category(chr(code)) not in ("Cc", "Cf", "Cs")
        self[code] = code if kept else None
        return self[code]


_VISIBLE = _Visible()


def _harmless(text: str) -> str:
    lines = "\n".join(text.splitlines())  # every line break that any reader knows becomes the one that the fence uses
    return _HEAD.sub(r"\1(\2)", _FENCE.sub("(", lines.translate(_VISIBLE)))


def _flat(value: str) -> str:
    return " ".join(_harmless(value).replace("|", "/").split())
