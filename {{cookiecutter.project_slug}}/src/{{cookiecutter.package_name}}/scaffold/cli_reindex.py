"""The command for another embedding, or another store, under documents that are indexed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .application import Application
from .errors import LimitReached, UsageError

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
COLUMNS = ("id", "status", "embedding", "documents", "created_at", "live_at", "label", "store")


def register(app: typer.Typer, opened: Callable[[], Application], out: Console, err: Console) -> None:
    """Add the command to ``app``; it works on what ``opened`` opens."""

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
        from .reindex import entrusted, estimate, listed

        def tell(line: str) -> None:
            if not as_json:
                err.print(f"[dim]{escape(line)}[/]")

        with opened() as application:
            if list_:
                _print_list(listed(application), as_json, out)
                return
            asked: dict[str, Any] = {} if drop_previous else {"force": force}
            kind = "rollback" if rollback else "drop" if drop_previous else "reindex"
            if kind == "reindex":
                found = estimate(application, embedding)
                if dry_run and as_json:
                    _print_json(found.as_dict())
                else:
                    (out if dry_run else err).print(escape(found.summary()))
                if found.foreseen.refusal:
                    raise LimitReached(found.foreseen.refusal)
                if dry_run:
                    return
                if not (yes or (sys.stdin.isatty() and typer.confirm("Go on?", err=True))):
                    raise UsageError("Nothing was begun; say --yes where nobody can be asked.")
                asked |= {"embedding": embedding, "suite": suite}
            outcome = entrusted(application, kind, asked, tell)
        if as_json:
            _print_json(outcome)
        elif kind == "drop":
            out.print(f"Deleted: {', '.join(map(str, outcome['dropped'])) or 'nothing'}.")
        else:
            out.print(f"Index {outcome['index']} answers now; {outcome['previous']} is kept for 'reindex --rollback'.")


def _print_list(rows: list[dict[str, Any]], as_json: bool, out: Console) -> None:
    if as_json:
        _print_json(rows)
        return
    table = Table(*COLUMNS, box=SIMPLE)
    for row in rows:
        table.add_row(*(escape(str(row[column] or "-")) for column in COLUMNS))
    Console(highlight=False, width=max(out.width, 200)).print(table)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=True, indent=2) + "\n")
