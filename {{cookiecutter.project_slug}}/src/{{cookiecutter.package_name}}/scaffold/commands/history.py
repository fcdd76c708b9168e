"""``eval history`` and ``eval spec``: how the system has held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from .shell import Json, Shell

if TYPE_CHECKING:
    from ..evaluation.spec import Spec

PAGE = "var/reports/spec.html"
COLOUR = {"at spec": "green", "breach": "red", "unknown": "yellow"}


def register(family: typer.Typer, shell: Shell) -> None:
    """Add both to ``eval``."""

    @family.command()
    def history(
        suite: Annotated[str | None, typer.Argument(help="Name of a file in evals/suites; all without it.")] = None,
        as_json: Json = False,
    ) -> None:
        """List every run on record, over time, with what changed between them."""
        from ..evaluation.history import history as runs_of
        from ..evaluation.history import render
        from ..evaluation.suite import load_suite

        with shell.opened() as application:
            if suite:
                load_suite(application.settings, suite)  # an unknown name is a mistake, not an empty history
            entries = runs_of(application, suite)
        if as_json:
            shell.json([entry.as_dict() for entry in entries])
        else:
            shell.wide(render(entries) if entries else "No run is on record; run 'eval run'.")

    @family.command()
    def spec(
        suite: Annotated[str, typer.Argument(help="Name of a file in evals/suites.")] = "knowledge",
        as_json: Json = False,
    ) -> None:
        """Say how the system has held since its first release; exit 1 where it is not at spec now."""
        from ..evaluation.spec import spec as how
        from ..evaluation.spec_page import page
        from ..evaluation.store import write_atomically

        with shell.opened() as application:
            report = how(application, suite)
            write_atomically(application.settings.path(PAGE), page(report).encode())
        if as_json:
            shell.json(report.as_dict())
        else:
            _print(shell, report)
        raise typer.Exit(0 if report.at_spec_since else 1)


def _print(shell: Shell, report: Spec) -> None:
    from ..evaluation.spec_page import against, headline, margins

    released = f"{report.released:%Y-%m-%d}, by {report.released_by}" if report.released else report.released_by
    shell.out.print(f"First release: {released}.", markup=False)
    shell.out.print(f"[bold]{headline(report)}[/]")
    shell.out.print(f"{margins(report)}\n")
    runs = Table("run", "when (UTC)", "outcome", "baseline", "changed", "missed", box=None, pad_edge=False)
    for run in report.runs:
        outcome = Text(run.outcome, COLOUR[run.outcome])
        held, changed, missed = against(run.held), ", ".join(run.changed), ", ".join(run.missed)
        runs.add_row(run.id, f"{run.at:%Y-%m-%d %H:%M}", outcome, held, changed, missed)
    shell.wide(runs)
    for breach in report.breaches:
        until = f"{breach.until:%Y-%m-%d %H:%M}" if breach.until else "now"
        shell.out.print(f"{breach.metric}: not at spec {breach.since:%Y-%m-%d %H:%M} to {until}, {breach.runs} runs")
    for event in report.events:
        told = ", ".join(f"{name} {value}" for name, value in event.details.items())
        shell.out.print(f"{event.at:%Y-%m-%d %H:%M} {event.kind}: {told}", markup=False)
    for canary in report.canaries:
        shell.out.print(f"{canary.at:%Y-%m-%d %H:%M} canary {canary.id} did not pass")
    for week in report.weeks:
        shell.out.print(
            f"week of {week.begins}: {week.answers} questions, {week.refused} refused, {week.errors} errors, "
            f"{week.complaints} complaints in {week.feedback} feedbacks"
        )
    shell.out.print(f"\nThe whole report: {PAGE}", markup=False)
