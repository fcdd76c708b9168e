"""How the system has held since its first release, by the thresholds that hold today.

Every run whose record proves itself is judged anew by the suite as it is now: a threshold that was raised shows earlier
breaches too, one that was lowered forgives them. What a run said of itself beyond thresholds, such as cases without an
answer, counts as it said. So does a margin that it did not keep against the baseline that was accepted then: another
may stand in its place by now, and the verdict in the record is the evidence. A run whose record is gone proves nothing:
it is shown, and no period of being at spec reaches across it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Engine, select

from ..application import Application
from ..observability.calls import EVALUATION
from ..state import answers, feedback
from .canary import CANARY
from .events import GATE, Event, every
from .history import Entry, history
from .metrics import judge
from .record import Run
from .suite import SuiteFile, load_suite

UP = "up"
"""What somebody says of an answer who is content; everything else is a complaint."""


@dataclass(frozen=True)
class Held:
    """What a run came to against the baseline that was accepted when it was made."""

    outcome: Literal["kept", "lost", "unclear", "no margin", "no baseline"]
    """unclear: not enough evidence, which is no pass; no margin: the suite demanded none, or none is on record."""
    baseline: str = ""
    """Id of the run that was accepted."""
    accepted_at: datetime | None = None


@dataclass(frozen=True)
class Judged:
    """A run by today's thresholds; ``unknown`` where its record is gone or was changed."""

    id: str
    at: datetime
    outcome: Literal["at spec", "breach", "unknown"]
    missed: dict[str, str]
    """By metric and slice, with the reason."""
    changed: list[str]
    held: Held | None
    """None where the record is gone or was changed."""


@dataclass(frozen=True)
class Breach:
    """A metric that was not at spec, from the first run that showed it until the first that showed it mended."""

    metric: str
    since: datetime
    until: datetime | None
    runs: int
    reason: str
    """Of the first of them."""


@dataclass(frozen=True)
class Week:
    """What became of the questions of a week, beginning on a Monday; the suites' own are left out."""

    begins: date
    answers: int
    refused: int
    errors: int
    feedback: int
    complaints: int


@dataclass(frozen=True)
class Spec:
    """The report; times are UTC, lists oldest first."""

    suite: str
    at: datetime
    released: datetime | None
    released_by: str
    at_spec_since: datetime | None
    """First run since which every run was at spec and has its record; None where the newest was not."""
    runs: list[Judged]
    breaches: list[Breach]
    canaries: list[Entry]
    """Canaries that did not pass."""
    events: list[Event]
    weeks: list[Week]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = {**vars(self), "canaries": [each.as_dict() for each in self.canaries]}
        for name in ("runs", "breaches", "weeks"):
            told[name] = [asdict(each) for each in told[name]]
        told["events"] = [{"at": each.at, "kind": each.kind, **each.details} for each in self.events]
        plain: dict[str, Any] = _plain(told)
        return plain


def spec(application: Application, name: str) -> Spec:
    """How the suite ``name`` has held. Raises ``UsageError`` for an unknown suite."""
    suite = load_suite(application.settings, name)
    happened = every(application.state)
    entries = history(application, name, lambda run: (_missed(run, suite), held_against(run)))
    released, by = first_release(happened, entries)
    since = released or datetime.min.replace(tzinfo=UTC)
    runs = [_judged(entry) for entry in entries if entry.at >= since]
    return Spec(
        suite=name,
        at=datetime.now(UTC),
        released=released,
        released_by=by,
        at_spec_since=held_since(runs),
        runs=runs,
        breaches=breaches(runs),
        canaries=[one for one in history(application, CANARY) if not one.passed and one.at >= since],
        events=[one for one in happened if one.at >= since],
        weeks=weeks(application.state, since),
    )


def first_release(happened: Sequence[Event], entries: Sequence[Entry]) -> tuple[datetime | None, str]:
    """When the first gate was passed; without one, the first run that passed, which then preceded a gate on record."""
    for event in happened:
        if event.kind == GATE and event.details["passed"]:
            # The gate decides on a run that was there before: the report begins with it.
            before = [entry.at for entry in entries if entry.at <= event.at]
            return (before[-1] if before else event.at), f"the gate of the stage {event.details['stage']!r}"
    for entry in entries:
        if entry.passed:
            return entry.at, f"the first run that passed, {entry.id}; no passed gate is on record"
    return None, "nothing has passed yet"


def held_against(run: Run) -> Held:
    """What the record says of the run and the baseline of its day."""
    if run.against is None:
        return Held("no baseline")
    said = {verdict.outcome for verdict in run.verdicts if verdict.baseline}
    outcome: Literal["kept", "lost", "unclear", "no margin"] = "kept" if said else "no margin"
    if not said <= {"passed"}:
        outcome = "lost" if "missed" in said else "unclear"
    return Held(outcome, run.against.baseline, run.against.accepted_at)


def _missed(run: Run, suite: SuiteFile) -> dict[str, str]:
    """What the run misses by the thresholds of ``suite``, or missed by the baseline, and why, by metric and slice."""
    own = [one for one in run.verdicts if one.baseline or not (one.slice or one.metric in run.thresholds)]
    return {
        (f"{one.metric} of {one.slice}" if one.slice else one.metric)
        + " against the baseline" * bool(one.baseline): one.reason
        for one in [*own, *judge(run.cases, suite)]
        if not one.passed
    }


def _judged(entry: Entry) -> Judged:
    if entry.missing:
        return Judged(entry.id, entry.at, "unknown", {"record": entry.missing}, entry.changed, None)
    missed, held = entry.seen
    return Judged(entry.id, entry.at, "breach" if missed else "at spec", missed, entry.changed, held)


def held_since(runs: Sequence[Judged]) -> datetime | None:
    """The first run of the unbroken row of runs at spec that ends with the newest."""
    since = None
    for run in reversed(runs):
        if run.outcome != "at spec":
            break
        since = run.at
    return since


def breaches(runs: Sequence[Judged]) -> list[Breach]:
    """Every breach, by metric; a run whose record is gone neither begins nor ends one."""
    found: list[Breach] = []
    under_way: dict[str, Breach] = {}
    for run in runs:
        if run.outcome == "unknown":
            continue
        for metric in [name for name in under_way if name not in run.missed]:
            ended = under_way.pop(metric)
            found.append(Breach(metric, ended.since, run.at, ended.runs, ended.reason))
        for metric, reason in run.missed.items():
            old = under_way.get(metric)
            under_way[metric] = (
                Breach(metric, old.since, None, old.runs + 1, old.reason)
                if old
                else Breach(metric, run.at, None, 1, reason)
            )
    return sorted([*found, *under_way.values()], key=lambda one: (one.since, one.metric))


def weeks(state: Engine, since: datetime) -> list[Week]:
    """Refusals, errors and feedback by week, as far back as rows are kept."""
    first = since.isoformat(timespec="milliseconds") if since.year > 1 else ""
    asked, said = answers.c, feedback.c
    with state.connect() as connection:
        became = connection.execute(
            select(asked.at, asked.outcome).where(asked.at >= first, asked.channel != EVALUATION)
        ).all()
        verdicts = connection.execute(select(said.at, said.verdict).where(said.at >= first)).all()
    outcomes = Counter((_monday(row.at), row.outcome) for row in became)
    voices = Counter((_monday(row.at), row.verdict) for row in verdicts)
    return [
        Week(
            begins=monday,
            answers=sum(count for (week, _), count in outcomes.items() if week == monday),
            refused=outcomes[monday, "refused"],
            errors=outcomes[monday, "error"],
            feedback=sum(count for (week, _), count in voices.items() if week == monday),
            complaints=sum(count for (week, said), count in voices.items() if week == monday and said != UP),
        )
        for monday in sorted({week for week, _ in [*outcomes, *voices]})
    ]


def _monday(at: str) -> date:
    day = datetime.fromisoformat(at).astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
