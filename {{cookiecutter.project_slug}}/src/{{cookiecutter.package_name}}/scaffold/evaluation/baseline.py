"""The accepted baseline of a suite, and a run held against it, case by case.

A case is compared with itself: same id, same question, same expectation (``Case.sha256``). Decided is non-inferiority:
a metric with a ``margin`` has passed where it is certain enough that it lost less than that. See docs/baselines.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from pydantic import AwareDatetime, Field, JsonValue, ValidationError

from ..application import Application
from ..config import Settings, Strict
from ..errors import ConfigurationError, EvidenceError
from ..evidence import COMPARED, fingerprint
from .dataset import Case
from .metrics import judge
from .record import Against, CaseResult, Paired, Run, Shown, Verdict
from .statistics import SIGNIFICANCE, holm, mcnemar, paired_bounds
from .store import write_atomically
from .suite import SuiteFile

FOLDER = "evals/baselines"
"""A file a suite. It belongs into git: whoever changes it shows it in a pull request."""

REMAINING = 0.5
"""Where fewer of the baseline's cases are left than this share, it is a baseline of something else."""

SHOWN = 10


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
    cases: list[Kept]


def where(suite: str) -> str:
    """The file of a suite's baseline, below the project's folder."""
    return f"{FOLDER}/{suite}.json"


def baseline_of(run: Run, by: str) -> Baseline:
    """What a baseline keeps of ``run``."""
    return Baseline(
        suite=run.suite,
        dataset=run.dataset,
        run=run.id,
        accepted_at=datetime.now(UTC),
        by=by,
        digests=run.digests,
        cases=[_kept(attempts) for attempts in _by_case(run.cases).values()],
    )


def accept(application: Application, run: Run, suite: SuiteFile, by: str, force: bool = False) -> Path:
    """Make ``run`` what later runs are held against; answers the file.

    Raises ``EvidenceError`` where it was not made on what is here now, where a case ended in an error, and, without
    ``force``, where it falls short of a threshold or of the baseline that it would take the place of.
    """
    digests = fingerprint(application, application.settings.path(suite.dataset))
    if changed := [part for part in COMPARED if run.digests.get(part) != digests[part]]:
        raise EvidenceError(f"{run.id}: {', '.join(changed)} changed since the run; run 'make eval', then accept.")
    if failed := sorted({case.id for case in run.cases if case.error}):
        raise EvidenceError(f"{run.id}: no answer came to {_named(failed)}; mend that and run 'make eval'.")
    verdicts = judge(run.cases, suite)
    if (before := load(application.settings, suite)) is not None and not force:
        verdicts += against(before, run.cases, suite, run.digests)[1]
    if (short := [verdict.reason for verdict in verdicts if not verdict.passed]) and not force:
        raise EvidenceError(f"{run.id} falls short: {' '.join(short)} Accept it all the same with --force.")
    application.audit.append("baseline", suite=suite.name, run=run.id, by=by, forced=force)
    path = application.settings.path(where(suite.name))
    write_atomically(path, (baseline_of(run, by).model_dump_json(indent=1) + "\n").encode())
    return path


def load(settings: Settings, suite: SuiteFile) -> Baseline | None:
    """The accepted baseline of ``suite``; None where there is none. Raises ``ConfigurationError`` for a wrong file."""
    path = settings.path(where(suite.name))
    return read(path) if path.exists() else None


def read(path: Path) -> Baseline:
    """The baseline in ``path``. Raises ``ConfigurationError`` where it is none."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such baseline.") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(
            f"{path}: {field}: this is no baseline ({first['msg']}); restore it from git, or delete it, run "
            f"'make eval' and accept a new one with 'eval baseline'."
        ) from None


def check(baseline: Baseline, cases: Iterable[Case | CaseResult], suite: SuiteFile) -> None:
    """Raise ``ConfigurationError`` where ``cases`` are not what the baseline was measured on."""
    kept = {each.id: each for each in baseline.cases}
    left = {case.id for case in cases if _same(kept.get(case.id), case)}
    remedy = "delete it, run 'make eval' and accept a new one with 'eval baseline'"
    said = f"{where(suite.name)}: the baseline {baseline.run} "
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
    baseline: Baseline, cases: list[CaseResult], suite: SuiteFile, digests: Mapping[str, str]
) -> tuple[Against, list[Verdict]]:
    """``cases`` held against the baseline, with a verdict for each margin and each slice that lost significantly.

    Raises ``ConfigurationError`` where the baseline is of other cases (see ``check``).
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

    result = Against(
        baseline=baseline.run,
        accepted_at=baseline.accepted_at,
        left_out=sorted((old.keys() | new.keys()) - asked),
        changed=[part for part in COMPARED if baseline.digests.get(part) != digests.get(part)],
        metrics=compared(old, new, both),
        slices={label: compared(old, new, labels[label]) for label in sorted(labels)},
    )
    return result, list(decide(result, suite))


def decide(found: Against, suite: SuiteFile) -> Iterator[Verdict]:
    """A verdict for each margin, and one for each slice that breaks it beyond chance.

    A margin has passed where the lower bound lies above it, is missed where it does not and the exact test says that
    more cases got worse than chance explains, and unclear otherwise. Slices are too small to be held to a margin that
    nobody set for them: of all slices together, one breaks it by chance with a probability of 5 % at most (Holm).
    """
    for label, thresholds in {"": suite.thresholds, **suite.slices}.items():
        metrics = found.slices.get(label, {}) if label else found.metrics
        for name, threshold in thresholds.items():
            if threshold.margin is not None:
                yield _hold(name, label, metrics.get(name), threshold.margin, threshold.cases)
    margins = {name: each.margin for name, each in suite.thresholds.items() if each.margin is not None}
    tried = [
        (label, name, paired)
        for label, metrics in found.slices.items()
        for name, paired in metrics.items()
        if name in margins and paired.n < found.metrics[name].n  # a slice of every case is none
    ]
    lost = holm([paired.p for _, _, paired in tried])
    for (label, name, paired), beyond_chance in zip(tried, lost, strict=True):
        if beyond_chance and paired.low <= -margins[name]:
            said = f"{name} of {label}"
            reason = f"{_told(said, paired)}; that is beyond chance, however many slices there are{_worse(paired)}."
            yield Verdict(metric=name, slice=label, outcome="missed", reason=reason)


def _hold(name: str, label: str, paired: Paired | None, margin: float, cases: int) -> Verdict:
    said = f"{name} of {label}" if label else name
    if paired is None or paired.n < cases:
        n = paired.n if paired else 0
        reason = f"{said}: {n} cases measure it both in the baseline and now, at least {cases} are demanded."
        return Verdict(metric=name, slice=label, outcome="unclear", reason=reason)
    told = _told(said, paired)
    if paired.low > -margin:
        return Verdict(metric=name, slice=label, outcome="passed", reason=f"{told}.")
    if paired.p <= SIGNIFICANCE and paired.after < paired.before:
        reason = f"{told}; at most {margin:g} may be lost, and chance does not explain it{_worse(paired)}."
        return Verdict(metric=name, slice=label, outcome="missed", reason=reason)
    reason = f"{told}; a loss of {margin:g} is not ruled out: not enough evidence{_worse(paired)}."
    return Verdict(metric=name, slice=label, outcome="unclear", reason=reason)


def compared(
    old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]], ids: list[str]
) -> dict[str, Paired]:
    """Every metric that both have of some of the cases ``ids``, over the cases of which both have it."""
    shared: dict[str, list[str]] = {}
    for id_ in ids:
        for name in new[id_].keys() & old[id_].keys():
            shared.setdefault(name, []).append(id_)
    return {
        name: pair({i: old[i][name] for i in having}, {i: new[i][name] for i in having})
        for name, having in sorted(shared.items())
    }


def pair(before: Mapping[str, float], after: Mapping[str, float]) -> Paired:
    """One metric's scores by case, on both sides."""
    worse = [case for case in before if after[case] < before[case]]
    better = [case for case in before if after[case] > before[case]]
    low, high = paired_bounds([after[case] - before[case] for case in before])
    return Paired(
        n=len(before),
        before=fmean(before.values()),
        after=fmean(after[case] for case in before),
        low=low,
        high=high,
        worse=worse,
        better=better,
        p=mcnemar(len(worse), len(better)),
    )


def _told(said: str, paired: Paired) -> str:
    went = f"{said} went from {paired.before:.3f} to {paired.after:.3f} over {paired.n} cases"
    return (
        f"{went} ({paired.difference:+.3f}, 95 % certain above {paired.low:+.3f}; "
        f"{len(paired.worse)} worse, {len(paired.better)} better, p = {paired.p:.2g})"
    )


def _worse(paired: Paired) -> str:
    return f". Worse: {_named(paired.worse)}" if paired.worse else ""


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{', '.join(ids[:SHOWN])}{more}"


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
        measures=_means([case.measures for case in attempts]),
    )


def scores_of(cases: Iterable[CaseResult]) -> dict[str, dict[str, float]]:
    """By case and grader, the mean over the attempts."""
    return {id_: _means([_scores(case) for case in attempts]) for id_, attempts in _by_case(cases).items()}


def _scores(case: CaseResult) -> dict[str, float]:
    return {name: score.score for name, score in case.scores.items()}


def _means(attempts: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in attempts for name in each})
    return {name: fmean(each[name] for each in attempts if name in each) for name in names}
