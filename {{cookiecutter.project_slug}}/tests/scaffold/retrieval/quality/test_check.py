"""The check: each defect named with its document, and documents held against each other."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import KINDS, Item

from tests.scaffold.retrieval.quality.items import HARBOUR, NOW, checked, document, found, item, item_of, unread

HOTEL = (
    "Hotels are paid for up to 120 EUR a night. Book them at the travel desk, which has rates of its own with most of the "
    "houses near our offices. Who finds no room at that price asks the travel desk before booking, not afterwards."
)
DEARER = HOTEL.replace("120", "150")
OTHER = "Ferries leave at noon. The gate closes ten minutes before, and nobody is let in after that, whoever they are."


def test_documents_without_a_defect_are_left_alone() -> None:
    report = checked(item(), item("travel/hotels.md", HOTEL))
    assert (report.findings, report.score, report.documents) == ([], 100, 2)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (item("a.md", access=None), "missing_permissions"),
        (item("a.md", access=Access(("group:hrr",))), "unknown_principal"),
        (item("confidential/a.md", access=Access(("group:everyone",))), "wide_permissions"),
        (item("a.md", HARBOUR + " Pay to DE89 3704 0044 0532 0130 00.", access=Access(("group:hr",))), "personal_data"),
        (item("a.md", "Soon here."), "empty"),
        (item("a.md", HARBOUR + " GrÃ¶Ã\x9fe"), "encoding"),
        (item("a.md", status="superseded"), "outdated"),
        (item("a.md", updated="2026-07-01"), "future_date"),
        (item("a-2024-01-01.md"), "contradictory"),
        (item("a.md", updated=None), "missing_metadata"),
        (item("a.md", language="de"), "mixed_languages"),
        (item("a.md", "a | b | c\n" * 300), "oversized"),
        (unread("a.md", "is empty."), "empty"),
        (unread("a.md", "holds no text; if it is a scan, run text recognition (OCR) on it."), "empty"),
        (unread("a.md", "is not UTF-8 text (byte 7); save it as UTF-8."), "encoding"),
        (unread("a.md", "is larger than config/retrieval.yaml allows; split it."), "oversized"),
        (unread("a.pdf", "is a damaged PDF (PdfStreamError)."), "unreadable"),
    ],
)
def test_a_defect_is_named_with_its_document_its_reason_and_how_to_mend_it(bad: Item, kind: str) -> None:
    (finding,) = checked(item("hotels.md", HOTEL), bad).findings
    assert (finding.source, finding.kind) == (bad.source, kind)
    assert finding.reason.startswith(bad.source)
    assert finding.reason.endswith(".")
    assert finding.mend == KINDS[finding.kind].mend


def test_personal_data_itself_is_in_no_report() -> None:
    secret = "Pay to DE89 3704 0044 0532 0130 00, or write to jane.doe@example.com."
    one = item("a.md", f"{HOTEL} {secret}", access=Access(("group:everyone",)), title="T")
    two = item("b.md", f"{DEARER} {secret.replace('jane.doe', 'john.roe')}", title="T")
    report = checked(one, two).model_dump_json()
    assert "iban" in report and "contradictory" in report
    assert not any(value in report for value in ("3704", "jane", "john"))


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        ({}, {}, {"exact_duplicate"}),
        ({"text": HOTEL.upper()}, {}, {"exact_duplicate"}),
        ({"text": HOTEL + " Breakfast is included."}, {}, {"near_duplicate"}),
        ({"text": DEARER, "title": "Hotels"}, {"title": "Hotels"}, {"near_duplicate", "contradictory"}),
        ({"text": DEARER, "title": "Hotels 2026"}, {"title": "Hotels v2 draft"}, {"near_duplicate", "contradictory"}),
        ({"text": DEARER, "title": "a"}, {}, {"near_duplicate", "contradictory", "missing_metadata"}),
        ({"text": DEARER, "title": "Hotels in Oslo"}, {"title": "Hotels in Rome"}, {"near_duplicate"}),
        ({"text": DEARER, "status": "superseded"}, {}, {"outdated"}),
        ({"status": "superseded"}, {}, {"outdated"}),
        ({"text": OTHER, "title": "Trips", "updated": "2026-04-01"}, {"title": "Trips"}, {"contradictory"}),
        ({"text": OTHER, "title": "Trips"}, {"title": "trips!", "updated": "2026-05-01"}, set()),
        ({"text": OTHER, "title": "Trips", "updated": "2026-04-01"}, {"title": "Trips", "language": "fr"}, set()),
        ({"text": OTHER, "title": "Trips", "updated": "2026-04-01", "source": "c/a.md"}, {"title": "Trips"}, set()),
        ({"text": OTHER, "title": "Trips 2025"}, {"title": "Trips 2026"}, {"outdated"}),
        ({"text": OTHER, "source": "trips-2025.md"}, {"source": "trips-2026.md"}, {"outdated"}),
        ({"text": OTHER, "source": "minutes/trips-2025.md"}, {"source": "minutes/trips-2026.md"}, set()),
        ({"text": OTHER, "source": "x/trips-2025.md"}, {"source": "y/trips-2026.md"}, set()),
        ({"text": OTHER}, {}, set()),
    ],
)
def test_two_documents_beside_each_other(one: dict[str, Any], other: dict[str, Any], kinds: set[str]) -> None:
    first = item_of(document(**{"source": "a.md", "text": HOTEL} | one))
    second = item_of(document(**{"source": "b.md", "text": HOTEL, "updated": "2026-05-02"} | other))
    for order in ((first, second), (second, first)):
        named = [each for each in checked(*order, timeless=["minutes/*"]).findings if each.kind != "mixed_languages"]
        assert {each.kind for each in named} == kinds
        assert {each.source for each in named} <= {first.source}  # the second is newer: it is the one to keep
        assert all(each.related == [second.source] for each in named if each.reason.find(second.source) > 0)


def test_two_versions_are_quoted_where_their_numbers_differ() -> None:
    one, other = item("a.md", HOTEL, title="Hotels"), item("b.md", DEARER, title="Hotels", updated="2026-05-02")
    (said,) = [each for each in checked(one, other).findings if each.kind == "contradictory"]
    assert "a.md says “Hotels are paid for up to 120 EUR a night.” where b.md says “Hotels are paid for" in said.reason
    assert "150 EUR" in said.reason


def test_a_title_that_many_share_names_a_kind_of_document() -> None:
    minutes = [
        item(f"m{n}.md", f"{OTHER} {n}" * (n + 1), title="Minutes", updated=f"2026-05-0{n}") for n in range(1, 5)
    ]
    assert not any(kind == "contradictory" and "title" in kind for _, kind in found(*minutes))
    titles = [each for each in checked(*minutes).findings if "has the title of" in each.reason]
    assert titles == []


def test_sources_are_scored_apart() -> None:
    report = checked(item("a.md"), item("crm/1", OTHER, origin="crm", updated=None), item("crm/2", HOTEL, origin="crm"))
    assert [(each.origin, each.documents, each.score, each.kinds) for each in report.sources] == [
        ("crm", 2, 87.5, {"missing_metadata": 1}),
        ("documents", 1, 100, {}),
    ]


def test_what_was_read_is_named_by_its_digest_whatever_the_order() -> None:
    one, other = item("a.md"), item("b.md", HOTEL)
    digest = checked(one, other).digests["documents"]
    assert digest == checked(other, one).digests["documents"]
    assert digest != checked(one).digests["documents"]
    assert digest != checked(one, item("b.md", DEARER)).digests["documents"]
    assert digest == checked(one, other, item("c.md", OTHER, access=None)).digests["documents"]


def test_texts_are_kept_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from {{ cookiecutter.package_name }}.scaffold.retrieval import quality
    from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import RetrievalFile

    def items() -> Any:
        yield item()
        assert list(tmp_path.iterdir()) == []
        yield item("b.md", HOTEL)

    used: list[Path] = []
    real = tempfile.TemporaryFile

    def noted(dir: Path) -> Any:  # noqa: A002 - as it is called
        used.append(dir)
        return real(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    quality.check(items(), quality.QualityFile(), RetrievalFile(), [], NOW, tmp_path)
    assert used == [tmp_path]
    assert list(tmp_path.iterdir()) == []
