"""What commands share: how the application is opened, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from click.exceptions import Abort
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from ..application import Application

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Offline = Annotated[bool, typer.Option("--offline", help="Answer with the offline model, whatever is configured.")]


@dataclass(frozen=True)
class Shell:
    """Handed to every command."""

    opened: Callable[..., Application]
    """Opens the application; ``offline=True`` with the offline model, ``level`` is that of the log, ``stand_ins`` are
    models to be asked in the place of roles'."""
    out: Console
    err: Console

    def say(self, line: str) -> None:
        """A line on the side, for people: never part of the output."""
        self.err.print(f"[dim]{escape(line)}[/]")

    @contextmanager
    def interruptible(self, kept: str) -> Iterator[None]:
        """Says what was ``kept`` where the block is interrupted, or where nobody is there to answer its prompts."""
        try:
            yield
        except (KeyboardInterrupt, Abort) as ended:
            if isinstance(ended, Abort):
                self.err.print()  # the prompt's line is not ended
            self.say(f"Interrupted. {kept}")
            raise

    def entrusted(self, application: Application, kind: str, asked: dict[str, Any], quiet: bool) -> dict[str, Any]:
        """What comes of work on the index, with a line for each step unless ``quiet``; see ``reindex.entrusted``."""
        from ..reindex import entrusted

        return entrusted(application, kind, asked, (lambda line: None) if quiet else self.say)

    def wide(self, table: RenderableType, width: int = 160) -> None:
        """A table with its names whole, also where the terminal is narrow or nobody looks.

        Names and ids are given to other commands, so that one that is cut is worth nothing: what holds no space is kept
        on one line, however long, and texts beside it wrap.
        """
        console = Console(highlight=False, width=max(self.out.width, width))
        if isinstance(table, Table):
            for column in table.columns:
                column.no_wrap = not any(" " in str(cell) for cell in column.cells)
            endless = console.options.update_width(100_000)
            console.width = max(console.width, Measurement.get(console, endless, table).minimum)
        console.print(table)

    def json(self, value: Any) -> None:
        """``value`` as JSON, in characters that the terminal knows."""
        text = json.dumps(value, ensure_ascii=False, indent=2)
        try:
            text.encode(sys.stdout.encoding)
        except UnicodeEncodeError:
            text = json.dumps(value, indent=2)
        sys.stdout.write(text + "\n")

    def progress(self, done: int, total: int) -> None:
        """One line that counts cases up on a terminal, a line every quarter elsewhere."""
        if self.err.is_terminal:
            self.err.print(f"  asked {done} of {total} cases", end="\n" if done == total else "\r")
        elif done == total or done % max(1, total // 4) == 0:
            self.err.print(f"  asked {done} of {total} cases")
