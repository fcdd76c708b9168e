"""Settings and YAML files: mistakes are named with file, line, field and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, HttpUrl

from {{ cookiecutter.package_name }}.scaffold.config import File, Settings, decode, find_root, load_yaml
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError


class Part(File):
    """A part of a whole."""

    size: int = 1
    wait: float | None = None
    url: HttpUrl | None = None
    kept: bool = True


class Whole(File):
    """A file with nesting."""

    name: str
    parts: dict[str, Part] = Field(default={})
    rows: list[Part] = Field(default=[])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"whole\.yaml:1: name: this field is required\."),
        (
            "name: a\nnmae: b\n",
            r"whole\.yaml:2: nmae: there is no such field; known: name, parts, rows \(did you mean 'name'\?\)\.",
        ),
        ("name: a\nparts:\n  x:\n    size: big\n", r"whole\.yaml:4: parts\.x\.size: .*integer.*, not 'big'\."),
        (
            "name: a\nparts:\n  x:\n    sise: 2\n",
            r"whole\.yaml:4: parts\.x\.sise: there is no such field; known: kept, size, url, wait ",
        ),
        ("name: a\nrows:\n  - size: 1\n  - size: big\n", r"whole\.yaml:4: rows\.1\.size: "),
        ("name: a\nname: b\n", r"whole\.yaml:2: not valid YAML: the key 'name' is written twice\."),
        ("name: [a\n", r"whole\.yaml:\d: not valid YAML: "),
        ("- a\n", r"whole\.yaml:1: the file: must hold fields, each on a line of its own as name: value\."),
        ("name: a\nparts:\n  x:\n    size: yes\n", r"whole\.yaml:4: parts\.x\.size: yes, no, .* are no numbers"),
        ("name: a\nrows:\n  - wait: no\n", r"whole\.yaml:3: rows\.0\.wait: yes, no, .* are no numbers"),
        (
            "name: a\nrows:\n  - wait: .inf\n",
            r"whole\.yaml:3: rows\.0\.wait: input should be a finite number, not inf\.",
        ),
        ("name: a\nrows:\n  - url: localhost:1\n", r"whole\.yaml:3: rows\.0\.url: URL scheme should be "),
        (
            "name: a\nday: 2026-02-31\n",
            r"whole\.yaml: not valid YAML: day is out of range.*; a text goes into quotes\.",
        ),
        ("name: a\n\0\n", r"whole\.yaml:2: not valid YAML: special characters are not allowed\."),
        ("[" * 5000, r"whole\.yaml: not valid YAML: nested too deeply"),
        ("name: !!python/object/apply:os.getcwd []\n", r"whole\.yaml:1: not valid YAML: "),
    ],
)
def test_a_mistake_is_named_with_file_line_field_and_what_is_allowed(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        load_yaml(path, Whole)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.yaml: there is no such file"):
        load_yaml(tmp_path / "gone.yaml", Whole)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"binary\.yaml:1: is not UTF-8 \(byte 0xff in column 1\); save"):
        load_yaml(tmp_path / "binary.yaml", Whole)
    with pytest.raises(ConfigurationError, match=r"cannot be read as UTF-8 text \(is a directory\)"):
        load_yaml(tmp_path, Whole)


def test_truth_is_a_value_where_one_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text("name: a\nrows:\n  - {kept: no, wait: 1}\n", "utf-8")
    (row,) = load_yaml(path, Whole).rows
    assert (row.kept, row.wait) == (False, 1.0)


def test_settings_come_from_the_environment_and_a_mistake_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_OFFLINE", "1")
    assert Settings.load(tmp_path).offline is True
    monkeypatch.setenv("APP_OFFLINE", "perhaps")
    with pytest.raises(ConfigurationError, match=r"APP_OFFLINE: .*boolean"):
        Settings.load(tmp_path)


def test_a_dotenv_file_serves_as_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_OFFLINE=1\nOTHER=ignored\n", "utf-8")
    assert Settings.load(tmp_path).offline is True
    (tmp_path / ".env").write_bytes(b"APP_OFFLINE=1\nOTHER=\xff")
    with pytest.raises(ConfigurationError, match=r"\.env:2: is not UTF-8 \(byte 0xff in column 7\); save the file"):
        Settings.load(tmp_path)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"\xff", "1: is not UTF-8 (byte 0xff in column 1)"),
        (b"one\r\ntwo \xe9t\xe9", "2: is not UTF-8 (byte 0xe9 in column 5)"),
        ("\ufeffäö".encode() + b"\x80", "1: is not UTF-8 (byte 0x80 in column 3)"),
        (b"cut off \xc3", "1: is not UTF-8 (byte 0xc3 in column 9)"),
    ],
)
def test_what_is_not_utf_8_is_named_with_its_line_and_column(data: bytes, place: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        decode(data, Path("list.txt"))
    assert str(refused.value) == f"list.txt:{place}; save the file as UTF-8."


def test_a_byte_order_mark_and_the_ends_of_lines_are_not_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfone\r\ntwo\n", Path("list.txt")) == "one\ntwo\n"


def test_a_working_directory_that_was_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "cwd", gone)
    with pytest.raises(ConfigurationError, match="working directory is gone"):
        Settings.load()


def test_the_project_is_found_from_a_folder_inside_it_and_not_from_outside(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_root(project / "data" / "documents") == project
    with pytest.raises(ConfigurationError, match="set APP_ROOT"):
        find_root(tmp_path)
    monkeypatch.setenv("APP_ROOT", str(tmp_path))
    with pytest.raises(ConfigurationError, match="APP_ROOT is"):
        find_root(project)
    monkeypatch.setenv("APP_ROOT", str(project))
    assert find_root(tmp_path) == project
