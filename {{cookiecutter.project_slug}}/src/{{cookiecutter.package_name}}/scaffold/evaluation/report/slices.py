"""The page's section on slices: where it is weak."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from ...page import table
from ..graders import MEASURES
from ..record import Metric, Run
from ..statistics import wilson
from .charts import whisker
from .findings import Finding, findings
from .pieces import STANDS, card, percent, statistics, tag
from .words import amount, passed_of, title, unmet, where


class Slice(NamedTuple):
    """How many of its cases pass, in words that sort: what falls short, then what is surely bad, then the share."""

    met: bool
    usual: bool
    mean: float
    label: str
    low: float
    high: float
    n: int
    stands: str
    outcome: str


def sliced(run: Run) -> list[Slice]:
    """Every slice, worst first."""
    everything = passed_of(run.cases)
    overall = sum(everything) / len(everything)
    found, short = [], findings(run)
    for label in run.slices:
        passed = passed_of(case for case in run.cases if label in case.labels)
        low, high = wilson(sum(passed), len(passed))
        left = [each for each in short if each.slice == label]
        outcome = next((_outcome(each) for each in left), "")
        worse = next((_outcome(each) for each in left if each.metric not in MEASURES), "")  # dear is not wrong
        stands = STANDS[worse][0] or ("bad" if high < overall else "good" if low > overall else "")
        mean = sum(passed) / len(passed)
        usual = stands not in ("bad", "some")
        found.append(Slice(not outcome, usual, mean, label, low, high, len(passed), stands, outcome))
    return sorted(found)


def section(run: Run) -> str:
    """Worst first; those that may well be average are folded away."""
    found = sliced(run)
    if not found:
        return ""
    everything = passed_of(run.cases)
    overall = sum(everything) / len(everything)
    shown = [each for each in found if each.outcome or not each.usual]
    shown = shown or sorted(sorted(found, key=lambda each: each.high)[:5])  # few cases may all fail by bad luck
    others = [each for each in found if each not in shown]
    about = (
        '<p class="soft">What falls short first, then the weakest. The upright mark is the average over all cases.</p>'
    )
    rest = ""
    if others:
        listed = _slice_table(run, others, overall)
        rest = f"<details><summary>{len(others)} more, near the average or above it</summary>{listed}</details>"
    rest += statistics([each for each in unmet(run) if each.slice])
    return f"<h2>Where it is weak</h2>\n{card(about + _slice_table(run, shown, overall) + rest, 'Where it is weak')}"


def _slice_table(run: Run, found: list[Slice], overall: float) -> str:
    lines, left = [], findings(run)
    for each in found:
        share = percent(each.mean)
        said = f"{where(each.label)}: {share} of {each.n} cases pass; {percent(overall)} of all do"
        short = "; ".join(_short(one) for one in left if one.slice == each.label)
        missed = f'<span class="soft">{escape(short)}</span>' if short else ""
        lines.append(
            f'<tr><th scope="row">{escape(where(each.label))} {tag(each.outcome)}{missed}</th>'
            f'<td class="chart">{whisker(said, each.mean, each.low, each.high, each.stands, overall)}</td>'
            f'<td class="number"><strong>{share}</strong></td><td class="number" data-label="cases">{each.n}</td>'
            f'<td data-label="weakest">{escape(_weakest(run, run.slices.get(each.label, {})))}</td></tr>'
        )
    return table(["Slice", "Cases that pass, 0 to 100 %", "Pass", "Cases", "Furthest below the average"], lines)


def _outcome(found: Finding) -> str:
    return found.outcome if found.demanded else "worse"


def _short(found: Finding) -> str:
    """What falls short; why it does is among the reasons, by how much in the statistics."""
    said = title(found.metric)
    return f"{said} (not sure)" if found.outcome == "unclear" else said if found.demanded else f"{said} (beyond chance)"


def _weakest(run: Run, metrics: Mapping[str, Metric]) -> str:
    gaps = {name: run.metrics[name].mean - metric.mean for name, metric in metrics.items() if name not in MEASURES}
    name = max(gaps, key=lambda name: gaps[name], default="")
    return f"{title(name)}: {amount(name, metrics[name].mean)}" if name and gaps[name] > 0 else "–"
