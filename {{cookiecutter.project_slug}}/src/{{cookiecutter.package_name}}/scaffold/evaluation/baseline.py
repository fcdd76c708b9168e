"""The accepted baseline of a suite, and a run held against it, case by case.

A case is compared with itself: same id, same question, same expectation (``Case.sha256``). What
a ``margin`` then demands is decided in ``margins``. See docs/baselines.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue, ValidationError

from ..application import Application
from ..config import Settings, Strict
from ..errors import ConfigurationError, EvidenceError
from ..evidence import COMPARED, fingerprint
from .dataset import Case
from .margins import compared, decide, named
from .metrics import judge, unknown
from .record import Against, CaseResult, Run, Shown, Verdict
from .relative import TIMED, changes, incomparable
from .store import write_atomically
from .suite import SuiteFile

FOLDER = "evals/baselines"
"""A file a suite. It belongs into git: whoever changes it shows it in a pull request."""

TOLD = 3
"""So many of its shortcomings are told where a run is not accepted; its report names all."""

RESTORE = "restore it from git, or delete it, run 'make eval' and accept a new one with 'eval baseline'."

REMAINING = 0.5
"""Where fewer of the baseline's cases are left than this share, it is a baseline of something else."""


class Kept(Strict):
    """A case as it was answered when the baseline was accepted."""

    id: str
    sha256: str = Field(description="Digest of what was asked and expected.")
    answer: str = Field(description="Of the first attempt.")
    fields: dict[str, JsonValue] = Field(default={}, description="What was extracted or classified.")
    refused: bool
    citations: list[Shown]
    scores: dict[str, float] = Field(description="By grader, the mean over the attempts.")
    measures: dict[str, float] = Field(description="By name, the mean over the attempts.")


class Baseline(Strict):
    """``evals/baselines/NAME.json``."""

    suite: str
    dataset: str
    run: str = Field(description="Id of the run that was accepted.")
    accepted_at: AwareDatetime
    by: str = Field(description="Who accepted it.")
    digests: dict[str, str] = Field(description="What it was measured on: evidence.fingerprint.")
    times: str = Field(default="", description="Where and how its times were taken: Run.times.")
    calls: Literal["live", "replayed", "unknown"] = Field(
        default="unknown",
        description="Whether models were asked: Run.calls. Files from before this was kept do not say.",
    )
    cases: list[Kept]
    sha256: str = Field(default="", description="Of all the rest, so that what was edited by hand is noticed.")

    @property
    def proof(self) -> str:
        """What ``sha256`` has to be. Fields that are as ever do not count: a later version may have more of them."""
        said = self.model_dump_json(exclude={"sha256"}, exclude_defaults=True)
        return hashlib.sha256(said.encode()).hexdigest()


def where(suite: str) -> str:
    """The file of a suite's baseline, below the project's folder."""
    return f"{FOLDER}/{suite}.json"


def baseline_of(run: Run, by: str) -> Baseline:
    """What a baseline keeps of ``run``."""
    made = Baseline(
        suite=run.suite,
        dataset=run.dataset,
        run=run.id,
        accepted_at=datetime.now(UTC),
        by=by,
        digests=run.digests,
        times=run.times,
        calls=run.calls,
        cases=[_kept(attempts) for attempts in _by_case(run.cases).values()],
    )
    return made.model_copy(update={"sha256": made.proof})


def accept(application: Application, run: Run, suite: SuiteFile, by: str, force: bool = False) -> Path:
    """Make ``run`` what later runs are held against; answers the file.

    Raises ``EvidenceError`` where it was not made on what is here now, where a case ended in an error, and, without
    ``force``, where it falls short of a threshold or of the baseline that it would take the place of.
    """
    digests = fingerprint(application, application.settings.path(suite.dataset))
    if changed := [part for part in COMPARED if run.digests.get(part) != digests[part]]:
        raise EvidenceError(f"{run.id}: {', '.join(changed)} changed since the run; run 'make eval', then accept.")
    if failed := sorted({case.id for case in run.cases if case.error}):
        raise EvidenceError(f"{run.id}: no answer came to {named(failed)}; mend that and run 'make eval'.")
    verdicts = judge(run.cases, suite)
    if (before := load(application.settings, suite)) is not None and not force:
        verdicts += against(before, run.cases, suite, run.digests, run.times)[1]
    if (short := [verdict.reason for verdict in verdicts if not verdict.passed]) and not force:
        raise EvidenceError(f"{run.id} falls short{_told(short, run.id)} Accept it all the same with --force.")
    application.audit.append("baseline", suite=suite.name, run=run.id, by=by, forced=force)
    path = application.settings.path(where(suite.name))
    write_atomically(path, (baseline_of(run, by).model_dump_json(indent=1) + "\n").encode())
    return path


def _told(short: list[str], run: str) -> str:
    """The first of the reasons, and how many more there are."""
    first = "; ".join(reason.removesuffix(".") for reason in short[:TOLD])
    if len(short) <= TOLD:
        return f": {first}."
    more = f"{len(short) - TOLD} more, which 'eval report {run} --format text' names"
    return f" of {len(short)} demands: {first}; and {more}."


def load(settings: Settings, suite: SuiteFile) -> Baseline | None:
    """The accepted baseline of ``suite``; None where there is none. Raises ``ConfigurationError`` for a wrong file."""
    path = settings.path(where(suite.name))
    return read(path) if path.exists() else None


def read(path: Path) -> Baseline:
    """The baseline in ``path``. Raises ``ConfigurationError`` where it is none."""
    try:
        found = Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such baseline.") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(f"{path}: {field}: this is no baseline ({first['msg']}); {RESTORE}") from None
    if found.sha256 != found.proof:
        raise ConfigurationError(f"{path}: it is not what was accepted, but was changed afterwards; {RESTORE}")
    return found


def check(baseline: Baseline, cases: Iterable[Case | CaseResult], suite: SuiteFile) -> None:
    """Raise ``ConfigurationError`` where ``cases`` are not what the baseline was measured on."""
    kept = {each.id: each for each in baseline.cases}
    left = {case.id for case in cases if _same(kept.get(case.id), case)}
    remedy = "delete it, run 'make eval' and accept a new one with 'eval baseline'"
    said = f"{where(suite.name)}: the baseline {baseline.run} "
    if baseline.suite != suite.name:
        raise ConfigurationError(f"{said}is of the suite {baseline.suite!r}, not of {suite.name!r}; {remedy}.")
    if baseline.dataset != suite.dataset:
        raise ConfigurationError(f"{said}is of the dataset {baseline.dataset}, not of {suite.dataset}; {remedy}.")
    if len(left) < REMAINING * len(baseline.cases) or not left:
        raise ConfigurationError(
            f"{said}has {len(baseline.cases)} cases, of which {len(left)} are asked as they were; fewer than half say "
            f"nothing about the rest: {remedy}."
        )


def _same(kept: Kept | None, case: Case | CaseResult) -> bool:
    """Whether the baseline has the case as it is asked now."""
    return kept is not None and kept.sha256 == case.sha256


def against(
    baseline: Baseline, cases: list[CaseResult], suite: SuiteFile, digests: Mapping[str, str], times: str = ""
) -> tuple[Against, list[Verdict]]:
    """``cases`` held against the baseline, with a verdict for each margin and each slice that broke one for certain.

    ``digests`` and ``times`` are the run's. Raises ``ConfigurationError`` where the baseline is of other cases (see
    ``check``).
    """
    check(baseline, cases, suite)
    kept, new = {each.id: each for each in baseline.cases}, scores_of(cases)
    old = {id_: each.scores for id_, each in kept.items()}
    both = [case.id for case in cases if case.attempt == 1 and _same(kept.get(case.id), case)]
    asked = set(both)
    labels: dict[str, list[str]] = {}
    for case in cases:
        for label in case.labels if case.attempt == 1 and case.id in asked else ():
            labels.setdefault(label, []).append(case.id)
    why = incomparable(baseline.times, times)
    apart = (dict.fromkeys(TIMED, why) if why else {}) | _unpriced(baseline) | unknown(cases)
    spent = {id_: _without(each.measures, apart) for id_, each in kept.items()}
    spends = {id_: _without(each, apart) for id_, each in measures_of(cases).items()}
    margins = {name: each.margin for name, each in suite.thresholds.items() if each.margin is not None}

    result = Against(
        baseline=baseline.run,
        accepted_at=baseline.accepted_at,
        left_out=sorted((old.keys() | new.keys()) - asked),
        changed=[part for part in COMPARED if baseline.digests.get(part) != digests.get(part)],
        metrics=compared(old, new, both),
        slices={label: compared(old, new, labels[label]) for label in sorted(labels)},
        measures=changes(spent, spends, both, margins),
        measure_slices={label: changes(spent, spends, labels[label], margins) for label in sorted(labels)},
        incomparable=apart,
    )
    return result, list(decide(result, suite))


def _by_case(cases: Iterable[CaseResult]) -> dict[str, list[CaseResult]]:
    found: dict[str, list[CaseResult]] = {}
    for case in cases:
        found.setdefault(case.id, []).append(case)
    return found


def _kept(attempts: list[CaseResult]) -> Kept:
    first = min(attempts, key=lambda case: case.attempt)
    return Kept(
        id=first.id,
        sha256=first.sha256,
        answer=first.answer,
        fields=first.fields,
        refused=first.refused,
        citations=first.citations,
        scores=_means([_scores(case) for case in attempts]),
        measures=_without(_means([case.measures for case in attempts]), unknown(attempts)),
    )


def _unpriced(baseline: Baseline) -> dict[str, str]:
    without = sum("cost" not in each.measures for each in baseline.cases)
    said = (
        f"what {without} of {len(baseline.cases)} answers of the baseline cost is unknown, since a model had no price"
    )
    return {"cost": said} if without else {}


def scores_of(cases: Iterable[CaseResult]) -> dict[str, dict[str, float]]:
    """By case and grader, the mean over the attempts."""
    return {id_: _means([_scores(case) for case in attempts]) for id_, attempts in _by_case(cases).items()}


def measures_of(cases: Iterable[CaseResult]) -> dict[str, dict[str, float]]:
    """By case and measure, the mean over the attempts."""
    return {id_: _means([case.measures for case in attempts]) for id_, attempts in _by_case(cases).items()}


def _without(measures: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if name not in names}


def _scores(case: CaseResult) -> dict[str, float]:
    return {name: score.score for name, score in case.scores.items()}


def _means(attempts: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in attempts for name in each})
    return {name: fmean(each[name] for each in attempts if name in each) for name in names}
