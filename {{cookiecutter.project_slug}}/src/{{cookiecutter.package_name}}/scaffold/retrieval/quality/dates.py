"""Rules on the dates of documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

from ..documents import Document

SUPERSEDED = frozenset(
    [
        "superseded",
        "outdated",
        "obsolete",
        "archived",
        "deprecated",
        "withdrawn",
        "expired",
        "veraltet",
        "abgelöst",
        "ersetzt",
        "archiviert",
        "ungültig",
    ]
)
"""What a document's status says when it no longer holds."""

SKEW = timedelta(days=1)
"""Dates have no time zone, and clocks differ; what is further ahead is in the future."""


def is_superseded(document: Document) -> bool:
    """Whether the document itself says that it no longer holds."""
    return (document.status or "").strip().lower() in SUPERSEDED


def in_future(updated: str | None, modified: datetime | None, now: datetime) -> str:
    """False alarm: a document dated by the day from which it holds; state that day in its text instead."""
    if updated and date.fromisoformat(updated) > (now + SKEW).date():
        return f"is dated {updated}, which lies ahead"
    if modified and modified > now + SKEW:
        return f"was last modified at {modified:%Y-%m-%d %H:%M} by its source's clock, which lies ahead"
    return ""


def outdated(
    document: Document, modified: datetime | None, now: datetime, max_age_days: int, timeless: Sequence[str]
) -> str:
    """Marked as superseded, or older than allowed by its own date, or by its source's where it has none.

    False alarm: minutes, laws and contracts that hold however old they are; list them under ``timeless``.
    """
    if is_superseded(document):
        return f"says that it is {(document.status or '').strip()}"
    if is_timeless(document.source, timeless):
        return ""
    day = date.fromisoformat(document.updated) if document.updated else modified.date() if modified else None
    age = (now.date() - day).days if day else 0
    return f"is of {day}, {age} days old; at most {max_age_days} count" if age > max_age_days else ""


def is_timeless(source: str, timeless: Sequence[str]) -> bool:
    """Whether the document stays valid beside newer ones."""
    return any(fnmatchcase(source, pattern) for pattern in timeless)


_YEAR = re.compile(r"(?<!\d)(?<!\d[./_-])(?:199\d|20[0-4]\d)(?!\d)(?![./_-]\d)")


def year_of(name: str) -> tuple[str, int] | None:
    """A name without its year, and the year; None where it has none or several. A year in a full date is none."""
    years = _YEAR.findall(name)
    return (_YEAR.sub("*", name), int(years[0])) if len(years) == 1 else None


_MONTHS = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "januar februar märz april mai juni juli august september oktober november dezember",
    )
    for number, name in enumerate(names.split(), 1)
}
_NAMED = "|".join(_MONTHS)
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y1>(?:19|20)\d\d)[-_./]?(?P<m1>0[1-9]|1[0-2])[-_./]?(?P<d1>0[1-9]|[12]\d|3[01])"
    r"|(?P<d2>0?[1-9]|[12]\d|3[01])\.\s?(?P<m2>0?[1-9]|1[0-2])\.\s?(?P<y2>(?:19|20)\d\d)"
    rf"|(?P<d3>0?[1-9]|[12]\d|3[01])\.?\s(?P<m3>{_NAMED})\s(?P<y3>(?:19|20)\d\d)"
    rf"|(?P<m4>{_NAMED})\s(?P<d4>0?[1-9]|[12]\d|3[01]),?\s(?P<y4>(?:19|20)\d\d))(?!\d)",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"\b(?:last\s(?:updated|changed|modified|revised)|updated|revised|zuletzt\s(?:geändert|aktualisiert)|letzte\sänderung"
    r"|stand|fassung)(?:\son|\sof|\sam|\svom)?\s?:?\s*(?=\d|[A-Z])",
    re.IGNORECASE,
)
TOP = 2000
"""Characters at the top and at the end of a text in which it may say when it was changed."""


def dates_in(text: str) -> Iterator[date]:
    """Full dates, ISO 8601, German and English ones; what is no day of the calendar is left out."""
    for match in _DATE.finditer(text):
        year, month, day = (next(filter(None, (match[f"{part}{n}"] for n in range(1, 5)))) for part in "ymd")
        try:
            yield date(int(year), _MONTHS.get(month.lower()) or int(month), int(day))
        except ValueError:
            continue


def disagreeing(document: Document, tolerance_days: int) -> str:
    """The date in the name, or the one that the text says it was updated at, against the date in the metadata.

    Only full dates count: "budget-2027" is about a year. False alarm: minutes that are named after their day and
    corrected long afterwards; raise ``date_tolerance_days``.
    """
    if document.updated is None:
        return ""
    updated, tolerance = date.fromisoformat(document.updated), timedelta(days=tolerance_days)
    for day in dates_in(document.source.rpartition("/")[2]):
        if abs(day - updated) > tolerance:
            return f"is dated {updated}, and {day} in its name"
    ends = document.text if len(document.text) <= 2 * TOP else document.text[:TOP] + "\n" + document.text[-TOP:]
    for said in _SAYS.finditer(ends):
        match = _DATE.match(ends, said.end())
        for day in dates_in(match[0] if match else ""):
            if abs(day - updated) > tolerance:
                return f"is dated {updated}, and its text says {day}"
    return ""
