"""What can be read as a document, what it says about itself, and what is refused with which reason."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw, find, parse, read_bytes
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

from tests.scaffold.retrieval.files import docx, paragraph, pdf, table_row

SETTINGS = RetrievalFile()
PAGE = """<!DOCTYPE html><html lang="de-DE"><head><title>Spesen &amp; Sätze</title>
<meta name="updated" content="2026-04-01"><meta name="status" content="Superseded"><style>p {}</style></head><body>
<header>Intranet banner</header><nav>Home</nav><div role="navigation">Next</div><main><h1>Spesen<a href="#s">¶</a></h1><p>Erster   Absatz<br>neue Zeile.</p>
<table><tr><th>Stadt</th><th>Grenze</th></tr><tr><td>Hamburg</td><td>150 EUR</td></tr>
<tr><td>Paris</td><td>190 EUR</td></tr></table><ul><li>eins</li> <li><p>zwei</p></li></ul>
<pre>a  b
c</pre><!-- secret --><script>alert(1)</script></main><footer>Imprint</footer></body></html>"""


def raw(source: str, data: bytes) -> Raw:
    return Raw(source, data, PurePosixPath(source).suffix)


GOOD: dict[str, tuple[str, bytes, dict[str, str | None]]] = {
    "front matter": (
        "a/leave.md",
        b"---\ntitle: Leave\nupdated: 2026-01-08\nlanguage: en\nstatus: Superseded\n---\n\n# Other\n\nText.",
        {
            "title": "Leave",
            "updated": "2026-01-08",
            "language": "en",
            "status": "superseded",
            "text": "\n# Other\n\nText.",
        },
    ),
    "the first heading as title": (
        "x.md",
        b"intro\n\n## The *title* ##\ntext",
        {"title": "The *title*", "updated": None},
    ),
    "a rule at the top is no front matter": ("x.md", b"---\n\nText", {"text": "---\n\nText"}),
    "empty front matter": ("x.md", b"---\n---\nText", {"text": "Text", "title": "x"}),
    "a file name as title": ("some-plain_file.txt", b"text", {"title": "some plain file", "language": None}),
    "header lines": (
        "x.txt",
        b"Title: Cars\nUpdated: 2026-01-20\nLanguage: de\n\nBody: here\n",
        {"title": "Cars", "updated": "2026-01-20", "language": "de", "text": "Body: here\n"},
    ),
    "lines that only look like headers": ("x.txt", b"Note: one\n\nText", {"title": "x", "text": "Note: one\n\nText"}),
    "a date with a time": ("x.md", b"---\nupdated: 2026-01-08T10:00:00Z\n---\nText", {"updated": "2026-01-08"}),
    "an odd date is no date": ("x.txt", b"Title: T\nUpdated: last spring\n\nText", {"updated": None, "title": "T"}),
    "an impossible date": ("x.md", b"---\nupdated: 2026-02-31\n---\nText", {"updated": None, "text": "Text"}),
    "a byte order mark and Windows line ends": (
        "x.md",
        b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\none\r\ntwo",
        {"title": "T", "text": "one\ntwo"},
    ),
    "UTF-16 with a mark": ("x.txt", "Grüße".encode("utf-16"), {"text": "Grüße"}),
    "a page": (
        "x.html",
        PAGE.encode(),
        {
            "title": "Spesen & Sätze",
            "updated": "2026-04-01",
            "language": "de",
            "status": "superseded",
            "text": "# Spesen\n\nErster Absatz\nneue Zeile.\n\nStadt: Hamburg | Grenze: 150 EUR\nStadt: Paris | Grenze: 190 EUR"
            "\n\n- eins\n- zwei\n\na  b\nc\n",
        },
    ),
    "a page in another declared encoding": (
        "x.htm",
        '<meta charset="iso-8859-1"><p>Grüße</p>'.encode("latin-1"),
        {"text": "Grüße\n"},
    ),
    "a page nested deeply": ("x.html", b"<div>" * 3000 + b"deep", {"text": "deep\n"}),
    "a PDF": (
        "x.pdf",
        pdf("Hello PDF", Title="A contract", ModDate="D:20260203120000Z"),
        {"text": "Hello PDF", "title": "A contract", "updated": "2026-02-03", "language": "en"},
    ),
    "a Word file": (
        "x.docx",
        docx(
            paragraph("Reiseregeln", "Title")
            + paragraph("Contents 1", "TOC1")
            + paragraph("Hotels", "berschrift1")
            + "<w:p><w:r><w:t>Die Grenze</w:t><w:tab/></w:r><w:ins><w:r><w:t>ist</w:t></w:r></w:ins>"
            "<w:del><w:r><w:delText>war</w:delText></w:r></w:del><w:r><w:br/><w:t>150 EUR.</w:t></w:r></w:p>"
            + paragraph("eins", "Aufzaehlung")
            + "<w:sdt><w:sdtContent>"
            + paragraph("zwei", "Aufzaehlung")
            + "</w:sdtContent></w:sdt>"
            + "<w:tbl><w:tblPr><w:tblLook w:val='04A0'/></w:tblPr>"
            + table_row("Land", "Stadt", "Grenze")
            + table_row("Deutschland", "Hamburg", "150 EUR", merge="<w:vMerge w:val='restart'/>")
            + table_row("", "Köln", "", merge="<w:vMerge/>")
            + "</w:tbl><w:tbl>"
            + table_row("links", "rechts", merge="<w:gridSpan w:val='2'/>")
            + "</w:tbl>",
            title="Reisen",
            modified="2026-04-01T10:00:00Z",
            language="de-DE",
            contentStatus="Draft",
        ),
        {
            "title": "Reisen",
            "updated": "2026-04-01",
            "language": "de",
            "status": "draft",
            "text": "# Reiseregeln\n\n## Hotels\n\nDie Grenze\tist\n150 EUR.\n\n- eins\n- zwei\n\n"
            "Land: Deutschland | Stadt: Hamburg | Grenze: 150 EUR\nLand: Deutschland | Stadt: Köln\n\nlinks |  | rechts",
        },
    ),
    "a Word file that says nothing about itself": (
        "policy.docx",
        docx(paragraph("Text.")),
        {"title": "policy", "updated": None, "text": "Text."},
    ),
    "a table": (
        "x.csv",
        b'Stadt;Grenze;Notiz\nHamburg;150,00;"zwei;\nZeilen"\n\nParis;190,00;\n',
        {"title": "x", "text": "Stadt: Hamburg | Grenze: 150,00 | Notiz: zwei; Zeilen\nStadt: Paris | Grenze: 190,00"},
    ),
    "a table without names": ("x.csv", b"1,2\n3,4\n", {"text": "1 | 2\n3 | 4"}),
    "a table that says how it is cut": ("x.csv", b"sep=|\na|b\n1,2|3\n", {"text": "a: 1,2 | b: 3"}),
    "a table of one column": ("x.csv", b"city\nParis\nRome\n", {"text": "city: Paris\ncity: Rome"}),
    "a row longer than the first": ("x.csv", b"a,b\n1,2,3\n", {"text": "a: 1 | b: 2 | 3"}),
    "a table cut by tabs": ("x.tsv", b"a\tb,c\n1\t2\n", {"text": "a: 1 | b,c: 2"}),
    "a page that calls itself UTF-16, and cannot be": (
        "x.html",
        '<meta charset="utf-16"><p>Grüße</p>'.encode(),
        {"text": "Grüße\n"},
    ),
    "half a surrogate pair in YAML": ("x.md", b'---\ntitle: "a\\ud800b"\n---\nText', {"title": "a?b"}),
}


def test_what_the_source_says_goes_before_what_the_file_says() -> None:
    page = Raw("wiki/7", PAGE.encode(), ".html", "Expenses", "2026-05-02T10:00:00Z", "en", "final")
    document = parse(page, SETTINGS)
    said = (document.title, document.updated, document.language, document.status)
    assert said == ("Expenses", "2026-05-02", "en", "final")


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_a_document_says_what_it_is(case: str) -> None:
    source, data, expected = GOOD[case]
    document = parse(raw(source, data), SETTINGS)
    assert {name: getattr(document, name) for name in expected} == expected


def test_the_digest_is_of_the_bytes_read(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_bytes(b"text")
    assert read_bytes(tmp_path, "x.md", 4) == (b"text", hashlib.sha256(b"text").hexdigest())


def link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


UNFIT: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an unknown extension": ("x.rtf", lambda path: path.write_text("a"), "is of no kind that can be read (.md"),
    "a link to a document": ("x.md", link("good.md"), "is a symbolic link"),
    "a link out of the folder": ("x.md", link("/etc/hostname"), "is a symbolic link"),
    "a link to itself": ("x.md", link("x.md"), "is a symbolic link"),
    "a link to a folder": ("x", link(".."), "is a symbolic link"),
    "a pipe": ("x.md", lambda path: os.mkfifo(path), "is not a regular file"),
    "a line break in the name": ("a\nb.md", lambda path: path.write_text("a"), "rename it"),
    "a name that is no text": (os.fsdecode(b"a\xff.md"), lambda path: path.write_text("a"), "rename it"),
}


@pytest.mark.parametrize("case", UNFIT, ids=str)
def test_what_is_no_document_is_named_and_the_rest_is_found(case: str, tmp_path: Path) -> None:
    name, make, reason = UNFIT[case]
    (tmp_path / "good.md").write_text("text")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "y.md").write_text("text")
    make(tmp_path / name)
    found = {each.source: each.error for each in find(tmp_path)}
    assert found.pop("good.md") is None
    [error] = found.values()
    assert error is not None
    assert reason in str(error)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    listing = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert [(found.source, str(found.error)) for found in find(tmp_path)] == [
        ("closed", "closed: the folder cannot be read (Permission denied).")
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", [b"a\nb.md", b"a\x1b[31m.md", b"a\xff.md"])
def test_a_name_that_is_no_plain_text_is_shown_in_one_line_that_any_terminal_can_print(
    tmp_path: Path, name: bytes
) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("text", "utf-8")
    (found,) = find(tmp_path)
    assert "rename it" in str(found.error)
    assert str(found.error).isprintable()
    assert str(found.error).encode()
