"""File formats, one a module: bytes in, text and what the file says about itself out."""

from collections.abc import Callable

from ..settings import Limits
from . import docx, html, markdown, pdf, plain, tables
from .content import Content, Unreadable

READERS: dict[str, Callable[[bytes, Limits], Content]] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".txt": plain.read,
    ".pdf": pdf.read,
    ".docx": docx.read,
    ".csv": tables.read_csv,
    ".tsv": tables.read_tsv,
}
"""Who reads which kind of file. A reader raises ``Unreadable``, or whatever its library raises on a damaged file."""

__all__ = ["READERS", "Content", "Unreadable"]
