"""The score, the verdict, and what comes first."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import (
    KINDS,
    DataRequired,
    Finding,
    Freshness,
    QualityFile,
    Report,
    SourceReport,
    judge,
    page,
    render,
)
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.kinds import KindName
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.report import finding, first_to_mend, score, with_defect
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.settings import load_quality

from tests.scaffold.retrieval.quality.items import NOW


def defect(source: str, kind: KindName) -> Finding:
    return finding("documents", source, kind, "is wrong")


def report(*findings: Finding, documents: int = 10, freshness: Freshness | None = None) -> Report:
    source = SourceReport(
        origin="documents",
        documents=documents,
        score=score(documents, list(findings)),
        kinds=dict(with_defect(list(findings), "documents")),
        freshness=freshness,
    )
    return Report(
        checked_at=NOW,
        seconds=1,
        digests={"documents": "d" * 64},
        documents=documents,
        score=source.score,
        sources=[source],
        findings=list(findings),
    )


@pytest.mark.parametrize(
    ("documents", "defects", "expected"),
    [
        (4, [], 100),
        (4, [("a", "empty")], 75),
        (4, [("a", "outdated")], 87.5),
        (4, [("a", "missing_metadata")], 93.8),
        (4, [("a", "missing_metadata"), ("a", "outdated"), ("a", "near_duplicate")], 87.5),
        (4, [(name, "contradictory") for name in "abcd"], 0),
        (0, [], 0),
    ],
)
def test_a_document_takes_away_its_share_by_its_gravest_defect(
    documents: int, defects: list[tuple[str, KindName]], expected: float
) -> None:
    assert score(documents, [defect(*each) for each in defects]) == expected


@pytest.mark.parametrize(
    ("shares", "defects", "over"),
    [
        ({}, [("a", "contradictory")], ["contradictory"]),
        ({"contradictory": 0.1}, [("a", "contradictory")], []),
        ({"contradictory": 0.1}, [("a", "contradictory"), ("a", "contradictory")], []),
        ({"contradictory": 0.1}, [("a", "contradictory"), ("b", "contradictory")], ["contradictory"]),
        ({"outdated": 0}, [("a", "outdated")], ["outdated"]),
        ({"outdated": 1}, [(name, "outdated") for name in "abcdefghij"], []),
        ({}, [], []),
    ],
)
def test_findings_are_counted_by_document_and_held_against_the_stage(
    shares: dict[KindName, float], defects: list[tuple[str, KindName]], over: list[str]
) -> None:
    assert [
        each.kind for each in judge(report(*(defect(*d) for d in defects)), DataRequired(largest_share=shares))
    ] == over


def test_each_source_is_judged_by_itself() -> None:
    made = report(defect("a", "outdated"), defect("b", "outdated"), documents=4)
    big = SourceReport(origin="crm", documents=1000, score=100, kinds={})
    both = made.model_copy(update={"sources": [*made.sources, big], "documents": 1004})
    (excess,) = judge(both, DataRequired())
    assert str(excess) == "documents: outdated: 2 of 4 documents (50.0%), at most 20.0% may be (outdated)"


def test_what_is_over_its_limit_comes_first_and_then_the_gravest() -> None:
    made = report(defect("a", "empty"), *(defect(name, "missing_metadata") for name in "abcd"), defect("a", "outdated"))
    required = DataRequired(largest_share={"empty": 0.5, "missing_metadata": 0.1})
    order = [kind for kind, _ in first_to_mend(made, judge(made, required))]
    assert order == ["missing_metadata", "empty", "outdated"]


def test_every_kind_says_what_it_does_and_how_to_mend_it() -> None:
    for kind in KINDS.values():
        assert 0 < kind.weight <= 1 and 0 <= kind.limit <= 1
        assert kind.why.endswith(".") and kind.mend.endswith(".")


def test_the_terminal_shows_defects_against_limits_and_names_the_documents() -> None:
    made = report(*(defect(f"[bold]{name}.md", "outdated") for name in "abcde"))
    console = Console(width=200, color_system=None, soft_wrap=True)
    with console.capture() as capture:
        console.print(render(made, DataRequired(), "poc"))
    shown = capture.get()
    assert "documents  score 75 of 100, 10 documents" in shown
    assert "✗  Outdated          5  50.0%    20.0%" in shown
    assert "[bold]a.md is wrong." in shown and "… and 2 more" in shown
    assert "above the limits of poc: documents: outdated: 5 of 10 documents" in shown


def test_the_page_needs_nothing_from_elsewhere_and_trusts_no_name() -> None:
    evil = defect("<script>alert(1)</script>.md", "outdated")
    html = page(report(evil, defect("b.md", "contradictory")), DataRequired(), "<poc>")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.md" in html
    assert not any(part in html for part in ("http:", "https:", "src=", "url(", "@import", "<link"))
    assert html.count("<svg") == html.count('role="img" aria-label="') == 3
    assert 'aria-label="Contradictory: 1 of 10 documents, 10.0%; at most 5.0%"' in html
    assert "Not good enough for the stage “&lt;poc&gt;” yet." in html
    assert "prefers-color-scheme: dark" in html and '<html lang="en">' in html


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (None, None),
        (
            Freshness(oldest_hours=1, objective_hours=24, reason="a.md changed"),
            "1.0 h behind, at most 24 h wanted (a.md",
        ),
        (Freshness(oldest_hours=25, objective_hours=24, reason="a.md changed"), ">late</span> 25.0 h behind"),
        (Freshness(oldest_hours=None, objective_hours=24, reason="never"), ">late</span> nobody knows how far behind"),
    ],
)
def test_freshness_is_a_column_where_it_is_known(known: Freshness | None, said: str | None) -> None:
    html = page(report(freshness=known), DataRequired(), "poc")
    assert ("Freshness" in html) == (said is not None)
    assert (said or "Good enough") in html


def test_without_a_file_the_defaults_hold_and_a_mistake_in_it_is_named(tmp_path: Path) -> None:
    assert load_quality(Settings(root=tmp_path)) == QualityFile()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "quality.yaml").write_text("near_duplicates: 0.8\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"quality.yaml:1: near_duplicates: .*did you mean 'near_duplicate'"):
        load_quality(Settings(root=tmp_path))
