"""Whether the documents are fit to answer from: what is wrong with which of them, and how to mend it."""

from .check import check
from .items import Item, all_items, items
from .kinds import KINDS, Kind
from .page import page
from .report import Excess, Finding, Freshness, Report, SourceReport, judge
from .settings import DataRequired, QualityFile
from .terminal import render

__all__ = [
    "KINDS",
    "DataRequired",
    "Excess",
    "Finding",
    "Freshness",
    "Item",
    "Kind",
    "QualityFile",
    "Report",
    "SourceReport",
    "all_items",
    "check",
    "items",
    "judge",
    "page",
    "render",
]
