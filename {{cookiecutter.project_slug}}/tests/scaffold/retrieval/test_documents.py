"""What can be read as a document, what it says about itself, and what is refused with which reason."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from pypdf import PdfWriter

from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw, find, parse, read_bytes
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

SETTINGS = RetrievalFile()
PAGE = """<!DOCTYPE html><html lang="de-DE"><head><title>Spesen &amp; Sätze</title>
<meta name="updated" content="2026-04-01"><meta name="status" content="Superseded"><style>p {}</style></head><body>
<header>Intranet banner</header><nav>Home</nav><div role="navigation">Next</div><main><h1>Spesen<a href="#s">¶</a></h1><p>Erster   Absatz<br>neue Zeile.</p>
<table><tr><th>Stadt</th><th>Grenze</th></tr><tr><td>Hamburg</td><td>150 EUR</td></tr>
<tr><td>Paris</td><td>190 EUR</td></tr></table><ul><li>eins</li> <li><p>zwei</p></li></ul>
<pre>a  b
c</pre><!-- secret --><script>alert(1)</script></main><footer>Imprint</footer></body></html>"""


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
    "half a surrogate pair in YAML": ("x.md", b'---\ntitle: "a\\ud800b"\n---\nText', {"title": "a?b"}),
}


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_a_document_says_what_it_is(case: str) -> None:
    source, data, expected = GOOD[case]
    document = parse(raw(source, data), SETTINGS)
    assert {name: getattr(document, name) for name in expected} == expected


BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("x.md", b" \n", "is empty"),
    "only front matter": ("x.md", b"---\ntitle: T\n---\n", "holds no text"),
    "binary under the name of a text": ("x.md", b"text\0\1\2", "is not text, but binary data"),
    "another encoding": ("x.txt", "Grüße".encode("latin-1"), "is not UTF-8 text (byte 2)"),
    "broken UTF-16": ("x.txt", b"\xff\xfeabc", "is not UTF-16 text"),
    "unknown encoding": ("x.html", b'<meta charset="klingon"><p>a</p>', "names an unknown encoding (klingon)"),
    "front matter that is no YAML": ("x.md", b"---\ntitle: [\n---\nText", "not valid YAML in line"),
    "front matter that is a list": ("x.md", b"---\n- a\n---\nText", "not a list of fields"),
    "front matter nested deeply": ("x.md", b"---\na: " + b"[" * 5000 + b"\n---\nText", "nested too deeply"),
    "a page without text": ("x.html", b"<html><nav>Home</nav></html>", "holds no text"),
    "an encrypted PDF": ("x.pdf", pdf(password="secret"), "is encrypted"),
    "a PDF that is none": ("x.pdf", b"%PDF-1.7 nothing", "PDF"),
    "a PDF cut in half": ("x.pdf", pdf()[:150], "PDF"),
    "a PDF without text": ("x.pdf", pdf(""), "holds no text; if it is a scan"),
    "too large": ("x.txt", b"a" * 100_001, "is larger than"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_what_cannot_be_read_is_refused_with_the_reason(case: str) -> None:
    source, data, reason = BAD[case]
    with pytest.raises(DocumentError) as refused:
        parse(raw(source, data), RetrievalFile(max_megabytes=0.1))
    assert reason in str(refused.value)
    assert str(refused.value).startswith(f"{source}: ")


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
    found = dict(find(tmp_path))
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
    assert [(source, str(error)) for source, error in find(tmp_path)] == [
        ("closed", "closed: the folder cannot be read (Permission denied).")
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", [b"a\nb.md", b"a\x1b[31m.md", b"a\xff.md"])
def test_a_name_that_is_no_plain_text_is_shown_in_one_line_that_any_terminal_can_print(
    tmp_path: Path, name: bytes
) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("text", "utf-8")
    ((_, reason),) = find(tmp_path)
    assert "rename it" in str(reason)
    assert str(reason).isprintable()
    assert str(reason).encode()
