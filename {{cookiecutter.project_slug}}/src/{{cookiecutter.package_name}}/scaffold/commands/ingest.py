"""``ingest`` on the command line."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from .shell import Json, Shell

KEPT = (
    "What was indexed is kept, and the next 'ingest' goes on from there; where a service was asked, that one goes on "
    "with it by itself."
)


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``ingest`` to ``app``."""

    @app.command()
    def ingest(
        acl_only: Annotated[
            bool, typer.Option("--acl-only", help="Only bring in line who may see what, and what is gone: at once.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; print what would change.")] = False,
        as_json: Json = False,
    ) -> None:
        """Bring the index in line with the sources of config/sources.yaml; exit 1 where one could not be read."""
        from ..retrieval import SyncReport

        with shell.opened() as application:
            asked = {"access_only": acl_only, "dry": dry_run}
            kept = "Nothing was changed." if dry_run else KEPT
            with shell.interruptible(kept):
                report = SyncReport(**shell.entrusted(application, "sync", asked, as_json))
        if as_json:
            shell.json(report.as_dict())
        else:
            shell.out.print(escape(report.summary()))
        raise typer.Exit(1 if report.failed else 0)
