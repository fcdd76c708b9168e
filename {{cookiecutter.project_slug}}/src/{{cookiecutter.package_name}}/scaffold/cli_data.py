"""``data check`` on the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from .application import Application
from .readiness import load_stage
from .readiness.data import PAGE, examine, save
from .retrieval.quality import judge, render


def data_commands(opened: Callable[[], Application], show_json: Callable[[object], None]) -> typer.Typer:
    """The commands of ``data``, on the application that ``opened`` opens."""
    app = typer.Typer(no_args_is_help=True, help="Look at the documents.")

    @app.callback()
    def data() -> None:
        """Look at the documents."""

    @app.command()
    def check(
        stage: Annotated[str, typer.Option(help="Stage of governance/stages.yaml whose limits count.")] = "poc",
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    ) -> None:
        """Say what is wrong with which documents, and how to mend it; exit 1 where it is more than the stage allows."""
        with opened() as application:
            required = load_stage(application.settings, stage).data
            report = examine(application, datetime.now(UTC))
            save(application, report, required, stage)
        exceeded = judge(report, required)
        if as_json:
            above = [vars(excess) for excess in exceeded]
            show_json({**report.model_dump(mode="json"), "stage": stage, "passed": not exceeded, "exceeded": above})
        else:
            out = Console(highlight=False, soft_wrap=True)
            out.print(render(report, required, stage))
            out.print(f"\nThe whole report: {PAGE}", markup=False)
        raise typer.Exit(1 if exceeded else 0)

    return app
