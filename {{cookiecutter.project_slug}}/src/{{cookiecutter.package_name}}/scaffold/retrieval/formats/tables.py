"""Tables as text: CSV and TSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from ..settings import Limits
from .content import Content, Unreadable, capped, content, decode, row

MOST_COLUMNS = 1000
"""A row of more is no passage that anybody could read."""
SAMPLE_LINES = 20
"""Lines by which the delimiter is told."""


def read_csv(data: bytes, limits: Limits) -> Content:
    """One line a row, each cell with its column's name; the delimiter is what cuts the first lines most evenly."""
    text = decode(data)
    if said := re.match(r"sep=(.)\n", text):  # Excel writes it, and reads it
        return _table(text[said.end() :], said[1], limits)
    return _table(text, _delimiter(text), limits)


def read_tsv(data: bytes, limits: Limits) -> Content:
    """As ``read_csv``, with tabs."""
    return _table(decode(data), "\t", limits)


def _table(text: str, delimiter: str, limits: Limits) -> Content:
    return content("\n".join(capped(_lines(text, delimiter), limits)), {})


def _lines(text: str, delimiter: str) -> Iterator[str]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    names: list[str] | None = None
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise Unreadable(f"has {len(cells)} columns in line {reader.line_num}; {MOST_COLUMNS} are the most")
            cells = [" ".join(cell.split()) for cell in cells]
            if not any(cells):
                continue
            if names is None:
                names = cells if _are_names(cells) else []
                if names:
                    continue
            yield row(names, cells)
    except csv.Error as error:
        raise Unreadable(f"is not a table that can be read (line {reader.line_num}: {error})") from None


def _are_names(cells: list[str]) -> bool:
    """Whether the first row names the columns: each cell something else, and none a number."""
    numbers = any(re.fullmatch(r"[\d.,+% -]*", cell) for cell in cells)
    return not numbers and len(set(cells)) == len(cells)


def _delimiter(text: str) -> str:
    lines = text[:100_000].splitlines()[:SAMPLE_LINES]

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = [line.count(delimiter) for line in lines if line.strip()]
        return (sum(width == widths[0] for width in widths), widths[0]) if widths and widths[0] else (0, 0)

    return max(",;\t|", key=evenness)
