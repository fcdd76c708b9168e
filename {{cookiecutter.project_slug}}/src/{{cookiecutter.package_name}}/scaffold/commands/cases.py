"""``eval draft``, ``review``, ``check`` and ``feedback``: where cases come from."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer
from pydantic import ValidationError
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from ..application import Application
from ..errors import ScaffoldError, UsageError
from .shell import Json, Offline, Shell

if TYPE_CHECKING:
    from ..evaluation import Case
    from ..evaluation.cases import Changes, Indexed

Suite = Annotated[str, typer.Option("--suite", help="Name of a file in evals/suites, whose dataset is meant.")]

KEPT = "What was decided is kept; the same command goes on with the cases that wait."


def register(family: typer.Typer, shell: Shell) -> None:
    """Add them to ``eval``."""

    @family.command()
    def draft(
        ids: Annotated[
            list[int] | None, typer.Argument(help="With --feedback: only these; see 'eval feedback'.")
        ] = None,
        suite: Suite = "knowledge",
        count: Annotated[int, typer.Option(min=1, help="So many candidates; a larger number adds to them.")] = 20,
        model: Annotated[bool, typer.Option("--model", help="Have the configured language model write them.")] = False,
        feedback: Annotated[bool, typer.Option("--feedback", help="From bad answers that people told of.")] = False,
        held: Annotated[str, typer.Option(metavar="TRACE_ID", help="From the withheld answer of this trace.")] = "",
        question: Annotated[str, typer.Option(help="With --held: what was asked; it is not kept.")] = "",
        offline: Offline = False,
        as_json: Json = False,
    ) -> None:
        """Write candidate cases into a suite's dataset; they count once somebody has reviewed them."""
        from ..evaluation import load_cases
        from ..evaluation.cases import Indexed, add, from_feedback, from_held, write
        from ..evaluation.cases import draft as draft_cases

        if model and feedback:
            raise UsageError("Cases come from a model or from feedback; leave --model or --feedback out.")
        if ids and not feedback:
            raise UsageError("Numbers are those of feedback; add --feedback.")
        if bool(held) != bool(question.strip()) or (held and (model or feedback)):
            raise UsageError("A withheld answer becomes a case with --held TRACE_ID --question TEXT and nothing else.")
        with shell.opened(offline) as application:
            path = _dataset(application, suite)
            if feedback or held:
                added, told = (
                    from_held(application, path, held, question)
                    if held
                    else from_feedback(application, path, ids or ())
                )
                for line in told:
                    shell.say(line)
            elif model:
                there = {case.id for case in load_cases(path)}
                added = add(path, asyncio.run(write(application, Indexed(application), there, count, shell.say)))
            else:
                load_cases(path)
                added = add(path, draft_cases(Indexed(application), count))
        if as_json:
            shell.json([case.model_dump(mode="json") for case in added])
            return
        for case in added:
            shell.out.print(f"{escape(case.id)}  [dim]{escape(case.caller)}:[/] {escape(case.question)}")
        cases = "1 case" if len(added) == 1 else f"{len(added)} cases"
        shell.out.print(f"{cases} added; review them with 'eval review'." if added else "No new case.")

    @family.command()
    def review(
        suite: Suite = "knowledge",
        by: Annotated[str, typer.Option(help="Who reviews; stands in the case.")] = "",
        approve: Annotated[list[str] | None, typer.Option(help="Approve the case with this id.")] = None,
        reject: Annotated[list[str] | None, typer.Option(help="Reject the case with this id.")] = None,
        list_: Annotated[bool, typer.Option("--list", help="Only list the cases that wait.")] = False,
        page: Annotated[bool, typer.Option("--page", help="Review on a page in the browser.")] = False,
        port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 0,
        as_json: Json = False,
    ) -> None:
        """Approve, edit or reject drafted cases, here or on a page; only approved ones count."""
        from ..evaluation import cases as room
        from ..serving.review import serve_review

        with shell.opened() as application, shell.interruptible(KEPT):
            path = _dataset(application, suite)
            if list_:
                _list(room.waiting(path), as_json)
                return
            by = by.strip() or _asked_for_name()
            for id_ in approve or ():
                room.approve(path, id_, by, application.index.directory)
            for id_ in reject or ():
                room.reject(path, id_, by)
            if approve or reject:
                shell.out.print(
                    f"{len(approve or ())} approved, {len(reject or ())} rejected, {len(room.waiting(path))} waiting."
                )
            elif page:
                serve_review(application, path, by, port, shell.out.print)
            else:
                _in_turn(application, path, by)

    def _list(cases: list[Case], as_json: bool) -> None:
        if as_json:
            shell.json([case.model_dump(mode="json") for case in cases])
            return
        table = Table("id", "asked as", "question", "from", box=SIMPLE, show_edge=False)
        for case in cases:
            table.add_row(*map(escape, (case.id, case.caller, case.question, case.source)))
        shell.wide(table if cases else "No case waits for review.")

    def _in_turn(application: Application, path: Path, by: str) -> None:
        from ..evaluation import cases as room

        indexed, done = room.Indexed(application), 0
        todo = room.waiting(path)
        for number, case in enumerate(todo, start=1):
            while True:
                _show(indexed, case, f"{number} of {len(todo)}")
                key = click.prompt("approve? (y)es (n)o (e)dit (s)kip (q)uit", type=click.Choice(list("ynesq")))
                try:
                    if key == "y":
                        room.approve(path, case.id, by, application.index.directory)
                    elif key == "n":
                        room.reject(path, case.id, by)
                    elif key == "e":
                        case = room.edit(path, case.id, _edited(case))
                        continue
                except ScaffoldError as error:
                    shell.err.print(f"[bold red]error:[/] {escape(str(error))}")
                    shell.say("Press e to edit the case, n to reject it, or s to leave it for later.")
                    continue
                done += key in "yn"
                break
            if key == "q":
                break
        shell.out.print(f"{done} reviewed, {len(room.waiting(path))} waiting.")

    def _show(indexed: Indexed, case: Case, place: str) -> None:
        from ..evaluation.cases import passages_of

        shell.out.print(f"\n[bold]{place}: {escape(case.id)}[/]  [dim]{escape(case.source)}[/]")
        shell.out.print(f"[bold]{escape(case.caller)} asks:[/] {escape(case.question)}")
        wanted = [item if isinstance(item, str) else " or ".join(item) for item in case.expected.must_include]
        shown = {
            "expected": "a refusal" if case.expected.refusal else case.expected.answer,
            "must hold": " and ".join(wanted) or "(nothing yet: edit)" * (not case.expected.demands),
            "must not hold": ", ".join(case.expected.must_not_include),
            "tags": ", ".join(case.tags),
        }
        for name, value in shown.items():
            if value:
                shell.out.print(f"[bold]{name}:[/] {escape(value)}")
        for passage in passages_of(indexed, case):
            head = " > ".join(part for part in (passage.title, passage.section) if part)
            shell.out.print(f"[dim]{escape(passage.source)} | {escape(head)}[/]\n{escape(passage.text)}")

    @family.command()
    def check(suite: Suite = "knowledge", as_json: Json = False) -> None:
        """Find cases that repeat, contradict or leak, or that the documents left behind; exit 1 where there are any."""
        from ..evaluation.cases import check as check_cases

        with shell.opened() as application:
            path = _dataset(application, suite)
            problems = check_cases(application, path)
            name = path.relative_to(application.settings.root).as_posix()
        if as_json:
            shell.json([vars(problem) for problem in problems])
        else:
            for each in problems:
                line = f"{name}:{each.line}: {each.id}: {each.kind}: {each.reason}."
                shell.out.print(line, markup=False)
            if not problems:
                shell.out.print("No case repeats, contradicts, leaks or is left behind.")
        raise typer.Exit(1 if problems else 0)

    @family.command("feedback")
    def list_feedback(as_json: Json = False) -> None:
        """What people said of answers; 'eval draft --feedback' makes cases of it."""
        from ..evaluation.cases import listed

        with shell.opened() as application:
            rows = listed(application.state)
        if as_json:
            shell.json([vars(row) for row in rows])
            return
        table = Table("id", "when", "who", "verdict", "question", "said", "case", box=SIMPLE, show_edge=False)
        for row in rows:
            said = row.correction or row.reason
            cells = (str(row.id), row.at[:16], row.caller, row.verdict, row.question, said, row.case_id or "")
            table.add_row(*map(escape, cells))
        shell.wide(table if rows else "Nobody has said anything yet.")


def _dataset(application: Application, suite: str) -> Path:
    from ..evaluation import load_suite

    return application.settings.path(load_suite(application.settings, suite).dataset)


def _asked_for_name() -> str:
    if not sys.stdin.isatty():
        raise UsageError("Say who reviews: --by NAME.")
    return str(click.prompt("Your name, which stands in the cases that you review"))


def _edited(case: Case) -> Changes:
    """The case's fields as they come back from an editor. Raises ``UsageError`` where they are no such fields."""
    from ..evaluation.cases import Changes

    now = case.model_dump(mode="json") | case.expected.model_dump(mode="json")
    text = json.dumps({name: now[name] for name in Changes.model_fields}, ensure_ascii=False, indent=2)
    try:
        written = click.edit(text, extension=".json")
    except click.ClickException as error:
        raise UsageError(f"{error.message.rstrip('.')}; name an editor that is there in EDITOR.") from None
    try:
        return Changes.model_validate_json(written if written is not None else text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise UsageError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}; edit again.") from None
