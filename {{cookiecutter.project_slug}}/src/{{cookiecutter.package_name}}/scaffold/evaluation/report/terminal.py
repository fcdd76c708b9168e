"""A run on the terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...page import clean
from ..record import Metric, Run
from .findings import FIRST, changed, headline, reasons, stands
from .harm import HARMS, RANKED, harm, told, worst_cases
from .words import apart, demanded, difference, flat, got, rows, summary

SHOWN = 4
"""Failing cases shown, so that all of it stays within a screen or two; the page shows more, the record holds all."""

WIDTH = 130
"""Characters of a text in a line."""

MARKS = {"passed": ("✓", "green"), "missed": ("✗", "red"), "unclear": ("?", "yellow"), "": ("·", "dim")}


def render(run: Run) -> RenderableType:
    """Metrics against what is demanded; the gravest cases where it falls short; then the verdict, and why."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    compared = ["baseline"] if run.against else []
    for heading in ("", "metric", "mean", "95 %", "cases", *compared, "demanded"):
        table.add_column(heading, style="dim" if heading in ("95 %", "cases") else "", no_wrap=heading == "metric")
    for outcome, name, metric in rows(run):
        mark, colour = MARKS[outcome]
        against = [difference(run, name)] if compared else []
        threshold = run.thresholds.get(name)
        wanted = demanded(threshold, name, bool(compared)) if threshold else ""
        table.add_row(Text(mark, style=colour), *(Text(cell) for cell in (name, *numbers(metric), *against, wanted)))
    colour = {"good": "green", "bad": "red", "some": "yellow"}[stands(run)]
    parts: list[RenderableType] = [table, *([] if run.passed else _worst(run))]
    if aside := apart(run):
        parts.append(Text(f"\n{clean(aside)}", style="dim"))
    parts.append(Text(f"\n{headline(run)}", style=f"bold {colour}"))
    if differs := changed(run):
        parts.append(Text(differs, style="bold"))
    why = reasons(run, names=True)
    parts += [Text(f"  • {clean(each)}") for each in why[:FIRST]]
    if len(why) > FIRST:
        parts.append(Text(f"  • and {len(why) - FIRST} more, on the page", style="dim"))
    parts.append(Text(clean(summary(run)), style="dim"))
    return Group(*parts)


def _worst(run: Run) -> list[Text]:
    worst = worst_cases(run)
    parts = [Text(f"\n{len(worst)} cases fail. {RANKED}", style="dim")] if worst else []
    for case in worst[:SHOWN]:
        why = "; ".join(reason for _, reason in told(run, case))
        parts.append(Text(flat(case.id), style="bold").append(f"  {flat(case.question, WIDTH)}", style="not bold"))
        parts.append(Text(f"    expected  {flat(case.expected, WIDTH)}", style="dim"))
        parts.append(Text(f"    got       {flat(got(case), WIDTH)}", style="dim"))
        parts.append(Text(f"    because   {HARMS[harm(case)]}: {flat(why, WIDTH)}", style="yellow"))
    if len(worst) > SHOWN:
        parts.append(Text(f"… and {len(worst) - SHOWN} more, on the page and in evals/runs/{run.id}.json", style="dim"))
    return parts


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
