"""``eval matrix``: which model could answer instead."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from .shell import Json, Shell

if TYPE_CHECKING:
    from ..evaluation.runner import Progress


def register(family: typer.Typer, shell: Shell) -> None:
    """Add it to ``eval``."""

    @family.command()
    def matrix(
        as_json: Json = False,
        fresh: Annotated[
            bool,
            typer.Option("--fresh", help="Ask every candidate, also those that a matrix which was cut off has asked."),
        ] = False,
    ) -> None:
        """Ask the cases of every candidate of evals/matrix.yaml; exit 1 where the present model should not stay."""
        from ..evaluation.matrix import HEADINGS, PAGE, columns
        from ..evaluation.matrix import matrix as compare

        def begin(name: str) -> Progress | None:
            if as_json:
                return None
            shell.say(f"asking {name}")
            return shell.progress

        try:
            found = asyncio.run(compare(lambda stand_ins: shell.opened(stand_ins=stand_ins), begin, fresh))
        except KeyboardInterrupt:
            same = "the same command without --fresh" if fresh else "the same command"
            shell.say(f"Interrupted. What was answered is kept for a day: {same} goes on from there.")
            raise
        if as_json:
            shell.json(found.model_dump(mode="json"))
        else:
            table = Table(*HEADINGS, box=SIMPLE)
            for row in found.rows:
                table.add_row(*map(escape, columns(row)))
            shell.wide(table)
            for row in found.rows:
                if row.solves and row.name != found.current:
                    shell.out.print(f"{row.name} passes {len(row.solves)} of {len(found.failing)} cases that fail now.")
                for suite, why in row.backlog.items():
                    shell.out.print(
                        escape(f"backlog {suite}, {row.name}: {why or 'reached; it can be taken up again'}")
                    )
            shell.out.print(f"\nThe whole of it: {PAGE}", markup=False)
        raise typer.Exit(0 if next(row for row in found.rows if row.name == found.current).fit else 1)
