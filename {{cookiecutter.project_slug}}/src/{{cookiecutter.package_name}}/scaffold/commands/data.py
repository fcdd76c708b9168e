"""``data check`` on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ..readiness import load_stage
from ..readiness.data import PAGE, examine, save
from ..retrieval.quality import judge, render
from .shell import Json, Shell


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``data`` to ``app``."""
    family = typer.Typer(no_args_is_help=True, help="Look at the documents.")
    app.add_typer(family, name="data")

    @family.callback()
    def data() -> None:
        """Look at the documents."""

    @family.command()
    def check(
        stage: Annotated[str, typer.Option(help="Stage of governance/stages.yaml whose limits count.")] = "poc",
        as_json: Json = False,
    ) -> None:
        """Say what is wrong with which documents, and how to mend it; exit 1 where it is more than the stage allows."""
        with shell.opened() as application:
            required = load_stage(application.settings, stage).data
            report = examine(application, datetime.now(UTC))
            save(application, report, required, stage)
        exceeded = judge(report, required)
        if as_json:
            above = [vars(excess) for excess in exceeded]
            shell.json({**report.model_dump(mode="json"), "stage": stage, "passed": not exceeded, "exceeded": above})
        else:
            shell.out.print(render(report, required, stage))
            shell.out.print(f"\nThe whole report: {PAGE}", markup=False)
        raise typer.Exit(1 if exceeded else 0)
