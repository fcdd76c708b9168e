"""Web pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString, PreformattedString

from ..settings import Limits
from .content import Content, capped, content, decode, row


def read(data: bytes, limits: Limits) -> Content:
    """The readable part of a page as Markdown: headings, paragraphs, lists, and tables row by row."""
    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    if not declared or declared.lower().startswith("utf-16"):  # it could not be read as far as there, if it were
        declared = "utf-8"
    page = BeautifulSoup(decode(data, declared), "html.parser")
    metas = {str(meta.get("name", "")).lower(): meta.get("content") for meta in page.find_all("meta")}
    fields = {
        "title": page.title.get_text() if page.title else None,
        "language": page.html.get("lang") if page.html else None,
        "updated": metas.get("updated") or metas.get("last-modified") or metas.get("date"),
        "status": metas.get("status"),
    }
    # Looked for here: a search by several names or by an attribute takes Beautiful Soup as long as reading the page.
    for tag in [each for each in page.find_all(True) if each.name in SILENT or each.get("role") in SILENT_ROLES]:
        tag.decompose()
    mains = page.find_all("main") or [each for each in page.find_all(True) if each.get("role") == "main"]
    body = mains[0] if mains else page.body or page
    _spell_out(body, limits)
    text = "\n".join(line.strip(" \t") for line in "".join(_runs(body)).split("\n"))
    return content(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", fields, headings=True)


SILENT = ["nav", "footer", "script", "style", "noscript", "template", "svg", "iframe", "head"]
"""Tags whose text is not the document's."""
SILENT_ROLES = ["banner", "complementary", "contentinfo", "navigation", "search"]
"""Landmarks of WAI-ARIA 1.2, section 5.3.4, that stand round a page's content."""
BLOCKS = {
    "address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "header", "hr", "main", "ol", "p", "pre", "section", "summary", "ul",
}  # fmt: skip
"""Tags that start on a line of their own."""


def _spell_out(body: Tag, limits: Limits) -> None:
    """Replace what a reader sees, but text alone does not say: headings, list marks, tables."""
    for header in body.find_all("header"):  # a site's banner repeats on every page; an article's header is its title
        inside = any(parent.name in ("article", "main", "section") for parent in header.parents)
        if not inside and header.find("h1") is None:
            header.decompose()
    for table in reversed(body.find_all("table")):  # inner ones first
        table.replace_with("\n\n" + "\n".join(capped(_rows(table), limits)) + "\n\n")
    for level in range(1, 7):
        for heading in body.find_all(f"h{level}"):
            words = heading.get_text(" ").rstrip(" \n¶#").split()  # the marks that generators link a heading with
            heading.replace_with(f"\n\n{'#' * level} {' '.join(words)}\n\n" if words else "")
    for item in body.find_all("li"):
        if isinstance(first := item.find(True), Tag) and first.name == "p":
            first.unwrap()
        item.insert(0, "- ")


def _rows(table: Tag) -> Iterator[str]:
    names, some = list[str](), False
    for line in table.find_all("tr"):
        cells = [each for each in line.find_all(True) if each.name in ("th", "td")]
        texts = [" ".join(cell.get_text(" ").split()) for cell in cells]
        if not names and len(cells) > 1 and all(cell.name == "th" for cell in cells):
            names = texts
        elif any(texts):
            some = True
            yield row(names, texts)
    if names and not some:
        yield " | ".join(names)


def _runs(body: Tag) -> Iterator[str]:
    """Text in reading order, a blank line round blocks. Iterative: pages may be nested deeper than Python recurses."""
    stack: list[tuple[Any, bool]] = [(node, False) for node in reversed(body.contents)]
    while stack:
        node, preformatted = stack.pop()
        if isinstance(node, PreformattedString):
            continue  # comments, doctypes
        if isinstance(node, NavigableString):
            yield str(node) if preformatted or "\n\n" in node else re.sub(r"\s+", " ", node)
        elif isinstance(node, str):
            yield node
        else:
            edge = "\n\n" if node.name in BLOCKS else ""
            preformatted = preformatted or node.name == "pre"
            stack.append(("\n" if node.name in ("br", "li") else edge, False))
            stack += [(child, preformatted) for child in reversed(node.contents)]
            stack.append((edge, False))
