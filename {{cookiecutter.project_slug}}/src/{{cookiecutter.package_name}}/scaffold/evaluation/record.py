"""The record of a run: self-contained, written once to ``evals/runs``, listed in the state database."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Row, delete, insert, select

from ..application import Application
from ..errors import EvidenceError
from ..state import evaluation_runs
from .graders import RATES, Score
from .statistics import wilson
from .suite import Threshold

RECORD_DIGEST = "record"
"""Key under which the history keeps the digest of the record file itself, beside what the run was measured on."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseResult(_Strict):
    """One case: what was asked, expected and got."""

    id: str
    question: str
    caller: str
    locale: str
    tags: list[str]
    expected: str = Field(description="The expected answer, or what it had to hold, or 'a refusal'.")
    answer: str = Field(description="What was answered; empty after an error.")
    refused: bool
    error: str = Field(description="Why there is no answer; empty where there is one.")
    cited: list[str]
    retrieved: list[str]
    scores: dict[str, Score] = Field(description="By grader; graders that do not apply are left out.")
    model: str
    prompt: str
    trace_id: str

    @property
    def passed(self) -> bool:
        """Whether every grader that says yes or no said yes."""
        return all(self.scores[name].score == 1 for name in RATES if name in self.scores)


class Metric(_Strict):
    """Mean of a grader's scores over the ``n`` cases it applies to; rates with their 95 % interval."""

    n: int
    mean: float
    low: float | None = None
    high: float | None = None


class Verdict(_Strict):
    """A threshold held against its metric."""

    metric: str
    passed: bool
    reason: str


class Run(_Strict):
    """One run of a suite."""

    id: str
    suite: str
    dataset: str
    started_at: AwareDatetime
    seconds: float
    k: int
    digests: dict[str, str] = Field(description="What was measured: evidence.fingerprint.")
    cases: list[CaseResult] = Field(description="Reviewed cases only.")
    unreviewed: list[str] = Field(description="Ids of cases that wait for a person and were not asked.")
    metrics: dict[str, Metric]
    slices: dict[str, dict[str, Metric]] = Field(description="The same metrics by tag and by locale:xx.")
    thresholds: dict[str, Threshold]
    verdicts: list[Verdict]

    @property
    def passed(self) -> bool:
        """Whether every threshold is reached."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def score(self) -> float:
        """Share of the cases that passed."""
        return fmean(case.passed for case in self.cases)


def summarise(cases: Iterable[CaseResult]) -> dict[str, Metric]:
    """Every metric over ``cases``; a metric that no case measures is left out."""
    scores: dict[str, list[float]] = {}
    for case in cases:
        for name, score in case.scores.items():
            scores.setdefault(name, []).append(score.score)
    return {name: _metric(name, scores[name]) for name in sorted(scores)}


def _metric(name: str, scores: list[float]) -> Metric:
    low, high = wilson(sum(scores), len(scores)) if name in RATES else (None, None)
    return Metric(n=len(scores), mean=fmean(scores), low=low, high=high)


def slices(cases: list[CaseResult]) -> dict[str, dict[str, Metric]]:
    """``summarise`` for each tag and each locale."""
    labels = {case.id: {*case.tags, f"locale:{case.locale}"} for case in cases}
    return {
        label: summarise(case for case in cases if label in labels[case.id])
        for label in sorted(set().union(*labels.values()))
    }


def judge(metrics: Mapping[str, Metric], thresholds: Mapping[str, Threshold]) -> list[Verdict]:
    """Hold each threshold against its metric. What was not measured is not reached."""
    return [_judge(name, metrics.get(name), threshold) for name, threshold in thresholds.items()]


def _judge(name: str, metric: Metric | None, threshold: Threshold) -> Verdict:
    if metric is None:
        nothing = f"{name}: no reviewed case measures it; add one, or drop the threshold."
        return Verdict(metric=name, passed=False, reason=nothing)
    found = f"{name} is {metric.mean:.3f} over {metric.n} cases"
    if metric.low is not None:
        found += f" (95 %: {metric.low:.3f} to {metric.high:.3f})"
    missed = [f"at least {threshold.min:g} is demanded"] if metric.mean < threshold.min else []
    if threshold.lower_bound is not None and (metric.low is None or metric.low < threshold.lower_bound):
        missed.append(f"a lower bound of at least {threshold.lower_bound:g} is demanded")
    return Verdict(metric=name, passed=not missed, reason=f"{'; '.join([found, *missed])}.")


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
    newest_first = evaluation_runs.c.started_at.desc(), evaluation_runs.c.id.desc()
    query = select(evaluation_runs).where(evaluation_runs.c.suite == suite).order_by(*newest_first)
    with application.state.begin() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise EvidenceError(f"No run of the suite {suite!r} is on record; run 'make eval'.")
    path = application.settings.root / row.record
    try:
        data = path.read_bytes()
    except OSError:
        raise EvidenceError(f"{row.record}, the record of the newest run, is gone; run 'make eval'.") from None
    return _proven(row, data)


def _proven(row: Row[tuple[object, ...]], data: bytes) -> Run:
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
