"""Rules on dates: ahead, too long ago, and against each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import dates

from tests.scaffold.retrieval.quality.items import NOW, document


@pytest.mark.parametrize(
    ("updated", "modified", "ahead"),
    [
        (None, None, False),
        ("2026-06-01", NOW, False),
        ("2026-06-02", NOW + timedelta(hours=23), False),
        ("2026-06-03", None, True),
        ("2026-05-01", NOW + timedelta(hours=25), True),
    ],
)
def test_a_date_ahead_is_found_and_a_time_zone_is_not(
    updated: str | None, modified: datetime | None, ahead: bool
) -> None:
    assert ("lies ahead" in dates.in_future(updated, modified, NOW)) == ahead


@pytest.mark.parametrize(
    ("fields", "modified", "said"),
    [
        ({}, None, ""),
        ({"status": "draft"}, None, ""),
        ({"status": "superseded"}, None, "says that it is superseded"),
        ({"status": "Veraltet"}, None, "says that it is Veraltet"),
        ({"updated": "2025-06-01"}, None, ""),
        ({"updated": "2025-05-31"}, None, "is of 2025-05-31, 366 days old; at most 365 count"),
        ({"updated": None}, datetime(2020, 1, 1, tzinfo=UTC), "is of 2020-01-01"),
        ({"updated": "2026-05-01"}, datetime(2020, 1, 1, tzinfo=UTC), ""),
        ({"updated": None}, None, ""),
        ({"source": "minutes/old.md", "updated": "2001-01-01"}, None, ""),
        ({"source": "minutes/old.md", "status": "superseded"}, None, "says that it is superseded"),
    ],
)
def test_what_no_longer_holds_is_outdated(fields: dict[str, Any], modified: datetime | None, said: str) -> None:
    found = dates.outdated(document(**fields), modified, NOW, 365, ["minutes/*"])
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("travel-policy-2023", ("travel-policy-*", 2023)),
        ("2023 travel policy", ("* travel policy", 2023)),
        ("minutes-2025-03-01", None),
        ("agreement 2025/03", None),
        ("plan 2024 to 2026", None),
        ("order 12023", None),
        ("founded 1887", None),
        ("policy", None),
    ],
)
def test_a_year_in_a_name_is_told_from_other_numbers(name: str, expected: tuple[str, int] | None) -> None:
    assert dates.year_of(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", [date(2026, 3, 1)]),
        ("notes-20260301-b", [date(2026, 3, 1)]),
        ("1.3.2026 and 01. 03. 2026", [date(2026, 3, 1)] * 2),
        ("1 March 2026, 1. März 2026, March 1, 2026", [date(2026, 3, 1)] * 3),
        ("2026-02-31, 1202603011, budget 2027", []),
    ],
)
def test_full_dates_are_read_as_people_write_them(text: str, expected: list[date]) -> None:
    assert list(dates.dates_in(text)) == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": "notes-2026-04-20.md"}, ""),
        ({"source": "notes-2024-04-20.md"}, "is dated 2026-05-01, and 2024-04-20 in its name"),
        ({"source": "2024-04-20/notes.md"}, ""),
        ({"source": "budget-2030.md"}, ""),
        ({"text": "Last updated: 2024-04-20. More."}, "is dated 2026-05-01, and its text says 2024-04-20"),
        ({"text": "Stand: 20. April 2024"}, "is dated 2026-05-01, and its text says 2024-04-20"),
        ({"text": "x " * 9000 + "Zuletzt geändert am 20.04.2024"}, "is dated 2026-05-01, and its text says 2024-04-20"),
        ({"text": "Stand: 20.04.2026"}, ""),
        ({"text": "The ferry was christened on 20 April 1998."}, ""),
        ({"text": "Last updated: 2024-04-20.", "updated": None}, ""),
    ],
)
def test_dates_of_one_document_are_held_against_each_other(fields: dict[str, Any], said: str) -> None:
    assert dates.disagreeing(document(**fields), 31) == said
