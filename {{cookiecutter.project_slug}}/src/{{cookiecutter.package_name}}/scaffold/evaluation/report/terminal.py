"""A run on the terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...page import clean
from ..record import Metric, Run
from .words import apart, demanded, difference, failing_cases, flat, got, rows, summary, unmet

SHOWN = 10
"""Failing cases shown for each missed threshold; the record holds all."""

MARKS = {"passed": ("✓", "green"), "missed": ("✗", "red"), "unclear": ("?", "yellow"), "": ("·", "dim")}


def render(run: Run) -> RenderableType:
    """Metrics against their thresholds; for each one missed, the cases that pull it down; then the verdict."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    compared = ["baseline"] if run.against else []
    for heading in ("", "metric", "mean", "95 %", "cases", *compared, "demanded"):
        table.add_column(heading, style="dim" if heading in ("95 %", "cases") else "")
    for outcome, name, metric in rows(run):
        mark, colour = MARKS[outcome]
        against = [difference(run, name)] if compared else []
        threshold = run.thresholds.get(name)
        cells = (name, *numbers(metric), *against, demanded(threshold, name) if threshold else "")
        table.add_row(Text(mark, style=colour), *(Text(cell) for cell in cells))
    parts: list[RenderableType] = [table]
    for verdict in unmet(run):
        failing = failing_cases(run, verdict)
        parts.append(Text(f"\n{MARKS[verdict.outcome][0]} {clean(verdict.reason)}", style="bold red"))
        for case in failing[:SHOWN]:
            because = case.scores[verdict.metric].reason
            parts.append(Text(f"  {flat(case.id)}", style="bold").append(f"  {flat(case.question)}", style="not bold"))
            parts.append(
                Text(f"      expected  {flat(case.expected)}\n      got       {got(case)}\n", style="dim", end="")
            )
            parts.append(Text(f"      because   {flat(because)}", style="yellow"))
        if len(failing) > SHOWN:
            parts.append(Text(f"  … and {len(failing) - SHOWN} more in evals/runs/{run.id}.json", style="dim"))
    if told := apart(run):
        parts.append(Text(f"\n{clean(told)}", style="dim"))
    parts.append(Text("\n" + clean(summary(run)), style="bold green" if run.passed else "bold red"))
    return Group(*parts)


def text(run: Run) -> str:
    """The same without colours, for a file."""
    console = Console(file=io.StringIO(), soft_wrap=True, color_system=None, width=200)
    with console.capture() as capture:
        console.print(render(run))
    return capture.get()


def numbers(metric: Metric | None) -> tuple[str, str, str]:
    """Mean, interval and number of cases."""
    if metric is None:
        return "–", "", "0"
    form = ".3f" if metric.p50 is None else ".4g"  # of measures: answers cost far less than 0.001 US dollars
    return f"{metric.mean:{form}}", f"{metric.low:{form}}–{metric.high:{form}}", str(metric.n)
