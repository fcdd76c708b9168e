"""The record of a run: self-contained, written once to ``evals/runs``, listed in the state database."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ColumnElement, Row, delete, insert, select

from ..application import Application
from ..errors import EvidenceError, UsageError
from ..state import evaluation_runs
from .dataset import labels
from .graders import MEASURES, RATES, Score, failures, unique
from .relative import Change
from .statistics import mean_interval, wilson
from .suite import SuiteFile, Threshold

RECORD_DIGEST = "record"
"""Key under which the history keeps the digest of the record file itself, beside what the run was measured on."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(_Strict):
    """A passage that the answer cites."""

    source: str
    title: str
    passage: str


class CaseResult(_Strict):
    """One case, asked once: what was asked, expected and got."""

    id: str
    attempt: int = Field(default=1, description="Which time it was asked, from 1.")
    sha256: str = Field(description="Digest of what was asked and expected.")
    question: str
    caller: str
    locale: str
    tags: list[str]
    pair: str = ""
    expected: str = Field(description="The expected answer, or what it had to hold, or 'a refusal'.")
    answer: str = Field(description="What was answered; empty after an error.")
    refused: bool
    error: str = Field(description="Why there is no answer; empty where there is one.")
    citations: list[Shown]
    retrieved: list[str]
    scores: dict[str, Score] = Field(description="By grader; graders that do not apply are left out.")
    measures: dict[str, float] = Field(description="By name, in the units of graders.MEASURES; unknown ones left out.")
    model: str
    prompt: str
    trace_id: str

    @property
    def cited(self) -> list[str]:
        """Sources of the citations, each once, in order."""
        return unique(each.source for each in self.citations)

    @property
    def passed(self) -> bool:
        """Whether every grader that says yes or no said yes."""
        return all(self.scores[name].score == 1 for name in RATES if name in self.scores)

    @property
    def labels(self) -> set[str]:
        """The slices that it belongs to."""
        return labels(self.tags, self.locale, self.caller)


class Metric(_Strict):
    """A grader's scores, or a measure, over the ``n`` cases that it applies to, with the 95 % interval of the mean.

    A case that was asked several times counts once, by its mean.
    """

    n: int
    mean: float
    low: float
    high: float
    p50: float | None = Field(default=None, description="Of measures only, over every single answer.")
    p95: float | None = None


class Verdict(_Strict):
    """What a demand came to."""

    metric: str
    slice: str = Field(default="", description="Tag or locale; empty for all cases.")
    outcome: Literal["passed", "missed", "unclear"] = Field(
        description="unclear: not enough evidence, which is no pass."
    )
    reason: str
    baseline: str = Field(default="", description="Id of the baseline that a margin was held against; else empty.")

    @property
    def passed(self) -> bool:
        """Whether it is certain enough that the demand is met."""
        return self.outcome == "passed"


class Paired(_Strict):
    """One metric of this run and of the baseline, over the cases that both asked."""

    n: int
    before: float
    after: float
    low: float = Field(description="One-sided 95 % bounds of the mean difference, after less before.")
    high: float
    worse: list[str] = Field(description="Ids of the cases that score less than in the baseline.")
    better: list[str]
    p: float = Field(description="How likely chance alone makes so many of the changed cases worse (exact, one-sided).")

    @property
    def difference(self) -> float:
        """Mean of the cases' differences, after less before."""
        return self.after - self.before


class Against(_Strict):
    """A run held against the baseline."""

    baseline: str = Field(description="Id of the run that was accepted.")
    accepted_at: AwareDatetime
    left_out: list[str] = Field(description="Ids of cases that only one of them asked, or that were rewritten since.")
    changed: list[str] = Field(description="What differs between both, of evidence.COMPARED.")
    metrics: dict[str, Paired]
    slices: dict[str, dict[str, Paired]]
    measures: dict[str, Change] = Field(default={}, description="Time, cost and tokens, as metrics are scores.")
    measure_slices: dict[str, dict[str, Change]] = Field(default={}, description="The same by slice.")
    incomparable: dict[str, str] = Field(default={}, description="Measures that are not compared, and why not.")


class Run(_Strict):
    """One run of a suite."""

    id: str
    suite: str
    dataset: str
    started_at: AwareDatetime
    seconds: float
    k: int
    repeat: int = 1
    calls: Literal["live", "replayed"] = Field(
        default="live", description="Whether models were asked, or answered from a recording made earlier."
    )
    times: str = Field(default="", description="Where and how times were taken; those of two runs alike compare.")
    resumed: int = Field(default=0, description="So many answers were taken over from a run that was cut off.")
    digests: dict[str, str] = Field(description="What was measured: evidence.fingerprint.")
    cases: list[CaseResult] = Field(description="Reviewed cases only.")
    unreviewed: list[str] = Field(description="Ids of cases that wait for a person and were not asked.")
    metrics: dict[str, Metric]
    slices: dict[str, dict[str, Metric]] = Field(description="The same metrics by tag, locale:xx and caller:xx.")
    thresholds: dict[str, Threshold]
    verdicts: list[Verdict]
    against: Against | None = Field(default=None, description="None where no baseline was accepted.")

    @property
    def passed(self) -> bool:
        """Whether every threshold is reached."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def score(self) -> float:
        """Share of the answers that passed."""
        return fmean(case.passed for case in self.cases)

    @property
    def asked(self) -> int:
        """How many cases were asked, each once or more."""
        return len({case.id for case in self.cases})


def summarise(cases: Iterable[CaseResult]) -> dict[str, Metric]:
    """Every metric over ``cases``; a metric that no case measures is left out."""
    scores: dict[str, dict[str, list[float]]] = {}
    for case in cases:
        for name, value in {**{name: score.score for name, score in case.scores.items()}, **case.measures}.items():
            scores.setdefault(name, {}).setdefault(case.id, []).append(value)
    return {name: _metric(name, list(scores[name].values())) for name in sorted(scores)}


def _metric(name: str, by_case: list[list[float]]) -> Metric:
    means = [fmean(values) for values in by_case]
    if name not in MEASURES:
        low, high = wilson(sum(means), len(means))
        return Metric(n=len(means), mean=fmean(means), low=low, high=high)
    low, high = mean_interval(means)
    every = sorted(value for values in by_case for value in values)
    half, most = (every[min(len(every) - 1, int(share * len(every)))] for share in (0.5, 0.95))
    return Metric(n=len(means), mean=fmean(means), low=low, high=high, p50=half, p95=most)


def slices(cases: list[CaseResult]) -> dict[str, dict[str, Metric]]:
    """``summarise`` for each tag, locale and caller."""
    return {
        label: summarise(case for case in cases if label in case.labels)
        for label in sorted(set().union(*(case.labels for case in cases)))
    }


def judge(cases: list[CaseResult], suite: SuiteFile) -> list[Verdict]:
    """Hold every threshold of the suite against its metric, over all cases and over its slices.

    Where a grader failed, nothing passes: the run has not measured what it was asked to, whatever else it shows.
    """
    demands = {"": suite.thresholds, **suite.slices}
    broken = [
        Verdict(
            metric=name,
            outcome="unclear",
            reason=f"{name}: the grader failed on {len(told)} answers, which count as 0; mend it. First: {told[0]}.",
        )
        for name, told in failures(cases).items()
    ]
    return broken + [
        verdict
        for label, thresholds in demands.items()
        for metrics in [summarise(case for case in cases if not label or label in case.labels)]
        for name, threshold in thresholds.items()
        for verdict in hold(name, metrics.get(name), threshold, label)
    ]


def hold(name: str, metric: Metric | None, threshold: Threshold, label: str = "") -> Iterator[Verdict]:
    """Hold ``metric`` against what is demanded of it alone; a margin is held against the baseline's, elsewhere."""
    if name in MEASURES and threshold.max is None and threshold.p95 is None:
        return
    where = f"{name} of {label}" if label else name

    def verdict(outcome: Literal["passed", "missed", "unclear"], reason: str) -> Verdict:
        return Verdict(metric=name, slice=label, outcome=outcome, reason=f"{reason}.")

    if metric is None or metric.n < threshold.cases:
        n = metric.n if metric else 0
        measured = f"{n} reviewed cases measure it" if n else "no reviewed case measures it"
        yield verdict("unclear", f"{where}: {measured}, at least {threshold.cases} are demanded; review more")
        return
    found = f"{where} is {metric.mean:.3f} over {metric.n} cases (95 %: {metric.low:.3f} to {metric.high:.3f})"
    if threshold.min == 1:
        missed = metric.mean < 1
        yield verdict("missed" if missed else "passed", f"{found}; 1 is demanded of every case" if missed else found)
    elif threshold.min is not None:
        yield verdict(*_bound(found, metric.mean, metric.low, threshold.min, "at least"))
    if threshold.max is not None:  # mirrored, so that one comparison serves both
        yield verdict(*_bound(found, -metric.mean, -metric.high, -threshold.max, "at most"))
    if threshold.p95 is not None and metric.p95 is not None:
        said = f"{where}: 95 of 100 answers stay below {metric.p95:.3f}"
        missed = metric.p95 > threshold.p95
        yield verdict("missed" if missed else "passed", f"{said}; {threshold.p95:g} is demanded" if missed else said)


def _bound(
    found: str, mean: float, bound: float, demanded: float, at_least: str
) -> tuple[Literal["passed", "missed", "unclear"], str]:
    if bound >= demanded:
        return "passed", found
    if mean < demanded:
        return "missed", f"{found}; {at_least} {abs(demanded):g} is demanded"
    return "unclear", f"{found}; {at_least} {abs(demanded):g} is demanded of the interval too: not enough evidence"


def save(application: Application, run: Run) -> Path:
    """Write ``evals/runs/ID.json`` and its row in the history; answers the file.

    Runs of the suite that are dated later than this moment come from a clock that was wrong; they leave the history,
    since they would count as the newest for ever.
    """
    path = application.settings.path("evals", "runs", f"{run.id}.json")
    data = (run.model_dump_json(indent=2) + "\n").encode()
    write_atomically(path, data)
    ended = timestamp(run)
    with application.state.begin() as connection:
        later = (evaluation_runs.c.suite == run.suite) & (evaluation_runs.c.started_at > ended)
        connection.execute(delete(evaluation_runs).where(later))
        connection.execute(
            insert(evaluation_runs).values(
                id=run.id,
                suite=run.suite,
                started_at=ended,
                passed=int(run.passed),
                score=run.score,
                digests={**run.digests, RECORD_DIGEST: hashlib.sha256(data).hexdigest()},
                record=path.relative_to(application.settings.root).as_posix(),
            )
        )
    return path


def timestamp(run: Run) -> str:
    """When the run started, in the history's format: UTC, fixed width, so that text order is time order."""
    return run.started_at.isoformat(timespec="microseconds")


def newest(application: Application, suite: str) -> Run:
    """The newest run of ``suite``, passed or not, proven to be what was recorded.

    Raises ``EvidenceError`` where there is none, or where its record is gone, changed or not a record.
    """
    row = _row(application, evaluation_runs.c.suite == suite)
    if row is None:
        raise EvidenceError(f"No run of the suite {suite!r} is on record; run 'make eval'.")
    return proven(application, row, "the newest run")


def before(application: Application, run: Run) -> Run | None:
    """The run of the same suite before ``run``, proven; None where there is none."""
    table = evaluation_runs.c
    row = _row(application, (table.suite == run.suite) & (table.started_at < timestamp(run)))
    return proven(application, row, "the run before") if row else None


def recorded(application: Application, run_id: str) -> Run:
    """The run of that id, proven. Raises ``UsageError`` where no run is called so."""
    row = _row(application, evaluation_runs.c.id == run_id)
    if row is None:
        raise UsageError(f"There is no run {run_id!r} on record; the files in evals/runs are named by their runs.")
    return proven(application, row, "the run")


def _row(application: Application, condition: ColumnElement[bool]) -> Row[Any] | None:
    newest_first = evaluation_runs.c.started_at.desc(), evaluation_runs.c.id.desc()
    with application.state.begin() as connection:
        return connection.execute(select(evaluation_runs).where(condition).order_by(*newest_first)).first()


def proven(application: Application, row: Row[Any], named: str) -> Run:
    """The run of a row of the history. Raises ``EvidenceError`` where its record is gone, or is not what was written.

    ``named`` is what messages call the run.
    """
    try:
        data = (application.settings.root / row.record).read_bytes()
    except OSError:
        raise EvidenceError(f"{row.record}, the record of {named}, is gone; run 'make eval'.") from None
    return _proven(row, data)


def _proven(row: Row[Any], data: bytes) -> Run:
    changed = EvidenceError(f"{row.record} is not what the run wrote: it was changed afterwards; run 'make eval'.")
    if hashlib.sha256(data).hexdigest() != row.digests.get(RECORD_DIGEST):
        raise changed
    try:
        run = Run.model_validate_json(data)
    except ValidationError:
        raise changed from None
    told = {**row.digests}
    told.pop(RECORD_DIGEST)
    if (run.id, run.suite, timestamp(run), run.digests) != (row.id, row.suite, row.started_at, told):
        raise changed
    return run


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` is whole or absent, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
