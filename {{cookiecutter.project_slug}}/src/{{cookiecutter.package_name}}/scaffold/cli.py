"""The command line. Exit 0: good; 1: what was checked fell short; 2: usage or configuration; 130: interrupted."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from click.exceptions import Abort
from dotenv import load_dotenv
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.exc import SQLAlchemyError

from .application import Application
from .commands import EVERY, Json, Offline, Shell
from .config import Settings
from .errors import ScaffoldError
from .guardrails import redact
from .observability import configure_logging

Build = Callable[[Settings], Application]

COST_COLUMNS = ("calls", "tokens in", "tokens out", "USD (~ with estimates)")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def run(build: Build) -> None:
    """Run the command line of the project; a mistake ends in one sentence and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal knows every character
    try:
        commands(build)()
    except ScaffoldError as error:
        _fail(str(error), error.exit_code)
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        _fail(f"The state database cannot be read or written: {reason}; see that its disk has room, then try again.")
    except OSError as error:
        what = error.filename or "The output"
        _fail(f"{what} cannot be read or written ({error.strerror or error}); mend that, then try again.")
    except (KeyboardInterrupt, Abort):  # of prompts, which Ctrl-C and the end of the input end alike
        sys.exit(130)


def _fail(sentence: str, code: int = 1) -> NoReturn:
    err.print(f"[bold red]error:[/] {escape(sentence)}")
    sys.exit(code)


def commands(build: Build) -> typer.Typer:
    """All commands, on the application that ``build`` makes."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, help="The assistant.")
    audit = typer.Typer(no_args_is_help=True, help="Look at the audit log.")
    app.add_typer(audit, name="audit")

    def opened(
        offline: bool = False, level: int = logging.WARNING, stand_ins: Mapping[str, str] | None = None
    ) -> Application:
        settings = Settings.load()
        load_dotenv(settings.path(".env"))  # vendors' keys, which are no settings of ours; the environment wins
        if offline:
            settings = settings.model_copy(update={"offline": True})
        if stand_ins:
            settings = settings.model_copy(update={"stand_ins": {**settings.stand_ins, **stand_ins}})
        configure_logging(settings, redact)
        logging.getLogger().setLevel(level)
        return build(settings)

    shell = Shell(opened, out, err)
    for family in EVERY:
        family.register(app, shell)

    @app.command()
    def ask(
        question: Annotated[str, typer.Argument(help="What you want to know.")],
        caller: Annotated[str, typer.Option("--as", help="Ask as this caller of data/access.yaml.")] = "",
        offline: Offline = False,
        as_json: Json = False,
    ) -> None:
        """Answer a question, with the passages that the answer rests on."""
        with opened(offline) as application:
            if not application.index.documents():
                err.print("[yellow]note:[/] nothing is indexed yet; run 'ingest' first.")
            directory = application.index.directory
            asker = directory.get(caller or next(iter(directory.callers), ""))
            answer = asyncio.run(application.ask(question, asker, channel="cli"))
        if as_json:
            shell.json(answer.model_dump(mode="json"))
            return
        out.print(f"\n{escape(answer.answer)}\n", style="yellow" if answer.refused else "bold")
        for citation in answer.citations:
            where = f"{citation.source}, {citation.updated}" if citation.updated else citation.source
            out.print(f"  [cyan]\\[{citation.number}][/] {escape(citation.title)} [dim]{escape(where)}[/]")
            out.print(f"      [dim]{escape(_shorten(citation.passage))}[/]")
        out.print(
            f"\n[dim]asked as {asker.id} · confidence {answer.confidence:.2f} · {answer.model} · {answer.prompt}"
            f" · trace {answer.trace_id}[/]"
        )

    @app.command()
    def serve(
        host: Annotated[
            str | None, typer.Option(help="Address to listen on, instead of config/service.yaml's.")
        ] = None,
        port: Annotated[int | None, typer.Option(help="Port to listen on, instead of config/service.yaml's.")] = None,
        offline: Offline = False,
    ) -> None:
        """Serve the page and the API."""
        from .serving import serve as run_service

        with opened(offline, logging.INFO) as application:
            run_service(application, host, port)

    @app.command()
    def gate(
        stage: Annotated[str, typer.Argument(help="Stage of governance/stages.yaml.")] = "poc",
        offline: Offline = False,
        as_json: Json = False,
    ) -> None:
        """Say from evidence whether the project is fit for a stage; exit 1 where it is not."""
        from .evaluation import load_suite, recordings
        from .readiness import gate as run_gate
        from .readiness import load_stage, render

        settings = Settings.load()
        suite = load_suite(settings, load_stage(settings, stage).evaluation.suite)
        # The gate calls no model. Where a key is missing, what stands round them is looked at all the same.
        calls: recordings.Calls | None = None if recordings.place(settings, suite.name).is_file() else "live"
        with recordings.opened(lambda: opened(offline), settings, suite, calls, shell.say) as application:
            result = run_gate(application, stage)
        if as_json:
            shell.json(result.model_dump(mode="json"))
        else:
            shell.wide(render(result))
        raise typer.Exit(0 if result.passed else 1)

    @audit.command("verify")
    def audit_verify(as_json: Json = False) -> None:
        """Check the chain of the audit log; exit 1 where a record was changed, removed or reordered."""
        with opened() as application:
            verification = application.audit.verify()
        if as_json:
            shell.json(vars(verification))
        else:
            out.print(escape(verification.message))
        raise typer.Exit(0 if verification.ok else 1)

    @app.command()
    def cost(
        days: Annotated[int, typer.Option(min=1, help="How many days, today included, in UTC.")] = 7,
        as_json: Json = False,
    ) -> None:
        """Show what the calls to models cost, and what is left of the budgets of config/limits.yaml."""
        with opened() as application:
            report = application.models.spending.report(days)
        if as_json:
            shell.json(report)
            return
        numbers = (Column(name, justify="right") for name in COST_COLUMNS)
        table = Table("day", "role", "caller", "use case", "model", *numbers, box=SIMPLE)
        for row in report["rows"]:
            whose = (row["caller"] or "-", row["use_case"] or "-")
            names = (row["day"], row["role"], *whose, f"{row['provider']}/{row['model']}")
            table.add_row(*map(escape, names), *_costs(row), end_section=row is report["rows"][-1])
        table.add_row("total", "", "", "", "", *_costs(report["total"]))
        shell.wide(table)
        for each in report["budgets"]:
            left = f"{each['remaining']:.4f} of {each['budget']:.2f} USD left until {each['until']} 00:00 UTC"
            out.print(escape(f"{each['setting']} ({each['scope']}): {left}"))
        out.print("" if report["budgets"] else "No budget is set; config/limits.yaml takes one.")

    @app.command()
    def doctor(as_json: Json = False) -> None:
        """Look over files, keys, index and state; exit 1 where something needs mending."""
        from .doctor import examine

        findings = examine(Settings.load(), build)
        if as_json:
            shell.json([vars(finding) for finding in findings])
        else:
            for finding in findings:
                mark = "[green]ok[/]  " if finding.good else "[red]mend[/]"
                out.print(f"{mark} {finding.what}: {escape(finding.detail)}")
        raise typer.Exit(0 if all(finding.good for finding in findings) else 1)

    @app.command()
    def schemas(
        check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 where a file is stale.")] = False,
    ) -> None:
        """Write the JSON schemas of all YAML files to schemas/, where editors find them."""
        from .schemas import write

        stale = write(Path(Settings.load().root) / "schemas", dry=check)
        for path in stale:
            out.print(f"{'stale' if check else 'written'}: {path}")
        raise typer.Exit(1 if check and stale else 0)

    return app


def _costs(row: dict[str, Any]) -> tuple[str, ...]:
    """The cells of ``COST_COLUMNS``: a cost that is not known is said to be so, never shown as nothing."""
    known = f"{'~' if row['estimated'] else ''}{row['cost']:.4f}"
    if row["unknown"]:
        known = "unknown" if row["unknown"] == row["calls"] else f"{known} + {row['unknown']} unknown"
    return str(row["calls"]), str(row["input_tokens"]), str(row["output_tokens"]), known


def _shorten(text: str, limit: int = 240) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1].rsplit(" ", 1)[0] + " …"
