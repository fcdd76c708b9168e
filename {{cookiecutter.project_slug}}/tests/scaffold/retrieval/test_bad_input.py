"""Files that are broken, or made to break what reads them: each is named with its reason, and ends what it began."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.errors import DocumentError
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw, find, parse, read_bytes
from {{ cookiecutter.package_name }}.scaffold.retrieval.formats import READERS
from {{ cookiecutter.package_name }}.scaffold.retrieval.processing import process_batch
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Limits, RetrievalFile

from tests.scaffold.retrieval.files import WORD, docx, paragraph, pdf, table_row

SMALL = RetrievalFile(max_megabytes=3, limits=Limits(expanded_megabytes=2, characters=200_000, pages=50))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket", lambda *_, **__: pytest.fail("a connection was made"))


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return out.getvalue()


def carrying(data: bytes, member: bytes) -> bytes:
    """The archive with one more member."""
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("word/embeddings/1.zip", member)
    return out.getvalue()


def understated(data: bytes, size: int) -> bytes:
    """The archive with headers that say ``size`` of its largest member."""
    biggest = max(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    return data.replace(struct.pack("<L", biggest), struct.pack("<L", size))


def entity(declaration: str) -> bytes:
    """A Word file whose text names an entity ``x``."""
    body = "<w:body><w:p><w:r><w:t>a &x; b</w:t></w:r></w:p></w:body>"
    return docx("", f"<!DOCTYPE w:document [{declaration}]><w:document xmlns:w='{WORD}'>{body}</w:document>")


LAUGHS = "<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefghi", "bcdefghix", strict=True)
)
BOMB = b"\n".join(
    b"%c: &%c [%s]" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9) if n else b"x") for n in range(9)
)
MERGES = b"a: &a {x: 1}\n" + b"\n".join(
    b"%c: &%c {<<: [%s]}" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
LOOP = pdf().replace(b"<</Size 7", b"<</Prev %d/Size 7" % pdf().index(b"xref"))
PAGES = pdf().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[%s]/Count 99" % (b"3 0 R " * 99))

BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("x.md", b" \n", "is empty"),
    "only front matter": ("x.md", b"---\ntitle: T\n---\n", "holds no text"),
    "broken UTF-16": ("x.txt", b"\xff\xfeabc", "is not UTF-16 text"),
    "unknown encoding": ("x.html", b'<meta charset="klingon"><p>a</p>', "names an unknown encoding (klingon)"),
    "front matter that is no YAML": ("x.md", b"---\ntitle: [\n---\nText", "not valid YAML in line"),
    "front matter that is a list": ("x.md", b"---\n- a\n---\nText", "not a list of fields"),
    "front matter nested deeply": ("x.md", b"---\na: " + b"[" * 5000 + b"\n---\nText", "nested too deeply"),
    "a page without text": ("x.html", b"<html><nav>Home</nav></html>", "holds no text"),
    "a PDF without text": ("x.pdf", pdf(""), "holds no text; if it is a scan"),
    "only a byte order mark": ("x.txt", b"\xef\xbb\xbf", "is empty"),
    "only a mark of UTF-16": ("x.md", b"\xff\xfe", "is empty"),
    "zero bytes": ("x.md", b"\0" * 100, "is not text, but binary data"),
    "a zero byte in a text": ("x.md", b"text\0\1\2", "is not text, but binary data"),
    "a picture under the name of a text": ("x.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is not text, but binary data"),
    "UTF-32": ("x.txt", "text".encode("utf-32"), "is not text, but binary data"),
    "another encoding": ("x.txt", "Grüße".encode("latin-1"), "is not UTF-8 text (byte 2); save it as UTF-8"),
    "a table in another encoding": ("x.csv", "Größe;Maß\n1;2".encode("cp1252"), "is not UTF-8 text (byte 2)"),
    "an encoding that is none of text": ("x.html", b"<meta charset=rot13><p>a", "names an unknown encoding (rot13)"),
    "a YAML bomb": ("x.md", b"---\n" + BOMB + b"\n---\nText", "not valid YAML in line 3 (aliases (*) are not read)"),
    "a YAML bomb of merges": ("x.md", b"---\n" + MERGES + b"\n---\nText", "not valid YAML in line 3 (aliases"),
    "endless front matter": ("x.md", b"---\n" + b"a: b\n" * 9000 + b"---\nText", "front matter of more than"),
    "front matter with a tag": ("x.md", b"---\n!!python/object/apply:os.getcwd []\n---\nText", "not a list of fields"),
    "a million columns": ("x.csv", b"a," * 1_000_000 + b"a\n1,2", "has 1000001 columns in line 1; 1000 are the most"),
    "a quote that is never closed": ("x.csv", b'a,b\n1,"' + b"x\n" * 100_000, "not a table that can be read (line "),
    "a small table with a long text": (
        "x.csv",
        b"n" * 9_000 + b",b\n" + b"1,2\n" * 900,
        "holds more text than config/retrieval.yaml allows",
    ),
    "a text of too many characters": ("x.txt", b"a " * 150_000, "holds more text than"),
    "a PDF that is none": ("x.pdf", b"%PDF-1.7 nothing", "PDF"),
    "a PDF cut in half": ("x.pdf", pdf()[:150], "PDF"),
    "a PDF of random bytes": ("x.pdf", b"%PDF-1.4\n" + bytes(range(256)) * 40, "PDF"),
    "a PDF nested deeply": (
        "x.pdf",
        pdf().replace(b"<</Type/Catalog", b"<</X " + b"[" * 90_000 + b"/Type/Catalog"),
        "",
    ),
    "an encrypted PDF": ("x.pdf", pdf(password="secret"), "is encrypted; save it without a password"),
    "a PDF of too many pages": ("x.pdf", PAGES, "has more pages than config/retrieval.yaml allows"),
    "a Word file that is none": ("x.docx", b"PK nothing", "is a damaged DOCX (BadZipFile: File is not a zip file)"),
    "an archive that is no Word file": ("x.docx", archive(a=b"text"), "is a damaged DOCX (KeyError: "),
    "a Word file cut in half": ("x.docx", docx(paragraph("Text"))[:900], "is a damaged DOCX (BadZipFile"),
    "an old Word file": (
        "x.docx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        "is encrypted, or in Word's old format",
    ),
    "a zip bomb": ("x.docx", docx(paragraph("a" * 2_100_000)), "unpacks to more than 2 MB"),
    "a zip bomb that lies about its size": (
        "x.docx",
        understated(docx(paragraph("a" * 2_100_000)), 1000),
        "is a damaged DOCX (BadZipFile: ",
    ),
    "a zip bomb of many": (
        "x.docx",
        archive(**{str(number): bytes(100_000) for number in range(21)}),
        "unpacks to more than 2 MB",
    ),
    "a Word file with an entity that names a file": (
        "x.docx",
        entity("<!ENTITY x SYSTEM 'file:///etc/hostname'>"),
        "declares a document type (DTD), which no Word file may",
    ),
    "a Word file with an entity that names an address": (
        "x.docx",
        entity("<!ENTITY x SYSTEM 'http://127.0.0.1:9/'>"),
        "declares a document type",
    ),
    "a Word file with entities of entities": ("x.docx", entity(LAUGHS), "x.docx"),
    "a Word file nested deeply": (
        "x.docx",
        docx("<w:sdt><w:sdtContent>" * 3000),
        "is a damaged DOCX (XMLSyntaxError: ",
    ),
}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("case", BAD, ids=str)
def test_what_cannot_be_read_is_refused_with_the_reason_and_the_rest_is_read(case: str) -> None:
    source, data, reason = BAD[case]
    good = Raw("good.md", b"text", ".md")
    refused, read = process_batch([Raw(source, data, Path(source).suffix), good], SMALL)
    assert reason in refused.problem
    assert refused.problem.startswith(f"{source}: ")
    assert refused.problem.isprintable()
    assert (refused.chunks, read.problem, len(read.chunks)) == ((), "", 1)


HARMLESS: dict[str, tuple[str, bytes, str]] = {
    "a page nested deeply": ("x.html", b"<div>" * 100_000 + b"deep", "deep\n"),
    "a heading with an endless end": ("x.md", b"# a" + b" #" * 30_000 + b"x\n\nText", "Text"),
    "a PDF whose tables of contents go round in a circle": ("x.pdf", LOOP, "Hello PDF"),
    "a zip bomb in a Word file": ("x.docx", carrying(docx(paragraph("Text")), archive(a=bytes(9_000_000))), "Text"),
    "a Word file that holds itself": (
        "x.docx",
        docx(paragraph("Text"), links="<Relationship Id='r9' Type='x' Target='document.xml'/>"),
        "Text",
    ),
    "a Word file that names other addresses": (
        "x.docx",
        docx(
            paragraph("Text"),
            links="<Relationship Id='r8' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
            "attachedTemplate' Target='http://127.0.0.1:9/t.dotm' TargetMode='External'/>",
        ),
        "Text",
    ),
    "a Word file whose styles go round in a circle": ("x.docx", docx(paragraph("Text", "Round")), "Text"),
    "a Word file with a cell of a billion columns": (
        "x.docx",
        docx(f"<w:tbl>{table_row('a', 'b', merge='<w:gridSpan w:val=' + repr('1000000000') + '/>')}</w:tbl>"),
        "a" + " | " * 63 + "b",
    ),
    "control characters in a title": ("x.md", b"# \x1b[31mred\x07\n", "# \x1b[31mred\x07\n"),
}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("case", HARMLESS, ids=str)
def test_what_only_looks_dangerous_is_read(case: str) -> None:
    source, data, text = HARMLESS[case]
    document = parse(Raw(source, data, Path(source).suffix), SMALL)
    assert document.text.endswith(text)
    assert document.title.isprintable()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1_000_000_000)


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a text of 1 GB": ("x.txt", sparse, "is larger than config/retrieval.yaml allows (1000.0 MB); split it"),
    "a pipe": ("x.md", lambda path: os.mkfifo(path), "is not a regular file"),
    "a link": ("x.md", lambda path: path.symlink_to("/etc/hostname"), "through a link, which is not followed"),
    "a link to itself": ("x.md", lambda path: path.symlink_to(path), "through a link, which is not followed"),
    "a folder that is a link": ("a/x.md", lambda path: path.parent.symlink_to("/etc"), "through a link"),
    "a folder": ("x.md", lambda path: path.mkdir(), "cannot be read ("),
    "nothing": ("x.md", lambda path: None, "cannot be read (No such file or directory)"),
    "a path out of the folder": ("../x.md", lambda path: path.write_text("text"), "leads out of its folder"),
    "a path out and in again": ("a/../x.md", lambda path: path, "leads out of its folder"),
    "an absolute path": ("/etc/hostname", lambda path: None, "leads out of its folder"),
    "a zero byte in the name": ("a\0b.md", lambda path: None, "cannot be read ("),
    "a name longer than names can be": ("a" * 5000, lambda path: None, "cannot be read (File name too long)"),
    "an empty file": ("x.md", lambda path: path.touch(), "is empty"),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("case", FILES, ids=str)
def test_a_file_that_is_no_document_is_refused_without_waiting(case: str, tmp_path: Path) -> None:
    source, make, reason = FILES[case]
    folder = tmp_path / "documents"
    folder.mkdir()
    make(folder / source)
    with pytest.raises(DocumentError) as refused:
        read_bytes(folder, source, max_bytes=1_000_000)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.md").write_text("text")
    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(DocumentError, match=r"x.md: cannot be read \(Permission denied\)"):
        read_bytes(tmp_path, "x.md", max_bytes=1000)


def test_a_document_that_changes_once_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_while_changing(tmp_path, monkeypatch, times=1)[0] == b"text 1"


def test_a_document_that_never_stops_changing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DocumentError, match=r"x.md: changes while it is read; the next run reads it again"):
        read_while_changing(tmp_path, monkeypatch, times=99)


def read_while_changing(folder: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[bytes, str]:
    """What is read of a file that is written to between the first look at it and the second, so many times."""
    path, looks, look = folder / "x.md", iter(range(1, 2 * times + 1)), os.fstat
    path.write_text("text 0")

    def write_and_look(file: int) -> os.stat_result:
        if (number := next(looks, 0)) and not number % 2:
            path.write_text(f"text {number // 2}")
            os.utime(path, ns=(number, number))  # a clock can be too coarse to tell
        return look(file)

    monkeypatch.setattr(os, "fstat", write_and_look)
    return read_bytes(folder, "x.md", max_bytes=1000)


def test_a_file_that_goes_away_while_its_folder_is_listed_is_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.md").write_text("Text.", "utf-8")
    listed = find(tmp_path)
    assert next(listed).source == "a.md"
    (tmp_path / "b.md").unlink()
    (gone,) = listed
    assert (gone.source, str(gone.error)) == ("b.md", "b.md: cannot be read (No such file or directory).")


def test_folders_that_are_links_in_a_circle_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to(tmp_path, target_is_directory=True)
    [found] = find(tmp_path)
    assert (found.source, "is a symbolic link" in str(found.error)) == ("a/b", True)


STARTS = {".pdf": pdf(), ".docx": docx(paragraph("Text")), ".html": b"<html><p>", ".csv": b"a;b\n", ".md": b"---\na: "}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(READERS)), st.binary(max_size=300), st.integers(0, 3000), st.integers(0, 300))
def test_random_bytes_are_a_document_or_refused(suffix: str, noise: bytes, at: int, cut: int) -> None:
    start = STARTS.get(suffix, b"")
    for data in (noise, start[:at] + noise + start[at + cut :]):
        try:
            document = parse(Raw(f"x{suffix}", data, suffix), SMALL)
        except DocumentError as error:
            assert str(error).startswith("x")
            assert str(error).isprintable()
        else:
            assert document.text.encode()
            assert "\0" not in document.text
