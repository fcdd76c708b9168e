"""PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ..settings import Limits
from .content import Content, Unreadable, capped, content


def read(data: bytes, limits: Limits) -> Content:
    """The text of all pages. Scanned pages hold none."""
    from pypdf import PdfReader  # imported where it is used, as it takes a while

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        raise Unreadable("is encrypted; save it without a password")
    text = "\n\n".join(capped(_pages(reader, limits), limits))
    about = reader.metadata
    changed = about and (about.modification_date or about.creation_date)
    language = reader.root_object.get("/Lang")
    fields = {"title": about.title if about else None, "updated": changed, "language": str(language or "")}
    return content(text, fields)


def _pages(reader: Any, limits: Limits) -> Iterator[str]:
    for number, page in enumerate(reader.pages):
        if number >= limits.pages:
            raise Unreadable("has more pages than config/retrieval.yaml allows; split it, or raise pages under limits")
        if text := page.extract_text().strip():
            yield text
