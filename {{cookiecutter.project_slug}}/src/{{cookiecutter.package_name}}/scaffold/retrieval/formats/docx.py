"""Word documents."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from ..settings import Limits
from .content import Content, Unreadable, capped, content, row

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
OLE = b"\xd0\xcf\x11\xe0"
"""How a Word file begins that is encrypted (ECMA-376 files are wrapped then) or older than 2007."""
WORDS = (
    ".//w:r[not(ancestor::w:moveFrom or ancestor::*[local-name()='Fallback'])]"
    "/*[self::w:t or self::w:tab or self::w:br or self::w:cr or self::w:noBreakHyphen]"
)
"""What a paragraph shows: tracked insertions too, but not what was deleted or moved away, nor a picture's twin."""
SHOWN = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
WRAPPERS = {W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo")}
"""What stands round blocks and is none: content controls, tracked insertions."""
KIND = re.compile(r"heading ([1-9])|title$|toc|list")
"""Names of styles, which are English in files of every language (ECMA-376 part 1, 17.7.4.9)."""
NO_MEMORY = 2
"""``XML_ERR_NO_MEMORY`` of libxml2, which lxml takes for a fault of the file."""
MOST_COLUMNS = 63
"""Word's own limit of a table."""


def read(data: bytes, limits: Limits) -> Content:
    """Paragraphs with headings as # lines, lists, and tables row by row; no headers, footers, footnotes or comments."""
    if data.startswith(OLE):
        raise Unreadable("is encrypted, or in Word's old format; save it as .docx without a password")
    _check_expansion(data, limits)
    from docx import Document  # imported where it is used, as it takes a while
    from lxml.etree import XMLSyntaxError

    try:
        document = Document(io.BytesIO(data))
    except XMLSyntaxError as error:
        if error.code == NO_MEMORY:
            raise MemoryError from None
        raise
    if document.element.getroottree().docinfo.doctype:
        raise Unreadable("declares a document type (DTD), which no Word file may")
    text = "".join(capped(_pieces(document.element.body, _kinds(document.styles.element)), limits)).strip()
    return content(text, _properties(document.part.package), headings=True)


def _check_expansion(data: bytes, limits: Limits) -> None:
    """Unpack everything once, a piece at a time: what the archive's headers say of its size proves nothing."""
    left = most = int(limits.expanded_megabytes * 1_000_000)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if any(entry.flag_bits & 1 for entry in archive.infolist()):
            raise Unreadable("is encrypted; save it without a password")
        if sum(entry.file_size for entry in archive.infolist()) <= most:
            for entry in archive.infolist():
                with archive.open(entry) as member:
                    while left >= 0 and (piece := member.read(1_000_000)):
                        left -= len(piece)
            if left >= 0:
                return
    raise Unreadable(
        f"unpacks to more than {limits.expanded_megabytes:g} MB; split it, or raise expanded_megabytes under limits in "
        "config/retrieval.yaml"
    )


def _properties(package: Any) -> dict[str, Any]:
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        said = package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES).core_properties
    except KeyError:  # python-docx itself would make some up
        return {}
    return {
        "title": said.title,
        "updated": said.modified or said.created,
        "language": said.language,
        "status": said.content_status,
    }


def _kinds(styles: Any) -> dict[str, str]:
    """What paragraphs of each style are: ``#`` to ``######``, ``-`` for a list, ``toc``, or nothing of these."""
    named, parents = dict[str, str](), dict[str, str]()
    for style in styles.xpath("./w:style[@w:type='paragraph']"):
        identity = style.get(f"{W}styleId", "")
        named[identity] = (style.xpath("string(./w:name/@w:val)") or "").lower()
        parents[identity] = style.xpath("string(./w:basedOn/@w:val)") or ""
    kinds = {}
    for identity in named:
        seen, at = set[str](), identity
        while at in named and at not in seen and not KIND.match(named[at]):
            seen.add(at)
            at = parents[at]
        if found := KIND.match(named.get(at, "")):
            kinds[identity] = (
                "#" * min(6, int(found[1])) if found[1] else {"title": "#", "list": "-"}.get(found[0], "toc")
            )
    return kinds


def _pieces(body: Any, kinds: dict[str, str]) -> Iterator[str]:
    """The document's blocks in reading order, each with what stands between it and the one before."""
    before, stack = "", list(reversed(body))
    while stack:
        node = stack.pop()
        if node.tag == f"{W}p":
            style = node.xpath("string(./w:pPr/w:pStyle/@w:val)")
            kind = kinds.get(style, "-" if node.xpath("./w:pPr/w:numPr") else "")
            words = _words(node)
            if words and kind != "toc":
                yield "\n" if kind == before == "-" else "\n\n"
                yield f"{kind} {' '.join(words.split())}" if kind else words
                before = kind
        elif node.tag == f"{W}tbl":
            yield "\n\n"
            for number, line in enumerate(_rows(node)):
                yield f"\n{line}" if number else line
            before = ""
        elif node.tag in WRAPPERS:
            stack += reversed(node)


def _words(element: Any) -> str:
    return "".join(SHOWN.get(node.tag) or node.text or "" for node in element.xpath(WORDS)).strip()


def _rows(table: Any) -> Iterator[str]:
    names, above = list[str](), dict[int, str]()
    rows = table.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr")
    for number, line in enumerate(rows):
        cells = list[str]()
        for cell in line.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc"):
            words = " ".join(" ".join(_words(paragraph) for paragraph in cell.xpath(".//w:p")).split())
            if cell.xpath("./w:tcPr/w:vMerge[not(@w:val='restart')]"):
                words = above.get(len(cells), "")
            above[len(cells)] = words
            span = cell.xpath("string(./w:tcPr/w:gridSpan/@w:val)")
            cells += [words, *[""] * (min(int(span), MOST_COLUMNS) - 1 if span.isdecimal() else 0)]
        if not number and len(rows) > 1 and len(cells) > 1 and all(cells) and _is_header(table, line):
            names = cells
        elif any(cells):
            yield row(names, cells)


def _is_header(table: Any, line: Any) -> bool:
    """Whether the first row is marked as one, by itself or by the table's look (ECMA-376 part 1, 17.4.55, 17.4.78)."""
    look = table.xpath("./w:tblPr/w:tblLook")
    return bool(
        line.xpath("./w:trPr/w:tblHeader")
        or (look and (look[0].get(f"{W}firstRow") in ("1", "true", "on") or _bits(look[0].get(f"{W}val")) & 0x20))
    )


def _bits(value: str | None) -> int:
    return int(value, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", value or "") and value else 0
