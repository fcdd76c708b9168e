"""File formats, one a module: bytes in, text and what the file says about itself out."""

from collections.abc import Callable

from ..settings import Limits
from .content import Content, Unreadable
from .docx import docx
from .html import html
from .markdown import markdown
from .pdf import pdf
from .plain import text
from .tables import csv, tsv

READERS: dict[str, Callable[[bytes, Limits], Content]] = {
    ".md": markdown,
    ".markdown": markdown,
    ".html": html,
    ".htm": html,
    ".txt": text,
    ".pdf": pdf,
    ".docx": docx,
    ".csv": csv,
    ".tsv": tsv,
}
"""Who reads which kind of file. A reader raises ``Unreadable``, or whatever its library raises on a damaged file."""

__all__ = ["READERS", "Content", "Unreadable"]
