"""Which model could answer instead: the same cases asked of every candidate.

A candidate may take the place of the present model where it is certain enough that it is not worse than by the margin
(non-inferiority: ``margins.pair``), where it reaches every threshold by itself, and where it is there to stay. The
offline model is always asked too: a model that does not beat it is not worth its price.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

from pydantic import AwareDatetime, Field

from ..application import Application
from ..config import File, Strict, load_yaml
from ..errors import ConfigurationError, EvidenceError, ScaffoldError, UsageError
from ..models import BASELINE
from .margins import pair
from .record import CaseResult, Metric, Paired
from .runner import Progress
from .store import write_atomically
from .suite import SuiteFile, Thresholds, load_suite
from .underway import Underway

WHERE = "evals/matrix.yaml"
RECORD = "var/reports/matrix.json"
PAGE = "var/reports/matrix.md"

Opened = Callable[[Mapping[str, str]], AbstractContextManager[Application]]
"""Opens the application with models standing in for roles'."""


class Backlog(File):
    """A use case that could not be done when it was tried."""

    suite: str = Field(description="Its suite in evals/suites: what it would have to reach.")
    why: str = Field(min_length=1, description="What was missing.")
    since: date = Field(description="When that was found.")


class MatrixFile(File):
    """``evals/matrix.yaml``: who is tried, on what, and what they have to show."""

    suite: str = Field(default="knowledge", description="Name of a file in evals/suites.")
    role: str = Field(default="answer", description="Role of config/models.yaml that is to be filled.")
    candidates: list[str] = Field(
        default=[], description="Models, by their names in config/models.yaml; all chat models without it."
    )
    metric: str = Field(default="correctness", description="What they are ranked and compared by.")
    margin: float = Field(default=0.05, gt=0, lt=1, description="So much worse a candidate may be at most, with 95 %.")
    notice_days: int = Field(default=90, ge=0, description="A model that retires sooner takes nobody's place.")
    backlog: list[Backlog] = Field(default=[], description="Use cases that failed before; tried again each time.")


class Row(Strict):
    """What one model came to."""

    name: str
    model: str = Field(description="provider/model.")
    untried: str = Field(default="", description="Why it could not be asked; empty where it was.")
    run: str = Field(default="", description="Id of its run.")
    quality: Metric | None = None
    latency: Metric | None = None
    accepted: int = Field(default=0, description="Answers that passed.")
    cost: float | None = Field(default=None, description="US dollars for each of them; None where a price is unknown.")
    against_current: Paired | None = None
    against_offline: Paired | None = None
    short: list[str] = Field(default=[], description="Thresholds of the suite that it does not reach.")
    solves: list[str] = Field(default=[], description="Cases that the present model fails and this one passes.")
    backlog: dict[str, str] = Field(default={}, description="Suites of the backlog; why not, or empty where it does.")
    retires: date | None = None
    verdict: str = ""
    fit: bool = Field(default=False, description="Whether it may answer, from now on or still.")


class Matrix(Strict):
    """What all of them came to, best first."""

    at: AwareDatetime
    suite: str
    metric: str
    margin: float
    current: str
    failing: list[str] = Field(description="Cases that the present model fails.")
    rows: list[Row]


async def matrix(opened: Opened, progress: Callable[[str], Progress | None], fresh: bool = False) -> Matrix:
    """Ask the cases of every candidate, one after the other, and write ``RECORD`` and ``PAGE``.

    All in one event loop: candidates of one vendor share its connections, which end with the loop they were made in.
    What a matrix that was cut off less than a day ago has asked is taken over, unless ``fresh``.

    A candidate that cannot be asked is named and does not stop the others. Raises ``UsageError`` offline, where all
    would be the same, ``ConfigurationError`` for a mistake in the file, ``EvidenceError`` where the present model
    cannot be asked: there is nothing to compare with.
    """
    with opened({}) as application:
        file = load_matrix(application)
        suites = {name: load_suite(application.settings, name) for name in [file.suite, *_backlog(file)]}
        current, known = application.models.named(file.role), application.models.candidates()
        target = application.settings
    names = list(dict.fromkeys([current, *(file.candidates or known)]))
    offline = next((name for name in names if name in known and known[name].provider == "offline"), BASELINE)
    names = list(dict.fromkeys([*names, offline]))
    underway = Underway(target, fresh)
    tried = {name: await _try(opened, file, name, current, suites, underway, progress(name)) for name in names}
    if (why := tried[current][0].untried) or not tried[current][1]:
        raise EvidenceError(f"The present model {current!r} could not be asked: {why or 'no case ended well'}.")
    runs = {name: found[1] for name, found in tried.items()}
    today = datetime.now(UTC).date()
    rows = [_judged(row, runs, file, (current, offline), today) for row, _ in tried.values()]
    result = Matrix(
        at=datetime.now(UTC),
        suite=file.suite,
        metric=file.metric,
        margin=file.margin,
        current=current,
        failing=sorted(_failed(runs[current])),
        rows=sorted(
            rows, key=lambda row: (row.quality is None, -(row.quality.mean if row.quality else 0), row.cost or 0)
        ),
    )
    write_atomically(target.path(RECORD), (result.model_dump_json(indent=2) + "\n").encode())
    write_atomically(target.path(PAGE), markdown(result).encode())
    underway.finished()
    return result


def load_matrix(application: Application) -> MatrixFile:
    """``evals/matrix.yaml``. Raises ``ConfigurationError`` where it, or a name in it, is wrong."""
    if application.settings.offline:
        raise UsageError("Offline, every candidate would be the offline model; run this without APP_OFFLINE.")
    file = load_yaml(application.settings.path(WHERE), MatrixFile)
    known = application.models.candidates()
    if unknown := [name for name in file.candidates if name not in {*known, BASELINE}]:
        raise ConfigurationError(
            f"{WHERE}: candidates: there is no chat model {unknown[0]!r} in config/models.yaml; known: "
            f"{', '.join(known)}."
        )
    if file.role not in application.models.roles:
        raise ConfigurationError(f"{WHERE}: role: there is no role {file.role!r} in config/models.yaml.")
    return file


def _backlog(file: MatrixFile) -> list[str]:
    return list(dict.fromkeys(each.suite for each in file.backlog))


async def _try(
    opened: Opened,
    file: MatrixFile,
    name: str,
    current: str,
    suites: Mapping[str, SuiteFile],
    underway: Underway,
    progress: Progress | None,
) -> tuple[Row, list[CaseResult]]:
    """What ``name`` answers. The present model is asked as it is, with what stands in for it."""
    label = name
    try:
        with opened({} if name == current else {file.role: name}) as application:
            entry = application.models.candidates()[name]
            label = f"{entry.provider}/{entry.model}"
            if why := application.models.unusable(file.role):
                return Row(name=name, model=label, untried=why, retires=entry.retires), []
            made = await underway.run(application, _named(suites[file.suite], name), progress)
            later = {
                each: await _reason(underway, application, _named(suites[each], name), progress)
                for each in _backlog(file)
            }
    except ScaffoldError as error:
        return Row(name=name, model=label, untried=str(error)), []
    passed = [case for case in made.cases if case.passed]
    spent = [case.measures.get("cost") for case in made.cases]
    cost = None if None in spent or not passed else sum(each or 0 for each in spent) / len(passed)
    row = Row(
        name=name,
        model=label,
        run=made.id,
        quality=made.metrics.get(file.metric),
        latency=made.metrics.get("latency"),
        accepted=len(passed),
        cost=cost,
        short=[f"{each.metric} of {each.slice or 'all'}" for each in made.verdicts if not each.passed],
        backlog=later,
        retires=entry.retires,
    )
    return row, made.cases


async def _reason(underway: Underway, application: Application, suite: SuiteFile, progress: Progress | None) -> str:
    """Why the application does not reach ``suite``; empty where it does."""
    try:
        made = await underway.run(application, suite, progress)
    except ScaffoldError as error:
        return str(error)
    return next((verdict.reason for verdict in made.verdicts if not verdict.passed), "")


def _named(suite: SuiteFile, candidate: str) -> SuiteFile:
    """The suite under a name of its own, so that a candidate's run is nobody's evidence; held against no baseline."""
    plain = re.sub(r"[^a-z0-9]+", "-", candidate.casefold()).strip("-")
    slices = {label: kept for label, thresholds in suite.slices.items() if (kept := _alone(thresholds))}
    update = {"name": f"matrix-{suite.name}-{plain}", "thresholds": _alone(suite.thresholds), "slices": slices}
    return suite.model_copy(update=update)


def _alone(thresholds: Thresholds) -> Thresholds:
    """What they demand of a run by itself."""
    return {
        name: threshold.model_copy(update={"margin": None})
        for name, threshold in thresholds.items()
        if any(each is not None for each in (threshold.min, threshold.max, threshold.p95))
    }


def _judged(
    row: Row, runs: Mapping[str, list[CaseResult]], file: MatrixFile, beside: tuple[str, str], today: date
) -> Row:
    """``row`` with what it is compared with, ``beside``: the present model and the offline baseline; what follows."""
    current, offline = beside
    if row.untried:
        return row.model_copy(update={"verdict": f"not tried: {row.untried}"})
    against = {
        other: _paired(runs.get(other, []), runs[row.name], file.metric) for other in beside if other != row.name
    }
    doubts = list(_doubts(row, against, file, beside, today))
    here = row.name == current
    good = "answers now, and may go on" if here else "may take its place"
    return row.model_copy(
        update={
            "against_current": against.get(current),
            "against_offline": against.get(offline),
            "solves": sorted(_failed(runs[current]) - _failed(runs[row.name])),
            "fit": not doubts,
            "verdict": f"{'answers now, but' if here else 'may not:'} {'; '.join(doubts)}" if doubts else good,
        }
    )


def _doubts(
    row: Row, against: Mapping[str, Paired | None], file: MatrixFile, beside: tuple[str, str], today: date
) -> Iterator[str]:
    current, offline = beside
    if row.short:
        yield f"it does not reach {', '.join(dict.fromkeys(row.short))}"
    if row.name != current:
        paired = against[current]
        if paired is None:
            yield f"no case measures {file.metric} of both"
        elif paired.low <= -file.margin:
            yield (
                f"{file.metric} may be worse by {-paired.low:.3f} (95 %, {paired.n} cases), {file.margin:g} is allowed"
            )
    beaten = against.get(offline)
    if row.name != offline and (beaten is None or beaten.low <= 0):
        yield "it is not shown to beat the offline baseline"
    if row.retires and row.retires <= today + timedelta(days=file.notice_days):
        yield f"it retires on {row.retires}"


def _paired(before: list[CaseResult], after: list[CaseResult], metric: str) -> Paired | None:
    old, new = _means(before, metric), _means(after, metric)
    both = [case for case in old if case in new]
    return pair({case: old[case] for case in both}, {case: new[case] for case in both}) if both else None


def _means(cases: list[CaseResult], metric: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for case in cases:
        if metric in case.scores:
            found.setdefault(case.id, []).append(case.scores[metric].score)
    return {name: fmean(scores) for name, scores in found.items()}


def _failed(cases: list[CaseResult]) -> set[str]:
    """Ids of the cases that failed at least once."""
    return {case.id for case in cases if not case.passed}


def columns(row: Row) -> tuple[str, ...]:
    """A row in words: rank by quality, then what it takes."""
    quality = f"{row.quality.mean:.3f} ({row.quality.low:.3f} to {row.quality.high:.3f})" if row.quality else "-"
    latency = f"{row.latency.p50:.2f} / {row.latency.p95:.2f}" if row.latency else "-"
    cost = "-" if row.untried else "unknown" if row.cost is None else f"{row.cost:.5f}"
    return row.name, row.model, quality, latency, cost, str(row.retires or "-"), row.verdict


HEADINGS = ("name", "model", "quality (95 %)", "s, p50 / p95", "USD an accepted answer", "retires", "verdict")


def markdown(found: Matrix) -> str:
    """The table, what each would mend, and the backlog, for a pull request or an issue."""
    lines = [f"### Models for `{found.suite}`, by {found.metric}", "", f"| {' | '.join(HEADINGS)} |", "|---" * 7 + "|"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in columns(row))} |" for row in found.rows]
    lines += ["", f"{found.current} answers now and fails {len(found.failing)} cases."]
    for row in found.rows:
        if row.solves and row.name != found.current:
            lines.append(f"- {row.name} passes {len(row.solves)} of them: {', '.join(row.solves[:20])}")
        for suite, why in row.backlog.items():
            lines.append(f"- backlog `{suite}` with {row.name}: {why or 'reached; it can be taken up again.'}")
    return "\n".join([*lines, ""])
