"""Files in formats that people do not write by hand, as small as they can be."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

from pypdf import PdfWriter


def pdf(text: str = "Hello PDF", password: str = "", **about: str) -> bytes:
    """A PDF of one page, written by hand because pypdf writes no text."""
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Lang(en-GB)>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<<%s>>" % b"".join(b"/%s(%s)" % (key.encode(), value.encode()) for key, value in about.items()),
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, entry in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, entry)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"xref\n0 7\n0000000000 65535 f \n%strailer<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(body),
    )
    if not password:
        return body
    writer, out = PdfWriter(io.BytesIO(body)), io.BytesIO()
    writer.encrypt(password, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
STYLES = {
    "Title": ("Title", ""),
    "berschrift1": ("heading 2", ""),
    "Aufzaehlung": ("My bullets", "ListBullet"),
    "ListBullet": ("List Bullet", ""),
    "TOC1": ("toc 1", ""),
    "Round": ("a circle", "Trip"),
    "Trip": ("of styles", "Round"),
}
"""Identity: name and the style it is based on, of which two go round in a circle."""


def docx(body: str, document: str = "", links: str = "", **about: str) -> bytes:
    """A Word file. ``document`` is the whole of its main part instead of ``body``; ``links`` are more relationships."""
    styles = "".join(
        f"<w:style w:type='paragraph' w:styleId='{identity}'><w:name w:val='{name}'/><w:basedOn w:val='{parent}'/></w:style>"
        for identity, (name, parent) in STYLES.items()
    )
    names = {"title": "dc:title", "language": "dc:language", "modified": "dcterms:modified"}
    said = "".join(
        f"<{names.get(name, 'cp:' + name)}>{escape(value)}</{names.get(name, 'cp:' + name)}>"
        for name, value in about.items()
    )
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    core = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Default Extension='xml' ContentType='application/xml'/>"
        f"<Override PartName='/word/document.xml' ContentType='{TYPES}.document.main+xml'/>"
        f"<Override PartName='/word/styles.xml' ContentType='{TYPES}.styles+xml'/>"
        "<Override PartName='/core.xml' ContentType='application/vnd.openxmlformats-package.core-properties+xml'/></Types>",
        "_rels/.rels": f"<Relationships xmlns='{rels}'>"
        f"<Relationship Id='r1' Type='{OFFICE}/officeDocument' Target='word/document.xml'/>"
        + (f"<Relationship Id='r2' Type='{rels}/metadata/core-properties' Target='core.xml'/>" if about else "")
        + "</Relationships>",
        "core.xml": f"<cp:coreProperties xmlns:cp='{core}' xmlns:dc='http://purl.org/dc/elements/1.1/' "
        f"xmlns:dcterms='http://purl.org/dc/terms/'>{said}</cp:coreProperties>",
        "word/_rels/document.xml.rels": f"<Relationships xmlns='{rels}'>"
        f"<Relationship Id='r1' Type='{OFFICE}/styles' Target='styles.xml'/>{links}</Relationships>",
        "word/styles.xml": f"<w:styles xmlns:w='{WORD}'>{styles}</w:styles>",
        "word/document.xml": document or f"<w:document xmlns:w='{WORD}'><w:body>{body}</w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of a Word file."""
    look = f"<w:pPr><w:pStyle w:val='{style}'/></w:pPr>" if style else ""
    return f"<w:p>{look}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def table_row(*cells: str, merge: str = "") -> str:
    """A row of a table in a Word file; ``merge`` is said of its first cell."""
    parts = [
        f"<w:tc><w:tcPr>{'' if number else merge}</w:tcPr>{paragraph(cell)}</w:tc>" for number, cell in enumerate(cells)
    ]
    return f"<w:tr>{''.join(parts)}</w:tr>"
