"""The canary: the same cases asked again. Nothing changed on our side; did what answers them?

A vendor may put another model behind the same name. Answers are compared, case by case, with those that somebody
accepted on the same code, configuration, cases and documents: whether they still pass, and whether they are still the
same. How much a model varies by itself is measured when the answers are accepted, by asking twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import ceil, log2

from pydantic import AwareDatetime, Field, ValidationError
from sqlalchemy import select

from ..application import Application
from ..config import Settings, Strict
from ..errors import ConfigurationError, EvidenceError
from ..evidence import COMPARED, fingerprint
from ..observability.names import CANARY_AGE, CANARY_PASSED
from ..state import evaluation_runs
from .graders import fold
from .record import CaseResult, Run, Verdict
from .runner import Progress, run
from .statistics import mcnemar
from .store import write_atomically
from .suite import SuiteFile, load_suite

CANARY = "canary"
"""The suite that is asked: ``evals/suites/canary.yaml``."""

WHERE = "evals/canary.json"
"""What was accepted. It holds no text, and belongs into git: a scheduled job compares with it."""

SIGNIFICANCE = 0.01
"""Each comparison is red below this p-value; a canary that often cries for nothing is soon switched off."""

LEAST = ceil(log2(1 / SIGNIFICANCE))
"""So many cases must change, all for the worse, to turn it red."""

SHOWN = 10
AGAIN = "run 'eval canary --accept' once you are content with the answers, and commit evals/canary.json"


class Accepted(Strict):
    """One case, as it was answered."""

    passed: bool
    answer: str = Field(description="SHA-256 of what was answered.")
    steady: bool = Field(description="Whether it was answered the same when it was asked a second time.")


class Baseline(Strict):
    """``evals/canary.json``."""

    run: str
    accepted_at: AwareDatetime
    digests: dict[str, str] = Field(description="What it was measured on: evidence.fingerprint, and the suite.")
    cases: dict[str, Accepted]


async def canary(application: Application, progress: Progress | None = None) -> Run:
    """Ask the suite's cases and compare; the run on record has passed where nothing says that the model changed.

    Raises ``ConfigurationError``, before anything is asked, where there is no baseline, or one made on something else.
    """
    suite, baseline = load_suite(application.settings, CANARY), _load(application.settings)
    if changed := differences(baseline.digests, _digests(application, suite)):
        raise ConfigurationError(
            f"Your configuration changed since {WHERE} was made ({', '.join(changed)}), so that a difference would say "
            f"nothing about the vendor's model; {AGAIN}."
        )
    return await run(application, suite, progress, lambda cases: compare(baseline.cases, cases))


async def accept(application: Application, progress: Progress | None = None) -> Run:
    """Ask the suite's cases twice and write the baseline; nothing is written unless both runs pass.

    Raises ``EvidenceError`` where nothing could turn the canary red: too few cases pass, or are answered alike twice.
    """
    suite = load_suite(application.settings, CANARY)
    first = await run(application, suite, progress, lambda cases: [_asked(cases)])
    if not first.passed:
        return first
    second = await run(application, suite, progress, lambda cases: [_asked(cases)])
    if differences(first.digests, second.digests):
        raise EvidenceError(f"Something changed while the suite {CANARY!r} was running; run it again.")
    cases = accepted(first.cases, second.cases)
    if max(sum(case.passed for case in cases.values()), sum(case.steady for case in cases.values())) < LEAST:
        raise EvidenceError(
            f"Of {len(cases)} cases fewer than {LEAST} pass, and fewer are answered alike twice: no change would show; "
            f"raise sample in evals/suites/{CANARY}.yaml."
        )
    if second.passed:
        baseline = Baseline(
            run=second.id,
            accepted_at=second.started_at,
            digests={part: _digests(application, suite)[part] for part in (*COMPARED, "suite")},
            cases=cases,
        )
        data = (baseline.model_dump_json(indent=2) + "\n").encode()
        write_atomically(application.settings.path(WHERE), data)
    return second


def accepted(first: Iterable[CaseResult], second: Iterable[CaseResult]) -> dict[str, Accepted]:
    """The cases of two runs, as the first of them answered."""
    again = {case.id: digest(case) for case in second}
    return {
        case.id: Accepted(passed=case.passed, answer=digest(case), steady=again[case.id] == digest(case))
        for case in first
    }


def compare(before: Mapping[str, Accepted], cases: list[CaseResult]) -> list[Verdict]:
    """Whether more cases fail than chance explains, and whether more answers changed than varied when accepted.

    Both pair each case with itself. Cases that ended in an error are no answers: they are named, and not compared.
    """
    pairs = [(case, before[case.id]) for case in cases if not case.error]
    lost = [case.id for case, old in pairs if old.passed and not case.passed]
    won = [case.id for case, old in pairs if case.passed and not old.passed]
    changed = [case.id for case, old in pairs if old.steady and digest(case) != old.answer]
    calmed = [case.id for case, old in pairs if not old.steady and digest(case) == old.answer]
    return [
        _asked(cases),
        _verdict("canary_quality", lost, won, f"of {len(pairs)} cases {len(lost)} fail that passed, {len(won)} pass"),
        _verdict("canary_answers", changed, calmed, f"{len(changed)} of {len(pairs)} answers changed"),
    ]


def digest(case: CaseResult) -> str:
    """SHA-256 of what was answered, whatever its spacing and typography; how passages were fenced is not in it."""
    fields = [case.fields] if case.fields else []  # so that answers without any keep the digest they had
    answered = json.dumps([fold(case.answer), case.refused, sorted(case.cited), *fields], sort_keys=True)
    return hashlib.sha256(answered.encode()).hexdigest()


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The parts that differ, of those that ``now`` has."""
    return [part for part in (*COMPARED, "suite") if part in now and before.get(part) != now[part]]


def publish(application: Application) -> None:
    """Set the metrics of the canary from the newest run on record; where none ever ran, there are none."""
    table = evaluation_runs.c
    query = select(table.started_at, table.passed).where(table.suite == CANARY)
    with application.state.begin() as connection:
        row = connection.execute(query.order_by(table.started_at.desc(), table.id.desc())).first()
    if row is not None:
        age = datetime.now(UTC) - datetime.fromisoformat(row.started_at)
        application.telemetry.observe(CANARY_PASSED, row.passed)
        application.telemetry.observe(CANARY_AGE, age.total_seconds())


def _asked(cases: list[CaseResult]) -> Verdict:
    failed = [case.id for case in cases if case.error]
    reason = f"{len(failed)} of {len(cases)} cases ended in an error{_named(failed)}."
    return Verdict(metric="canary_asked", outcome="missed" if failed else "passed", reason=reason)


def _verdict(metric: str, worse: list[str], better: list[str], found: str) -> Verdict:
    p = mcnemar(len(worse), len(better))
    said, passed = f"{metric}: {found} (p = {p:.2g})", p > SIGNIFICANCE
    if not passed:
        said += f", while nothing changed on our side: the vendor's model changed{_named(worse)}"
    return Verdict(metric=metric, outcome="passed" if passed else "missed", reason=f"{said}.")


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f": {', '.join(ids[:SHOWN])}{more}" if ids else ""


def _digests(application: Application, suite: SuiteFile) -> dict[str, str]:
    named = hashlib.sha256(suite.model_dump_json().encode()).hexdigest()
    return fingerprint(application, application.settings.path(suite.dataset)) | {"suite": named}


def _load(settings: Settings) -> Baseline:
    path = settings.path(WHERE)
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"There is nothing to compare with: {WHERE} is not there; {AGAIN}.") from None
    except (OSError, ValidationError):
        raise ConfigurationError(f"{WHERE} is no baseline of this version; {AGAIN}.") from None
