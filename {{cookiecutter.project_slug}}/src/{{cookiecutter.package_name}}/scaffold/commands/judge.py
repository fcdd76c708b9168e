"""``eval judge``: a model as judge, held against people."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from .shell import Json, Shell


def register(family: typer.Typer, shell: Shell) -> None:
    """Add it to ``eval``."""

    @family.command()
    def judge(
        suite: Annotated[str, typer.Argument(help="Name of a file in evals/suites that has a judge.")] = "knowledge",
        as_json: Json = False,
    ) -> None:
        """Hold the suite's judge against labelled answers; exit 1 where it may not decide anything.

        It is asked anew each time, also about what it judged before: the model behind a name may have changed.
        """
        from ..errors import UsageError
        from ..evaluation import load_suite
        from ..evaluation.agreement import WHERE, doubt, measure

        with shell.opened() as application:
            chosen = load_suite(application.settings, suite)
            if chosen.judge is None:
                raise UsageError(f"evals/suites/{suite}.yaml names no judge; add one with its role.")
            progress = None if as_json else shell.progress
            found = asyncio.run(measure(application, chosen, chosen.judge, progress))
            why = doubt(application, chosen, chosen.judge, list(found.low))
        if as_json:
            shell.json({**found.model_dump(mode="json"), "proven": not why, "reason": why})
        else:
            table = Table("what", "kappa", "at least (95 %)", box=SIMPLE)
            for name, kappa in found.kappa.items():
                table.add_row(name, f"{kappa:.2f}", f"{found.low[name]:.2f}")
            shell.wide(table)
            for what, value in (
                ("labelled answers", str(found.n)),
                ("without a verdict that can be read", str(found.without_verdict)),
                ("praises more than people, of 1", f"{found.lenient:+.2f}"),
                *(
                    (f"of {each.of} verdicts {what}; of all at most {each.most:.0%} (95 %)", str(each.changed))
                    for what, each in (
                        ("change with the order of two passages or more", found.order),
                        ("change when it is asked again", found.repetition),
                        ("on poor answers rise when these are padded", found.length),
                    )
                ),
            ):
                shell.out.print(f"  {value:>6}  {what}", highlight=False)
            said = f"It may not decide anything yet: {why}." if why else "It may decide."
            shell.out.print(f"\n{said} Written to {WHERE.format(suite)}; commit it.", markup=False)
        raise typer.Exit(1 if why else 0)
