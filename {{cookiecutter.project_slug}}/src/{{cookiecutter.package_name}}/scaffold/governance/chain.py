"""The format of the audit log: how a record is sealed, and how a file of them is checked.

A record is one line of JSON in ASCII that ends with ``,"mac":"…"}``. The mac is the HMAC-SHA-256 (RFC 2104), in hex, of
all bytes of the line before ``,"mac"``; ``previous`` repeats the mac of the record before, so that each record vouches
for all before it (Schneier and Kelsey, "Secure audit logs to support computer forensics", 1999). Bytes are sealed, not
meaning: a respelled record is a changed one, and ten lines of any language can check a log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

What = Literal["changed", "removed", "reordered", "repeated", "cut off", "foreign"]


@dataclass(frozen=True)
class Head:
    """The newest record: its number, counted from 1, its mac, and how many bytes the log has up to its end."""

    sequence: int
    mac: str
    offset: int


START = Head(0, "", 0)


@dataclass(frozen=True)
class Verification:
    """What a check found. ``line`` and ``sequence`` name the first bad record, ``what`` says what became of it."""

    ok: bool
    records: int
    message: str
    what: What | None = None
    line: int | None = None
    sequence: int | None = None


def ending(mac: str) -> bytes:
    """How the line of the record with this mac ends."""
    return b',"mac":"' + mac.encode("ascii") + b'"}\n'


ENDING_LENGTH = len(ending("0" * 64))


def seal(key: bytes, record: dict[str, Any]) -> tuple[bytes, str]:
    """The line of ``record``, and its mac. Raises ``ValueError`` or ``TypeError`` for what JSON cannot hold."""
    # ASCII: any text, lone surrogates too, has one spelling, and no reader sees a line break inside a record.
    body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode("ascii")[:-1]
    mac = hmac.new(key, body, hashlib.sha256).hexdigest()
    return body + ending(mac), mac


def unseal(key: bytes, line: bytes) -> dict[str, Any] | None:
    """The record of ``line``, line break included; ``None`` unless the key vouches for every byte of it."""
    body = line[:-ENDING_LENGTH]
    mac = hmac.new(key, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(line[-ENDING_LENGTH:], ending(mac)):
        return None
    record: dict[str, Any] = json.loads(line)
    return record


def follows(head: Head, record: dict[str, Any]) -> bool:
    """Whether ``record`` is the one that comes after ``head``."""
    return (record["sequence"], record["previous"]) == (head.sequence + 1, head.mac)


def check(path: Path, key: bytes, head: Head, extra: bytes) -> Verification:
    """Check the log at ``path`` up to ``head``, and the bytes after it, ``extra``, which a crash may have left."""
    last, number = START, 0
    for number, line in enumerate(_lines(path, head.offset), 1):
        record = unseal(key, line)
        if record is None or not follows(last, record):
            what = _explain(path, key, head, last, line, record)
            return _bad(what, last.sequence, number, last.sequence + 1)
        last = Head(record["sequence"], record["mac"], last.offset + len(line))
    if last.sequence < head.sequence:
        return _bad("cut off", last.sequence, number + 1, last.sequence + 1, f"; {head.sequence} were written")
    if last != head:
        return _bad("foreign", last.sequence - 1, number, last.sequence, ": the state database knows another one")
    message = f"{head.sequence} records, each as it was written; the last one's mac is {head.mac or 'none'}."
    if extra:
        record = unseal(key, extra)
        if record is not None and follows(head, record):
            message += " One more was written just before a crash; the next record confirms it."
        elif b"\n" in extra:
            return _bad("foreign", head.sequence, number + 1, head.sequence + 1, ": it was not written by this log")
        else:
            message += f" {len(extra)} bytes of a record that a crash tore follow; the next record drops them."
    return Verification(True, head.sequence, message)


def _lines(path: Path, size: int) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as file:
        while size and (line := file.readline(size)):
            size -= len(line)
            yield line


def _explain(path: Path, key: bytes, head: Head, last: Head, line: bytes, record: dict[str, Any] | None) -> What:
    valid = [other for other in (unseal(key, each) for each in _lines(path, head.offset)) if other is not None]
    if record is None:
        if not valid:
            return "foreign"
        return "cut off" if not line.endswith(b"\n") and path.stat().st_size < head.offset else "changed"
    if record["sequence"] <= last.sequence:
        return "repeated"
    if record["sequence"] == last.sequence + 1:
        return "foreign"
    return "reordered" if any(other["sequence"] == last.sequence + 1 for other in valid) else "removed"


_MEANING: dict[What, str] = {
    "changed": "was changed after it was written",
    "removed": "is missing where another one stands",
    "reordered": "is not in its place",
    "repeated": "should stand where an earlier one stands again",
    "cut off": "and all after it are missing",
    "foreign": "was written with another key or for another log",
}


def _bad(what: What, records: int, line: int, sequence: int, more: str = "") -> Verification:
    message = f"Line {line}: record {sequence} {_MEANING[what]}{more} ({what}). The {records} before it are as written."
    return Verification(False, records, message, what, line, sequence)
