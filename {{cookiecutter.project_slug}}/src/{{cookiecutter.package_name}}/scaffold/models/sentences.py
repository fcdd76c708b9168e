"""Passages out of a prompt, and sentences out of passages: what the offline model can quote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FENCED = re.compile(r'<passages fence="(?P<token>[^"\n]+)">\n(?P<body>.*?)\n?</passages fence="(?P=token)">', re.DOTALL)
HEADER = re.compile(
    r"^\[(?P<number>\d+)\] source: (?P<source>.*?) \| title: (?P<title>.*?) \| updated: (?P<updated>.*)$", re.MULTILINE
)
QUESTION = re.compile(r"^Question: (?P<question>.*)\Z", re.MULTILINE | re.DOTALL)

BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
HEADING = re.compile(r"^#{1,6}\s+\S")
RULE = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*(?::?-{2,}:?)?\s*$")
END = re.compile(r"(?<=[.!?])[\"”“»)]*\s+(?=[\"„“«(]?[A-ZÄÖÜ0-9])")
# What ends in a full stop without ending a sentence; a German ordinal does so too ("ab dem 4. Tag").
ABBREVIATED = re.compile(
    r"(?:(?:^|[\s(.])[^\W\d_]|\b(?:bzw|ca|ggf|inkl|Nr|Abs|Art|Tel|vgl|Dr|Prof|Hr|Fr|Mr|Mrs|Ms|No|St|approx)"
    r"|\b(?:am|ab|bis|dem|den|der|im|vom|zum|des|jedem)\s\d{1,2})\.$"
)


@dataclass(frozen=True)
class Sentence:
    """One thing to quote, with what stands round it: headings above, and the sentence before."""

    text: str
    passage: int
    updated: str
    title: str
    headings: str
    before: str
    row: bool
    """Whether it is a row of a table."""

    @property
    def section(self) -> tuple[int, str]:
        """What it stands in."""
        return self.passage, self.headings


def read_prompt(text: str) -> tuple[str, list[Sentence]] | None:
    """The question, and every sentence of the fenced passages; None where the text holds no fenced passages."""
    fenced = FENCED.search(text)
    question = QUESTION.search(text, fenced.end()) if fenced else None
    if fenced is None or question is None:
        return None
    body = fenced["body"]
    headers = list(HEADER.finditer(body))
    ends = [header.start() for header in headers[1:]] + [len(body)]
    sentences: list[Sentence] = []
    for header, end in zip(headers, ends, strict=False):
        sentences += _sentences(header, body[header.end() : end])
    return question["question"].strip(), sentences


def _sentences(header: re.Match[str], text: str) -> Iterator[Sentence]:
    headings, before = "", ""
    for kind, quote in blocks(text):
        if kind == "heading":
            headings, before = quote, ""
        elif quote:
            passage, row = int(header["number"]), kind == "row"
            yield Sentence(quote, passage, header["updated"], header["title"], headings, before, row)
            before = quote


def blocks(text: str) -> Iterator[tuple[Literal["heading", "row", "sentence"], str]]:
    """What a passage consists of, in order."""
    run: list[str] = []  # lines that belong together: the text was only wrapped into them
    columns: list[str] | None = None
    lines = [*text.split("\n"), ""]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        table = " | " in line or line.lstrip().startswith("|")
        heading = HEADING.match(line) or (not table and _looks_like_heading(line, following) and _ended(run))
        if table or heading or BULLET.match(line) or not line.strip():
            yield from (("sentence", sentence) for sentence in split(" ".join(run)))
            run = []
        if heading:
            yield "heading", re.sub(r"^\s*(#+|\d{1,2}[.)])\s*", "", line).strip()
        elif table and not RULE.match(line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if columns is None and RULE.match(following):
                columns = cells
            else:
                yield "row", _row(columns or [], cells)
        elif not table and line.strip():
            run.append(BULLET.sub("", line).strip())
        columns = columns if table else None


def _looks_like_heading(line: str, following: str) -> bool:
    """A short line without an end, and the next one starts anew: headings of texts that do not mark them."""
    line = line.strip()
    short = 0 < len(line) <= 60 and line[-1] not in ".!?:;,)" and not line.startswith(("-", "*", "•", "–"))
    return short and (line[0].isupper() or line[0].isdigit()) and not following.strip()[:1].islower()


def _ended(run: list[str]) -> bool:
    """Whether the text before is complete, so that a heading may follow."""
    return not run or run[-1][-1] in ".!?"


def _row(columns: list[str], cells: list[str]) -> str:
    named = [f"{column}: {cell}" if column else cell for column, cell in zip(columns, cells, strict=False) if cell]
    return "; ".join(named + [cell for cell in cells[len(columns) :] if cell])


def split(text: str) -> list[str]:
    """The sentences of a running text."""
    pieces: list[str] = []
    start = 0
    for end in END.finditer(text):
        piece = text[start : end.end()].strip()
        if ABBREVIATED.search(piece):
            continue
        pieces.append(piece)
        start = end.end()
    rest = text[start:].strip()
    return [*pieces, rest] if rest else pieces
