"""Plain text."""

from __future__ import annotations

import re

from ..settings import Limits
from .content import Content, content, decode


def read(data: bytes, limits: Limits) -> Content:
    """Plain text; lines such as ``Title: …``, ``Updated: …`` at the top, up to a blank line, say what it is."""
    whole = decode(data)
    head, _, body = whole.lstrip("\n").partition("\n\n")
    lines = [re.fullmatch(r"([A-Za-z][\w-]{0,30}):[ \t]+(.+)", line.strip()) for line in head.splitlines()]
    fields = {line[1].lower(): line[2] for line in lines if line}
    if lines and all(lines) and fields.keys() & {"title", "updated", "language"}:
        return content(body, fields)
    return content(whole, {})
