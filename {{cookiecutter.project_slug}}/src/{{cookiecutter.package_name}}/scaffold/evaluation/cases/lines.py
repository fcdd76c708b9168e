"""Datasets as files: cases are added and changed a line at a time; every other line stays as it is, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ...config import nearest
from ...errors import UsageError
from ..dataset import Case, load_cases, parse_lines
from ..graders import fold
from ..store import write_atomically


def add(path: Path, cases: Iterable[Case]) -> list[Case]:
    """Write those of ``cases`` to the end of ``path`` that are not there yet; answers them.

    A case is there already where its id is, or where the same caller asks the same question. The file is written whole
    or not at all. Raises ``ConfigurationError`` where a line of it is wrong.
    """
    added: list[Case] = []

    def append(data: bytes) -> bytes:
        there = parse_lines(data.decode("utf-8-sig"), path, Case)
        ids, asked = {case.id for case in there}, {asks(case) for case in there}
        added.clear()
        for case in cases:
            if case.id not in ids and asks(case) not in asked:
                added.append(case)
                ids.add(case.id)
                asked.add(asks(case))
        end = b"" if data.endswith(b"\n") or not data.strip() else b"\n"
        return data + end + b"".join(line_of(case) for case in added) if added else data

    cases = list(cases)
    load_cases(path)  # says what is wrong with a file that cannot be read
    _rewrite(path, append)
    return added


def change(path: Path, id_: str, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Case:
    """Have ``changed`` make another case of the line with this id; answers the case as it is then.

    Raises ``UsageError`` where there is no such case, ``ConfigurationError`` naming file, line and field where what
    comes of it is none; then nothing is written.
    """

    def replace(data: bytes) -> bytes:
        lines = data.split(b"\n")
        number = places(data)[id_]
        line = lines[number - 1]
        mark, end = b"\xef\xbb\xbf" * line.startswith(b"\xef\xbb\xbf"), b"\r" * line.endswith(b"\r")
        written = json.dumps(changed(json.loads(line.removeprefix(mark))), ensure_ascii=False).encode()
        lines[number - 1] = mark + written + end
        return b"\n".join(lines)

    known = [case.id for case in load_cases(path)]
    if id_ not in known:
        raise UsageError(f"{path}: there is no case {id_!r}{nearest(id_, known)}; see the ids with --list.")
    _rewrite(path, replace)
    return next(case for case in load_cases(path) if case.id == id_)


def places(data: bytes) -> dict[str, int]:
    """The number of each case's line, by its id, in a dataset that ``load_cases`` takes."""
    lines = data.decode("utf-8-sig").split("\n")
    return {json.loads(line)["id"]: number for number, line in enumerate(lines, start=1) if line.strip()}


def asks(case: Case) -> tuple[str, str, str]:
    """Equal for cases that ask the same as the same caller."""
    return fold(case.question), case.caller, case.locale


def line_of(case: Case) -> bytes:
    """``case`` as a line; what is as it would be without being said is left out."""
    written = case.model_dump(mode="json", exclude_defaults=True) | {"locale": case.locale}
    ordered = {name: written[name] for name in Case.model_fields if name in written}
    return json.dumps(ordered, ensure_ascii=False).encode() + b"\n"


def _rewrite(path: Path, changed: Callable[[bytes], bytes]) -> None:
    """Put what ``changed`` makes of the file in its place, if that is a dataset; anew where somebody was quicker."""
    while True:
        before = path.read_bytes()
        after = changed(before)
        parse_lines(after.decode("utf-8-sig"), path, Case)
        if after == before:
            return
        if path.read_bytes() == before:
            write_atomically(path, after)
            return
