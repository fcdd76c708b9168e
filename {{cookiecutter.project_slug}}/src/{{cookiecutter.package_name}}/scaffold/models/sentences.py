"""Passages out of a prompt, and sentences out of passages: what the offline model can quote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCED = re.compile(r'<passages fence="(?P<token>[^"\n]+)">\n(?P<body>.*?)\n?</passages fence="(?P=token)">', re.DOTALL)
HEADER = re.compile(
    r"^\[(?P<number>\d+)\] source: (?P<source>.*?) \| title: (?P<title>.*?) \| updated: (?P<updated>.*)$", re.MULTILINE
)
QUESTION = re.compile(r"^Question: (?P<question>.*)\Z", re.MULTILINE | re.DOTALL)

ROW = "\0"  # marks a row of a table; no text that comes through a prompt's fence holds it
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
HEADING = re.compile(r"^#{1,6}\s+\S")
RULE = re.compile(r"^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*(?::?-{2,}:?)?\s*$")
END = re.compile(r"(?<=[.!?])[\"”“»)]*\s+(?=[\"„“«(]?[A-ZÄÖÜ0-9])")
# What ends in a full stop without ending a sentence; a German ordinal does so too ("ab dem 4. Tag").
ABBREVIATED = re.compile(
    r"(?:\b(?:z\. ?B|d\. ?h|u\. ?a|i\. ?d\. ?R|bzw|ca|ggf|inkl|Nr|Abs|Art|Tel|vgl|Dr|Prof|Hr|Fr|e\.g|i\.e|Mr|Mrs|Ms|No|St|approx)"
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
    for heading, quotes in _blocks(text):
        if heading is not None:
            headings, before = heading, ""
        for quote in quotes:
            row = quote.startswith(ROW)
            quote = quote.removeprefix(ROW)
            yield Sentence(quote, int(header["number"]), header["updated"], header["title"], headings, before, row)
            before = quote


def _blocks(text: str) -> Iterator[tuple[str | None, list[str]]]:
    """Headings, and what can be quoted between them, in order."""
    run: list[str] = []  # lines that belong together: the text was only wrapped into them
    columns: list[str] | None = None
    lines = text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        table = " | " in line or line.lstrip().startswith("|")
        heading = HEADING.match(line) or (not run and not table and _looks_like_heading(line, following))
        if table or heading or BULLET.match(line) or not line.strip() or _ended(run, line):
            yield None, split(" ".join(run))
            run = []
        if not table:
            columns = None
        if heading:
            yield re.sub(r"^\s*(#+|\d{1,2}[.)])\s*", "", line).strip(), []
        elif table:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if RULE.match(line):
                continue
            if all(": " in cell for cell in cells if cell):  # names its columns itself
                yield None, [ROW + "; ".join(filter(None, cells))]
            elif columns is None and RULE.match(following):
                columns = cells
            else:
                yield None, [ROW + _row(columns or [], cells)]
        elif line.strip():
            run.append(BULLET.sub("", line).strip())
    yield None, split(" ".join(run))


def _looks_like_heading(line: str, following: str) -> bool:
    """A short line without an end, and the next one starts anew: headings of texts that do not mark them."""
    line = line.strip()
    short = 0 < len(line) <= 60 and line[-1] not in ".!?:;,)" and not line.startswith(("-", "*", "•", "–"))
    return short and line[0].isupper() | line[0].isdigit() and not following.strip()[:1].islower()


def _ended(run: list[str], line: str) -> bool:
    """Whether the text before this line is complete, so that a heading may follow."""
    return bool(run) and run[-1][-1] in ".!?" and _looks_like_heading(line, "")


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
