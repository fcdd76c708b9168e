"""Measuring answers: cases, graders, the runner, records and reports."""

from .canary import accept, canary, publish
from .dataset import Case, load_cases
from .metrics import judge, summarise
from .record import CaseResult, Metric, Run
from .report import latest, markdown, render, write
from .runner import run
from .store import newest
from .suite import SuiteFile, Threshold, load_suite

__all__ = [
    "Case",
    "CaseResult",
    "Metric",
    "Run",
    "SuiteFile",
    "Threshold",
    "accept",
    "canary",
    "judge",
    "latest",
    "load_cases",
    "load_suite",
    "markdown",
    "newest",
    "publish",
    "render",
    "run",
    "summarise",
    "write",
]
