"""Runs made of results, without anything being asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, SuiteFile
from {{ cookiecutter.package_name }}.scaffold.evaluation.metrics import judge, slices, summarise
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import Against, CaseResult, Paired, Verdict


def made(*cases: CaseResult, against: Against | None = None, verdicts: tuple[Verdict, ...] = (), **changes: Any) -> Run:
    """A run of ``cases``, judged by a suite that demands half of the answers to be right."""
    shape: dict[str, Any] = {"name": "small", "dataset": "d", "thresholds": {"correctness": {"min": 0.5}}, **changes}
    file = SuiteFile.model_validate(shape)
    return Run(
        id="20260101T000000Z-small-abcdef",
        suite="small",
        dataset="d",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1,
        k=5,
        digests={"models": "m" * 64},
        cases=list(cases),
        unreviewed=[],
        metrics=summarise(cases),
        slices=slices(list(cases)),
        thresholds=file.thresholds,
        slice_thresholds=file.slices,
        verdicts=[*judge(list(cases), file), *verdicts],
        against=against,
    )


def against(**metrics: Paired) -> Against:
    return Against(
        baseline="before-1",
        accepted_at=datetime(2025, 12, 1, tzinfo=UTC),
        left_out=[],
        changed=["prompts"],
        metrics=metrics,
        slices={},
    )
