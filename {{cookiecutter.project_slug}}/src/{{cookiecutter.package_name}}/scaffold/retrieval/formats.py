"""File formats: bytes in, text and what the file says about itself out."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString, PreformattedString


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


def markdown(data: bytes) -> Content:
    """Markdown with optional front matter (YAML between two lines of ``---``); its title may be the first heading."""
    text = _decode(data)
    fields: Mapping[str, Any] = {}
    if found := re.match(r"---[ \t]*\n(.*?)\n?---[ \t]*(?:\n|\Z)", text, re.DOTALL):
        try:
            fields = yaml.safe_load(found[1]) or {}
        except yaml.MarkedYAMLError as error:
            line = f" in line {error.problem_mark.line + 2}" if error.problem_mark else ""
            raise Unreadable(f"has front matter that is not valid YAML{line} ({error.problem})") from None
        except (yaml.YAMLError, ValueError) as error:  # ValueError: 2026-02-31 looks like a date and is none
            raise Unreadable(f"has front matter that is not valid YAML ({' '.join(str(error).split())})") from None
        if not isinstance(fields, dict):
            raise Unreadable("has front matter that is not a list of fields")
        text = text[found.end() :]
    heading = re.search(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    return _content(text, {"title": heading[1] if heading else None, **fields}, headings=True)


def text(data: bytes) -> Content:
    """Plain text; lines such as ``Title: …``, ``Updated: …`` at the top, up to a blank line, say what it is."""
    whole = _decode(data)
    head, _, body = whole.lstrip("\n").partition("\n\n")
    lines = [re.fullmatch(r"([A-Za-z][\w-]{0,30}):[ \t]+(.+)", line.strip()) for line in head.splitlines()]
    fields = {line[1].lower(): line[2] for line in lines if line}
    if lines and all(lines) and fields.keys() & {"title", "updated", "language"}:
        return _content(body, fields)
    return _content(whole, {})


def html(data: bytes) -> Content:
    """The readable part of a page as Markdown: headings, paragraphs, lists, and tables row by row."""
    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    page = BeautifulSoup(_decode(data, declared or "utf-8"), "html.parser")
    metas = {str(meta.get("name", "")).lower(): meta.get("content") for meta in page.find_all("meta")}
    fields = {
        "title": page.title.get_text() if page.title else None,
        "language": page.html.get("lang") if page.html else None,
        "updated": metas.get("updated") or metas.get("last-modified") or metas.get("date"),
        "status": metas.get("status"),
    }
    for tag in [*page.find_all(SILENT), *page.find_all(role=SILENT_ROLES)]:
        tag.decompose()
    body = page.find("main") or page.find(role="main") or page.body or page
    _spell_out(body)
    text = "".join(_runs(body))
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
    return _content(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", fields, headings=True)


def pdf(data: bytes) -> Content:
    """The text of all pages. Scanned pages hold none."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise Unreadable("is encrypted; save it without a password")
        pages = [page.extract_text().strip() for page in reader.pages]
        about = reader.metadata
        changed = about and (about.modification_date or about.creation_date)
        language = reader.root_object.get("/Lang")
    except Unreadable:
        raise
    except PyPdfError as error:
        raise Unreadable(f"is not a readable PDF ({_short(error)})") from None
    except Exception as error:  # noqa: BLE001  damaged files make pypdf raise nearly anything
        raise Unreadable(f"is a damaged PDF ({type(error).__name__}: {_short(error)})") from None
    fields = {"title": about.title if about else None, "updated": changed, "language": language}
    return _content("\n\n".join(page for page in pages if page), fields)


SILENT = ["nav", "footer", "script", "style", "noscript", "template", "svg", "iframe", "head"]
"""Tags whose text is not the document's."""
SILENT_ROLES = ["banner", "complementary", "contentinfo", "navigation", "search"]
"""Landmarks of WAI-ARIA 1.2, section 5.3.4, that stand round a page's content."""
BLOCKS = {
    "address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "main", "ol", "p", "pre", "section", "summary", "ul",
}  # fmt: skip
"""Tags that start on a line of their own."""


def _spell_out(body: Tag) -> None:
    """Replace what a reader sees, but text alone does not say: headings, list marks, tables."""
    for header in body.find_all("header"):  # a site's banner repeats on every page; an article's header is its title
        if header.find_parent(["article", "main", "section"]) is None and header.find("h1") is None:
            header.decompose()
    for table in reversed(body.find_all("table")):  # inner ones first
        table.replace_with(f"\n\n{_rows(table)}\n\n")
    for level in range(1, 7):
        for heading in body.find_all(f"h{level}"):
            words = heading.get_text(" ").rstrip(" \n¶#").split()  # the marks that generators link a heading with
            heading.replace_with(f"\n\n{'#' * level} {' '.join(words)}\n\n" if words else "")
    for item in body.find_all("li"):
        if isinstance(first := item.find(True), Tag) and first.name == "p":
            first.unwrap()
        item.insert(0, "- ")


def _rows(table: Tag) -> str:
    """One line a row, each cell with its column's name, so that a row can be understood without the rows above it."""
    lines, names = [], list[str]()
    for row in table.find_all("tr"):
        cells = row.find_all(["th", "td"])
        texts = [" ".join(cell.get_text(" ").split()) for cell in cells]
        if not names and len(cells) > 1 and all(cell.name == "th" for cell in cells):
            names = texts
            continue
        pairs = zip_longest(names[: len(texts)], texts, fillvalue="")
        lines.append(" | ".join(f"{name}: {text}" if name and text else text for name, text in pairs))
    return "\n".join(line for line in lines if line.strip(" |")) or " | ".join(names)


def _runs(body: Tag) -> list[str]:
    """Text in reading order, a blank line round blocks. Iterative: pages may be nested deeper than Python recurses."""
    runs, stack = list[str](), list[Any](reversed(body.contents))
    while stack:
        node = stack.pop()
        if isinstance(node, str) and not isinstance(node, NavigableString):
            runs.append(node)
        elif isinstance(node, PreformattedString):
            continue  # comments, doctypes
        elif isinstance(node, NavigableString):
            runs.append(str(node) if "\n\n" in node or node.find_parent("pre") else re.sub(r"\s+", " ", node))
        else:
            edge = "\n\n" if node.name in BLOCKS else ""
            stack += [edge, *reversed(node.contents), "\n" if node.name in ("br", "li") else edge]
    return runs


def _decode(data: bytes, encoding: str = "utf-8") -> str:
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("is not text, but binary data")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    try:
        text = data.decode("utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not {encoding.upper()} text (byte {error.start}); save it as UTF-8") from None
    except LookupError:
        raise Unreadable(f"names an unknown encoding ({encoding}); save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _content(text: str, fields: Mapping[str, Any], headings: bool = False) -> Content:
    title, language, status = (_line(fields.get(name)) for name in ("title", "language", "status"))
    code = re.match(r"([A-Za-z]{2})(?![A-Za-z])", language or "")
    return Content(
        text=_clean(text),
        title=title,
        updated=_day(fields.get("updated") or fields.get("date")),
        language=code[1].lower() if code else None,
        status=status.lower() if status else None,
        headings=headings,
    )


def _line(value: object) -> str | None:
    return " ".join(_clean(str(value)).split())[:300] or None if value is not None else None


def _day(value: object) -> str | None:
    """ISO 8601, or None where it is no such date: a document is not refused for an odd date."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return date.fromisoformat(str(value).strip()[:10]).isoformat()
    except ValueError:
        return None


def _clean(text: str) -> str:
    """Without what no database takes: zero bytes and halves of surrogate pairs, which PDF and YAML can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
