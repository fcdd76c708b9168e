"""The commands for records that are set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from ..retrieval import SyncReport
from ..retrieval.quarantine import counts, held, release
from .shell import Json, Shell

Origin = Annotated[str, typer.Argument(help="Name of a source of config/sources.yaml; without it, all.")]


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``quarantine`` to ``app``."""
    commands = typer.Typer(no_args_is_help=True, help="Look at records that broke the contract of their source.")
    app.add_typer(commands, name="quarantine")

    @commands.command("list")
    def list_them(origin: Origin = "", as_json: Json = False) -> None:
        """What is set aside, and why; of one source, each record."""
        with shell.opened() as application:
            if as_json:
                rows = [{**asdict(each), "payload": each.payload.decode()} for each in held(application.state, origin)]
                shell.json(rows)
                return
            table = Table(box=SIMPLE, show_edge=False)
            if origin:
                for heading in ("record", "reason", "since", "times"):
                    table.add_column(heading)
                for each in held(application.state, origin):
                    table.add_row(escape(each.id), escape(each.reason), each.first_at[:19], str(each.attempts))
            else:
                for heading in ("source", "records", "reason"):
                    table.add_column(heading)
                for name, reason, count in counts(application.state):
                    table.add_row(escape(name), str(count), escape(reason))
        shell.wide(table if table.row_count else "Nothing is set aside.")

    @commands.command()
    def replay(as_json: Json = False) -> None:
        """Look at all of it again, without asking a source, and index what fits its contract by now."""
        with shell.opened() as application:
            report = SyncReport(**shell.entrusted(application, "replay", {}, as_json))
        if as_json:
            shell.json(report.as_dict())
        else:
            shell.out.print(escape(report.summary()))

    @commands.command()
    def drop(
        origin: Annotated[str, typer.Argument(help="Name of its source.")],
        record: Annotated[str, typer.Argument(help="One record; without it, all of the source.")] = "",
    ) -> None:
        """Forget what is set aside; what is still broken at its source comes back with the next listing."""
        with shell.opened() as application:
            names = [record] if record else [each.id for each in held(application.state, origin)]
            shell.out.print(f"{release(application.state, origin, names)} records forgotten.")
