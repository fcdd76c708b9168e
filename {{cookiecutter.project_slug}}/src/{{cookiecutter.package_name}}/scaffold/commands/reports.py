"""``eval report``: a recorded run for people again."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .shell import Shell


class Format(StrEnum):
    """How a run is rendered."""

    html = "html"
    md = "md"
    junit = "junit"
    text = "text"


def register(family: typer.Typer, shell: Shell) -> None:
    """Add ``report`` to ``eval``."""

    @family.command()
    def report(
        run: Annotated[str, typer.Argument(help="Id of a run, or a suite; without it the newest run.")] = "",
        form: Annotated[
            Format | None, typer.Option("--format", help="Print this; without it all are written to var/reports.")
        ] = None,
        output: Annotated[Path | None, typer.Option(help="File to write to, instead of printing.")] = None,
    ) -> None:
        """Render a recorded run again: the page, Markdown for a pull request, JUnit XML, or text."""
        from ..evaluation import latest, write
        from ..evaluation.report import FORMATS, baseline

        if output and not form:
            raise UsageError("--output takes one report; say which with --format.")
        with shell.opened() as application:
            record = latest(application, run)
            if form is None:
                for path in write(application, record):
                    shell.out.print(path, markup=False)
                return
            told = FORMATS[form][1](record, baseline(application, record))
        if output:
            output.write_text(told, "utf-8")
        else:
            sys.stdout.write(told)
