"""``drift`` on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ..evaluation.drift import AGAIN, Drift, accept, drift
from ..observability.drift import Bin, Compared
from .shell import Json, Shell

SHOWN = 8
"""Bins of a feature, those that changed most."""
COLOUR = {"steady": "green", "minor": "yellow", "major": "bold red", "unclear": "dim"}


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``drift`` to ``app``."""

    @app.command("drift")
    def drift_(
        accepting: Annotated[
            bool, typer.Option("--accept", help="Compare with the newest answers from now on.")
        ] = False,
        as_json: Json = False,
    ) -> None:
        """Compare the newest answers with those you accepted; exit 1 where they drift."""
        with shell.opened() as application:
            if accepting:
                window = accept(application)
                if as_json:
                    shell.json(asdict(window))
                else:
                    shell.out.print(f"{window.answers} answers of {window.since} to {window.until} are the reference.")
                return
            found = drift(application)
        if as_json:
            shell.json({**asdict(found), "enough": found.enough, "drifting": [each.feature for each in found.drifting]})
        else:
            _print(shell, found)
        raise typer.Exit(1 if found.drifting else 0)


def _print(shell: Shell, found: Drift) -> None:
    if not found.reference.answers:
        shell.out.print(f"No answers are accepted yet, or all are deleted: {AGAIN}.", markup=False)
        return
    table = Table("feature", "drift", "PSI", "chance", "recent", "reference", box=None, pad_edge=False)
    for each in found.features:
        psi, p = ("", "") if each.psi is None or each.p is None else (f"{each.psi:.3f}", f"{each.p:.1g}")
        outcome = Text(each.outcome, COLOUR[each.outcome])
        table.add_row(each.feature, outcome, psi, p, str(each.n), str(each.reference))
    shell.wide(table)
    for each in found.drifting:
        shell.out.print(f"\n{each.feature}: before, and now")
        shell.wide(_distributions(each))
    if not found.enough:
        said = (
            f"Not enough answers yet: {found.recent.answers} since {found.reference.until}, {found.least} are needed."
        )
    elif found.drifting:
        names = ", ".join(each.feature for each in found.drifting)
        said = f"Drift: {names}. operations/runbook.md says what to do; if it is as it should be, {AGAIN}."
    else:
        said = f"No drift in {found.recent.answers} answers since {found.recent.since}."
    shell.out.print(f"\n{said}", markup=False)


def _distributions(each: Compared) -> Table:
    most = sorted(each.bins, key=lambda one: abs(one.now - one.before), reverse=True)[:SHOWN]
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for one in each.bins:
        if one in most:
            table.add_row(Text(one.label), f"{one.before:.1%}", _bar(one), f"{one.now:.1%}")
    return table


def _bar(one: Bin) -> str:
    return "█" * round(20 * one.before) + " → " + "█" * round(20 * one.now)
