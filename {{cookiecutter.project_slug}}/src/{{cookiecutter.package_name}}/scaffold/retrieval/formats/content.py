"""What every format comes to: text, and what the file says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

from ..settings import Limits


class Unreadable(Exception):
    """What is wrong with the file, as the end of a sentence that starts with its name."""


@dataclass(frozen=True)
class Content:
    """What a file holds; ``title``, ``updated``, ``language`` and ``status`` are None where it does not say."""

    text: str
    title: str | None = None
    updated: str | None = None
    language: str | None = None
    status: str | None = None
    headings: bool = False
    """Whether lines of ``text`` that start with # are headings."""


def content(text: str, fields: Mapping[str, Any], headings: bool = False) -> Content:
    """``text`` with what ``fields`` say in their own words."""
    code = re.match(r"([A-Za-z]{2})(?![A-Za-z])", line(fields.get("language")) or "")
    status = line(fields.get("status"))
    return Content(
        text=_clean(text),
        title=line(fields.get("title")),
        updated=day(fields.get("updated") or fields.get("date")),
        language=code[1].lower() if code else None,
        status=status.lower() if status else None,
        headings=headings,
    )


def line(value: object) -> str | None:
    """``value`` in one short line that any terminal can print; None where that is nothing."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", _clean(str(value))) if isinstance(value, str) else ""
    return " ".join(plain.split())[:300] or None


def day(value: object) -> str | None:
    """ISO 8601, or None where it is no such date: a document is not refused for an odd date."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    try:
        return date.fromisoformat(str(value).strip()[:10]).isoformat()
    except ValueError:
        return None


def decode(data: bytes, declared: str = "utf-8") -> str:
    """Text in UTF-8, in UTF-16 where it starts with its mark, else as it declares. Nothing is guessed."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        declared = "utf-16"
    elif data.startswith(b"\xef\xbb\xbf"):
        declared, data = "utf-8", data[3:]
    try:
        text = data.decode(declared)
    except UnicodeError as error:
        if b"\0" in data and declared != "utf-16":
            raise Unreadable(BINARY) from None
        where = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise Unreadable(f"is not {declared.upper()} text{where}; save it as UTF-8") from None
    except LookupError:
        raise Unreadable(f"names an unknown encoding ({line(declared)}); save it as UTF-8") from None
    if "\0" in text:
        raise Unreadable(BINARY)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def capped(pieces: Iterable[str], limits: Limits) -> Iterator[str]:
    """``pieces``, while they are no more text than a document may hold; raises ``Unreadable`` then."""
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > limits.characters:
            raise Unreadable(TOO_LONG)
        yield piece


def row(names: Sequence[str], cells: Sequence[str]) -> str:
    """A table's row in one line, each cell with its column's name: understood without the rows above it."""
    if not names:
        return " | ".join(cells)
    pairs = zip_longest(names[: len(cells)], cells, fillvalue="")
    return " | ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


BINARY = "is not text, but binary data"
TOO_LONG = "holds more text than config/retrieval.yaml allows; split it, or raise characters under limits"


def _clean(text: str) -> str:
    """Without what no database takes: zero bytes and halves of surrogate pairs, which PDF and YAML can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
