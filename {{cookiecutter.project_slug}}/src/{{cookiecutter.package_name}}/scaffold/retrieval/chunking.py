"""Documents cut into passages, at headings where there are some."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from langchain_text_splitters import RecursiveCharacterTextSplitter

from .documents import Document
from .settings import Chunking

HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)$")
FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")


@dataclass(frozen=True)
class Chunk:
    """A passage of a document. ``text`` stands word for word in the document's text."""

    number: int
    text: str
    section: str
    """Headings above the passage, outermost first, joined by `` > ``, without the title; empty where there are none."""


def split(document: Document, chunking: Chunking) -> list[Chunk]:
    """The passages of ``document``, each within one section, none longer than ``chunking.size``."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=chunking.size,
        chunk_overlap=chunking.overlap,
        separators=["\n\n", "\n", ". ", " ", ""],
        keep_separator="end",
    )
    sections = _sections(document.text) if document.headings else [(document.text, ())]
    parts = [(part, path) for text, path in sections for part in splitter.split_text(text)]
    return [
        Chunk(number, part, " > ".join(heading for heading in path if heading != document.title))
        for number, (part, path) in enumerate(parts)
    ]


def in_context(title: str, section: str, text: str) -> str:
    """What is indexed of a passage: a passage alone often does not say what it is about."""
    return "\n".join(part for part in (title, section, text) if part)


def _sections(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each section's text, heading included, with its headings; a heading without text goes with what follows it."""
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        if mark := FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        heading = None if fence else HEADING.match(line.rstrip("\n"))
        if heading and any(not HEADING.match(earlier) and earlier.strip() for earlier in lines):
            yield "".join(lines), tuple(title for _, title in path)
            lines = []
        if heading:
            level = len(heading[1])
            path = [*((above, title) for above, title in path if above < level), (level, heading[2].rstrip(" \t#"))]
        lines.append(line)
    if "".join(lines).strip():
        yield "".join(lines), tuple(title for _, title in path)
