"""``eval run`` and ``eval canary``; more of ``eval`` stands in the files beside this one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..config import Settings
from ..errors import UsageError
from . import baseline, cases, history, matrix, reports
from . import judge as judging
from .shell import Json, Offline, Shell

if TYPE_CHECKING:
    from ..evaluation import Run


def register(app: typer.Typer, shell: Shell) -> None:
    """Add ``eval`` to ``app``."""
    family = typer.Typer(no_args_is_help=True, help="Measure the answers against reviewed cases.")
    app.add_typer(family, name="eval")
    baseline.register(family, shell)
    cases.register(family, shell)
    judging.register(family, shell)
    history.register(family, shell)
    matrix.register(family, shell)

    @family.command("run")
    def run_(
        suite: Annotated[str, typer.Argument(help="Name of a file in evals/suites.")] = "knowledge",
        fresh: Annotated[
            bool, typer.Option("--fresh", help="Ask every case, also those that a run which was cut off has asked.")
        ] = False,
        record: Annotated[bool, typer.Option("--record", help="Keep what models answer in evals/recordings.")] = False,
        replay: Annotated[bool, typer.Option("--replay", help="Answer from evals/recordings; needs no key.")] = False,
        live: Annotated[bool, typer.Option("--live", help="Never replay, also where a key is missing.")] = False,
        offline: Offline = False,
        as_json: Json = False,
    ) -> None:
        """Ask every reviewed case; exit 1 where a threshold is missed or the evidence is not enough.

        A run that was cut off is resumed: the same command takes over what had been answered, for 7 days, as long as
        code, configuration, cases and index are the same.

        Where a model's key or package is missing, answers that were recorded are replayed.
        """
        from ..evaluation import load_suite, recordings, run, write

        settings = Settings.load()
        ways: dict[recordings.Calls, bool] = {"record": record, "replay": replay, "live": live}
        chosen = [way for way, wanted in ways.items() if wanted]
        if len(chosen) > 1 or (chosen and chosen != ["live"] and (offline or settings.offline)):
            raise UsageError("Choose one of --record, --replay, --live and --offline (APP_OFFLINE is the same).")
        demanded = load_suite(settings, suite)
        calls = chosen[0] if chosen else "live" if offline or settings.offline else None
        with recordings.opened(lambda: shell.opened(offline), settings, demanded, calls, shell.say) as application:
            progress = None if as_json else shell.progress
            resume = not fresh and application.models.tape is None
            try:
                result = asyncio.run(run(application, demanded, progress, resume=resume))
            except KeyboardInterrupt:
                shell.say(_interrupted(application.models.tape is None, fresh))
                raise
            page, *others = write(application, result)
        _show(result, as_json, f"The page: {page} (beside it {', '.join(others)})")

    @family.command()
    def canary(
        accept: Annotated[bool, typer.Option("--accept", help="Compare with the answers of now from now on.")] = False,
        offline: Offline = False,
        as_json: Json = False,
    ) -> None:
        """Ask some cases again; exit 1 where the answers changed and nothing on our side did, 2 where something did."""
        from ..evaluation import accept as accept_answers
        from ..evaluation import canary as ask_canary
        from ..evaluation import write

        with shell.opened(offline) as application:
            ask_again = accept_answers if accept else ask_canary
            record = asyncio.run(ask_again(application, None if as_json else shell.progress))
            page, *others = write(application, record)
        if accept and record.passed and (failing := [case.id for case in record.cases if not case.passed]):
            named = ", ".join(failing[:10]) + " …" * (len(failing) > 10)
            shell.err.print(
                f"[yellow]warning:[/] {len(failing)} of the {len(record.cases)} answers that you accepted fail their "
                f"cases: {escape(named)}. Of those only another answer will show, not a worse one."
            )
        _show(record, as_json, f"The page: {page} (beside it {', '.join(others)})")

    reports.register(family, shell)

    def _show(record: Run, as_json: bool, where: str = "") -> None:
        from ..evaluation import render

        if as_json:
            shell.json(record.model_dump(mode="json"))
        else:
            shell.wide(render(record))
            if where:
                shell.say(where)
        raise typer.Exit(0 if record.passed else 1)


def _interrupted(kept: bool, fresh: bool) -> str:
    if not kept:
        return "Interrupted. Of a recording or a replay nothing is kept: the same command begins anew."
    same = "the same command without --fresh goes on" if fresh else "the same command goes on"
    return f"Interrupted. What was answered is kept for 7 days: {same} from there."
