"""The command for another embedding, or another store, under documents that are indexed."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from ..errors import LimitReached, UsageError
from .shell import Json, Shell

COLUMNS = ("id", "status", "embedding", "documents", "created_at", "live_at", "label", "store")


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``reindex`` to ``app``."""

    @app.command()
    def reindex(
        embedding: Annotated[
            str, typer.Option(help="An embedding of config/models.yaml; without it, the one that its role embed names.")
        ] = "",
        suite: Annotated[
            str, typer.Option(help="Suite whose reviewed cases both indexes are compared on.")
        ] = "knowledge",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what it would take, and stop.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")] = False,
        force: Annotated[bool, typer.Option("--force", help="Cut over whatever the comparison says.")] = False,
        rollback: Annotated[bool, typer.Option("--rollback", help="Have the previous index answer again.")] = False,
        drop_previous: Annotated[
            bool, typer.Option("--drop-previous", help="Delete the previous index, and builds that were cut off.")
        ] = False,
        list_: Annotated[bool, typer.Option("--list", help="Show every index.")] = False,
        as_json: Json = False,
    ) -> None:
        """Index everything with another embedding, or into another store, while the service answers."""
        from ..reindex import estimate, listed

        with shell.opened() as application:
            if list_:
                _print_list(listed(application), as_json, shell)
                return
            asked: dict[str, Any] = {} if drop_previous else {"force": force}
            kind = "rollback" if rollback else "drop" if drop_previous else "reindex"
            if kind == "reindex":
                found = estimate(application, embedding)
                if dry_run and as_json:
                    shell.json(found.as_dict())
                else:
                    (shell.out if dry_run else shell.err).print(escape(found.summary()))
                if found.foreseen.refusal:
                    raise LimitReached(found.foreseen.refusal)
                if dry_run:
                    return
                if not (yes or (sys.stdin.isatty() and typer.confirm("Go on?", err=True))):
                    raise UsageError("Nothing was begun; say --yes where nobody can be asked.")
                asked |= {"embedding": embedding, "suite": suite}
            outcome = shell.entrusted(application, kind, asked, as_json)
        if as_json:
            shell.json(outcome)
        elif kind == "drop":
            shell.out.print(f"Deleted: {', '.join(map(str, outcome['dropped'])) or 'nothing'}.")
        else:
            shell.out.print(
                f"Index {outcome['index']} answers now; {outcome['previous']} is kept for 'reindex --rollback'."
            )


def _print_list(rows: list[dict[str, Any]], as_json: bool, shell: Shell) -> None:
    if as_json:
        shell.json(rows)
        return
    table = Table(*COLUMNS, box=SIMPLE)
    for row in rows:
        table.add_row(*(escape(str(row[column] or "-")) for column in COLUMNS))
    shell.wide(table, 200)
