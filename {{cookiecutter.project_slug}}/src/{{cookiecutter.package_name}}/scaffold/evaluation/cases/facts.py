"""Facts in a text: what can be looked for in an answer letter by letter. English and German."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...guardrails import redact
from ...models.sentences import blocks

_NUMBER = r"\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,:]\d+)?"
_SPELLED = (
    "one two three four five six seven eight nine ten eleven twelve half "
    "ein eine einen einem einer zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"
)
_UNITS = (
    "EUR USD GBP CHF € £ $ % percent Prozent pence cents? Cent seconds? Sekunden? minutes? Minuten? hours? Stunden? "
    "days? Tage?n? nights? Nächten? weeks? Wochen? months? Monate?n? years? Jahre?n? kilomet(?:re|er)s? Kilometern? km "
    "met(?:re|er)s? Metern? mm cm kilograms? Kilogramm kg °C bar mS/cm PSU characters? Zeichen kilowatt kWh Wh"
)
_MONTHS = (
    "January February March April May June July August September October November December "
    "Januar Februar März Mai Juni Juli Oktober Dezember"
)


def _any(words: str) -> str:
    return "|".join(each if each.isalnum() or "(" in each or "?" in each else re.escape(each) for each in words.split())


_DATE = r"\d{1,2}\.?\s(?:" + _any(_MONTHS) + r")(?:\s\d{4})?|\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4}"
_CODE = r"[A-Z]{1,6}(?:-[A-Z0-9]+)*-\d[A-Z0-9]*"
_TIME = r"\d{1,2}:\d{2}(?:\sUhr)?"
_AMOUNT = rf"(?:{_NUMBER}|(?:{_any(_SPELLED)})\s)\s?(?:(?:working|calendar)\s)?(?:{_any(_UNITS)})"
_NAMED = r"(?<=[\"“„])[^\"”“\n]{3,60}(?=[\"”“])"
_FACT = re.compile(rf"(?<![\w.,:-])(?:{_DATE}|{_CODE}|{_TIME}|{_AMOUNT}|{_NAMED})(?!\w)")
_DEFINED = re.compile(
    r"(?!This|That|There|These|Here|Dies|Hier)(?:(?:The|An?|Der|Die|Das|Ein|Eine)\s)?(?P<term>\w[\w -]{2,40}?)\s"
    r"(?:is\san?|means|stands\sfor|ist\sein[e]?|bedeutet|heißt)\s(?P<rest>[^.,;:()]{8,60})[.,;:(]"
)
LEAST_LEAD = 3
"""Words before a fact that make a sentence recognisable."""


@dataclass(frozen=True)
class Fact:
    """Something that a text says and that an answer must hold."""

    heading: str
    """What it stands under; empty where nothing does."""
    said: str
    """The sentence, or the row of a table as ``column: cell; column: cell``; without personal data."""
    literal: str
    """What to look for: it stands in the text so."""
    lead: str = ""
    """How the sentence begins, up to the fact."""
    row: tuple[str, str] = ("", "")
    """Of a table's cell: which row it is of, and its column."""
    term: str = ""
    """Of a definition: what is defined."""


def literals(text: str) -> list[str]:
    """Amounts, dates, times, codes and quoted names in ``text``, each once; personal data is none of them."""
    return list(dict.fromkeys(" ".join(match[0].split()) for match in _FACT.finditer(redact(text))))


def facts(text: str) -> Iterator[Fact]:
    """The facts of a passage, as it is indexed. What was cut in two where the passage begins or ends is left out."""
    heading = ""
    for kind, quote in blocks(text):
        said = redact(quote)
        if kind == "heading":
            heading = quote
        elif kind == "row":
            yield from _cells(heading, said)
        elif said[-1:] in ".!?" and not said[:1].islower():
            yield from _of_sentence(heading, said)


def _of_sentence(heading: str, said: str) -> Iterator[Fact]:
    if first := _FACT.search(said):
        yield Fact(heading, said, first[0], lead=said[: first.start()].strip(' "“„('))
    elif defined := _DEFINED.match(said):
        yield Fact(heading, said, " ".join(defined["rest"].split()[:5]), term=defined["term"])


def _cells(heading: str, said: str) -> Iterator[Fact]:
    cells = [cell.partition(": ") for cell in said.split("; ")]
    if len(cells) < 2 or not all(separator and value for _, separator, value in cells):
        return  # a table without a head, or cells that hold what separates them
    _, _, name = cells[0]
    for column, _, value in cells[1:]:
        if any(sign.isdigit() for sign in value) and len(value) <= 40 and "[" not in value:
            yield Fact(heading, said, value, row=(name, column))
