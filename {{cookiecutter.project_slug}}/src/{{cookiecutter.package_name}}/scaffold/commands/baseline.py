"""``eval baseline``, ``eval compare`` and ``eval power``: what runs are held against, and how much that can show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from .shell import Json, Shell

if TYPE_CHECKING:
    from ..application import Application
    from ..evaluation.baseline import Baseline
    from ..evaluation.record import Against, Run, Verdict
    from ..evaluation.suite import SuiteFile

SHOWN = 10
"""Cases that got worse, shown for each metric."""

Suite = Annotated[str, typer.Argument(help="Name of a file in evals/suites.")]


def register(family: typer.Typer, shell: Shell) -> None:
    """Add them to ``eval``."""

    @family.command()
    def baseline(
        by: Annotated[str, typer.Option("--by", help="Who accepts it.")],
        suite: Suite = "knowledge",
        force: Annotated[bool, typer.Option("--force", help="Also where the run falls short of a threshold.")] = False,
    ) -> None:
        """Hold later runs against the newest one; exit 1 where it was not made on what is here now, or falls short."""
        from ..evaluation import baseline, load_suite, newest

        with shell.opened() as application:
            chosen = load_suite(application.settings, suite)
            run = newest(application, suite)
            path = baseline.accept(application, run, chosen, by, force)
            shown = path.relative_to(application.settings.root).as_posix()
        if run.calls == "replayed":
            shell.out.print(
                f"Its answers were replayed from evals/recordings/{suite}.jsonl: they are those of the day of the "
                "recording, and their times compare with nothing."
            )
        shell.out.print(f"Accepted: {shown}. Commit it; runs of {suite} are held against it from now on.")

    @family.command()
    def compare(
        suite: Suite = "knowledge",
        run: Annotated[str, typer.Option("--run", help="Id of a run instead of the newest.")] = "",
        baseline: Annotated[str, typer.Option("--baseline", help="A file or a run instead of the accepted one.")] = "",
        as_json: Json = False,
    ) -> None:
        """Show a run beside the baseline; exit 1 where a margin is broken, or the evidence is not enough."""
        from ..evaluation import load_suite, newest
        from ..evaluation.baseline import against
        from ..evaluation.store import recorded

        with shell.opened() as application:
            after = recorded(application, run) if run else newest(application, suite)
            chosen = load_suite(application.settings, after.suite)
            before = _before(application, chosen, baseline)
            found, verdicts = against(before, after.cases, chosen, after.digests, after.times)
        passed = all(verdict.passed for verdict in verdicts)
        if as_json:
            told = [verdict.model_dump(mode="json") for verdict in verdicts]
            shell.json({"passed": passed, "against": found.model_dump(mode="json"), "verdicts": told})
        else:
            _show(shell, after, found, verdicts)
        raise typer.Exit(0 if passed else 1)

    @family.command()
    def power(
        suite: Suite = "knowledge",
        drop: Annotated[float, typer.Option("--drop", min=0.001, max=0.999, help="The loss to see.")] = 0.05,
        power: Annotated[float, typer.Option("--power", min=0.5, max=0.999, help="How surely to see it.")] = 0.8,
        passing: Annotated[
            float, typer.Option("--passing", min=0.5, max=0.999, help="How surely to pass where nothing got worse.")
        ] = 0.95,
        discordance: Annotated[
            float | None,
            typer.Option("--discordance", min=0, max=1, help="Share of cases that change; else of the last runs."),
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Say how many cases it takes to see a loss, and what loss the present ones show."""
        from ..evaluation import newest
        from ..evaluation import power as powers

        with shell.opened() as application:
            after = newest(application, suite)
            before = None if discordance is not None else _earlier(application, after)
        found = powers.power(before, after.cases, drop, power, discordance, passing)
        if as_json:
            shell.json({name: each.model_dump(mode="json") for name, each in found.items()})
            return
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        seen, held = f"cases to see {drop:g}", f"cases to pass a margin of {drop:g}"
        for heading in ("metric", "cases", "changed", "loss seen now", seen, held):
            table.add_column(heading)
        for name, each in found.items():
            numbers = (
                f"{each.cases}",
                f"{each.changed:.3f}",
                f"{each.seen:.3f}",
                f"{each.to_see}",
                f"{each.to_hold}",
            )
            table.add_row(name, *numbers)
        shell.wide(table)
        source = f"between {before.run} and {after.id}" if before else "as given"
        shell.out.print(
            f"\nA loss is seen with a probability of {power:g}, one-sided at 5 %; a margin is passed with one of "
            f"{passing:g} where nothing got worse. changed: share of the cases, {source}; what is lost comes on top."
        )


def _before(application: Application, suite: SuiteFile, given: str) -> Baseline:
    from ..errors import ConfigurationError
    from ..evaluation.baseline import baseline_of, load, read, where
    from ..evaluation.store import recorded

    if not given:
        if (accepted := load(application.settings, suite)) is None:
            raise ConfigurationError(
                f"{where(suite.name)}: no baseline was accepted; run 'make eval', then 'eval baseline --by NAME'."
            )
        return accepted
    if Path(given).suffix == ".json" or Path(given).exists():
        return read(Path(given))
    return baseline_of(recorded(application, given), by="")


def _earlier(application: Application, run: Run) -> Baseline:
    """What the run is compared with to learn how many cases change: the run before, else the accepted baseline."""
    from ..errors import EvidenceError
    from ..evaluation import load_suite
    from ..evaluation.baseline import baseline_of, load
    from ..evaluation.store import before

    if (earlier := before(application, run)) is not None:
        return baseline_of(earlier, by="")
    accepted = load(application.settings, load_suite(application.settings, run.suite))
    if accepted is None or accepted.run == run.id:
        raise EvidenceError(
            f"Only one run of {run.suite!r} is on record, so that nobody knows how many cases change; run 'make eval' "
            "again, or give --discordance, such as 0.1."
        )
    return accepted


def _show(shell: Shell, run: Run, found: Against, verdicts: list[Verdict]) -> None:
    from ..evaluation.report.words import more

    marks = {"passed": ("✓", "green"), "missed": ("✗", "red"), "unclear": ("?", "yellow")}
    outcome = {verdict.metric: verdict.outcome for verdict in verdicts if not verdict.slice}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "metric", "before", "after", "difference", "95 % bounds", "cases", "worse", "better", "p"):
        table.add_column(heading)
    for name, each in found.metrics.items():
        mark, colour = marks[outcome[name]] if name in outcome else ("·", "dim")
        table.add_row(
            Text(mark, style=colour),
            name,
            *(
                f"{each.before:.3f}",
                f"{each.after:.3f}",
                f"{each.difference:+.3f}",
                f"{each.low:+.3f} {each.high:+.3f}",
            ),
            *(f"{each.n}", f"{len(each.worse)}", f"{len(each.better)}", f"{each.p:.2g}"),
        )
    for name, measure in found.measures.items():
        mark, colour = marks[outcome[name]] if name in outcome else ("·", "dim")
        high = "none" if measure.high is None else f"{100 * measure.high:+.1f} %"
        table.add_row(
            Text(mark, style=colour),
            name,
            *(f"{measure.before:.4g}", f"{measure.after:.4g}", more(name, measure)),
            *(f"{100 * measure.low:+.1f} % {high}", f"{measure.n}", "", "", f"{measure.p:.2g}"),
        )
    shell.wide(table)
    for name, why in found.incomparable.items():
        shell.out.print(Text(f"{name} is not compared: {why}.", style="dim"))
    cases = {case.id: case for case in reversed(run.cases)}
    for name, each in found.metrics.items():
        for id_ in each.worse[:SHOWN]:
            reason = cases[id_].scores[name].reason
            shell.out.print(Text(f"worse in {name}: {id_}  {cases[id_].question}  ({reason})"))
        if len(each.worse) > SHOWN:
            shell.out.print(Text(f"worse in {name}: {len(each.worse) - SHOWN} more, with --json", style="dim"))
    for verdict in verdicts:
        if not verdict.passed:
            mark, colour = marks[verdict.outcome]
            shell.out.print(Text(f"\n{mark} {verdict.reason}", style=f"bold {colour}"))
    changed = ", ".join(found.changed) or "nothing"
    shell.out.print(
        f"\n{run.id} against {found.baseline}, accepted on {found.accepted_at:%Y-%m-%d}. Changed: {changed}. "
        f"Cases left out: {len(found.left_out)}."
    )
    if not any(verdict for verdict in verdicts):
        shell.out.print("No threshold of the suite has a margin, so that nothing is decided by the baseline.")
