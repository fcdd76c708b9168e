"""``card`` on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from .shell import Shell


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``card`` to ``app``."""

    @app.command()
    def card(
        suite: Annotated[str, typer.Option(help="Suite whose newest run is told of.")] = "knowledge",
        check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where the card is stale.")] = False,
    ) -> None:
        """Write the system card from the newest run, the data check, and what people wrote it is for."""
        from ..readiness.card import check_card, write_card

        with shell.opened() as application:
            shell.out.print((check_card if check else write_card)(application, suite), markup=False)
