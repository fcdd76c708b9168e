"""Whether the answer holds the number that it must, within a tolerance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isclose

from ...guardrails.grounding import NUMBERS_IN_WORDS
from ..dataset import Case
from .observed import Observation, Score, unanswered, verdict
from .text import fold

_UNITS = (
    ("eur", "€", "euro", "euros"),
    ("usd", "$", "us$", "dollar", "dollars"),
    ("gbp", "£", "pound", "pounds", "pfund"),
    ("chf", "franken", "francs"),
    ("%", "percent", "per cent", "prozent"),
    ("s", "sec", "second", "seconds", "sekunde", "sekunden"),
    ("min", "minute", "minutes", "minuten"),
    ("h", "hour", "hours", "stunde", "stunden"),
    ("day", "days", "tag", "tage", "tagen"),
    ("week", "weeks", "woche", "wochen"),
    ("month", "months", "monat", "monate", "monaten"),
    ("year", "years", "jahr", "jahre", "jahren"),
)
"""Units that are the same, in English and German; any other is looked for as it is written."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,2}:\d\d|\[\d+\]")  # and citations: no quantities
_GROUPS = r"\d{1,3}(?:(?P<group>[.,'\u00a0\u202f])\d{3})(?:(?P=group)\d{3})*(?:[.,]\d+)?"
_NUMBER = re.compile(rf"(?<![\w.,])(?:(?<=\s)-|^-)?(?:{_GROUPS}|\d+(?:[.,]\d+)?)(?![\d]|[.,]\d)")
_WORDS = re.compile(rf"\b(?:{'|'.join(NUMBERS_IN_WORDS)})\b")


def number(case: Case, observed: Observation) -> Score | None:
    """1 where the answer holds the expected number, no further off than its tolerance, with its unit beside it.

    Numbers are read in English and in German: 1,234.5 and 1.234,5. Where a spelling allows for both, as 1.234 does,
    either reading is right, since answers quote documents in another language. Two to twelve may be words.
    """
    wanted = case.expected.number
    if wanted is None:
        return None
    if observed.answer is None:
        return unanswered(observed)
    found = list(quantities(observed.answer.answer, wanted.unit))
    off = wanted.tolerance + 1e-9 * max(1.0, abs(wanted.value))  # 0.3 is 0.1 + 0.2
    if any(abs(value - wanted.value) <= off for value in found):
        return Score(score=1)
    said = f"{wanted.value:g} {wanted.unit}".strip()
    tolerated = f" ± {wanted.tolerance:g}" if wanted.tolerance else ""
    others = f", found {', '.join(f'{value:g}' for value in dict.fromkeys(found))}" if found else ""
    return verdict(f"missing: {said}{tolerated}{others}")


def quantities(text: str, unit: str) -> Iterator[float]:
    """Every reading of every number in ``text`` that has ``unit`` before or behind it; all numbers where it is empty.

    Dates, times of day and the numbers of citations are none.
    """
    plain = _DATE.sub("; ", _single_spaced(text))
    names = next((same for same in _UNITS if fold(unit) in same), (fold(unit),))
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    behind, before = (
        re.compile(rf"[ \u00a0\u202f-]?(?:{either})(?!\w)"),
        re.compile(rf"(?<!\w)(?:{either})[ \u00a0]?\Z"),
    )
    for match in [*_NUMBER.finditer(plain), *_WORDS.finditer(plain)]:
        if not unit and plain[match.end() : match.end() + 1].isalpha():
            continue  # "4a" is no quantity
        if not unit or behind.match(plain, match.end()) or before.search(plain[: match.start()]):
            yield from readings(match[0])


def readings(text: str) -> list[float]:
    """What a number as it is written may mean: two values where one separator stands before its last three digits."""
    if text in NUMBERS_IN_WORDS:
        return [float(NUMBERS_IN_WORDS[text])]
    digits = re.sub(r"['\u00a0\u202f]", "", text)
    separators = re.findall(r"[.,]", digits)
    if not separators:
        return [float(digits)]
    last = separators[-1]
    whole, _, fraction = digits.rpartition(last)
    as_fraction = float(f"{re.sub('[.,]', '', whole)}.{fraction}")
    as_groups = float(re.sub("[.,]", "", digits))
    if len(set(separators)) == 2:  # 1,234.5: the last one is the decimal sign
        return [as_fraction]
    if len(separators) > 1:  # 1.234.567
        return [as_groups]
    grouped = re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", digits) and digits == text
    return [as_fraction] if not grouped or isclose(as_fraction, as_groups) else [as_fraction, as_groups]


def _single_spaced(text: str) -> str:
    return text.casefold().replace("−", "-").replace("’", "'")
