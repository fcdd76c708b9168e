"""Ask every reviewed case and grade what comes back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy import select

from ..application import Application
from ..config import load_yaml, nearest
from ..errors import ConfigurationError, EvidenceError, ScaffoldError, UsageError
from ..evidence import COMPARED, fingerprint
from ..governance.principal import AccessFile, Principal
from ..models.recording import Player, missing
from ..observability import Call, calling
from ..observability.calls import EVALUATION, Meter
from ..retrieval import Passage
from ..retrieval.access import access_of
from ..state import documents
from ..usecase import name_of
from .agreement import proven
from .baseline import against, check, load
from .cases.leakage import unfair
from .cases.lines import places
from .dataset import Case, load_cases, sample
from .graders import Grade, Observation, Score, grade, spelled
from .journal import Journal
from .judging import Judge, judge_of
from .metrics import judge as judge_scores
from .metrics import slices, summarise
from .parity import with_parity
from .record import CaseResult, Run, Shown, Verdict
from .relative import times
from .store import save, writable
from .suite import SuiteFile, graders_of, located

Progress = Callable[[int, int], None]
Compare = Callable[[list[CaseResult]], list[Verdict]]


async def run(
    application: Application,
    suite: SuiteFile,
    progress: Progress | None = None,
    compare: Compare | None = None,
    resume: bool = False,
) -> Run:
    """Ask the suite's reviewed cases, grade the answers, write the record and answer it.

    ``progress`` is told how many answers of how many are there; ``compare`` adds its verdicts; ``resume`` takes over
    what a run of the same suite on the same things had got when it was cut off. A case that raises or takes too long
    has failed and the run goes on. Where a baseline was accepted, the run is held against it. Raises
    ``ConfigurationError`` for a mistake in the dataset, a slice that no case has, a baseline of other cases, and what
    no case can be asked with, such as a missing key; ``EvidenceError`` where no case is reviewed, where code,
    configuration or index change meanwhile: the results would belong to neither, and where they cannot be written;
    ``UsageError`` where such a run is under way, and ``OSError``, before anything is asked, where no record could be
    written.
    """
    path = application.settings.path(suite.dataset)
    everything = load_cases(path)
    cases = sample(reviewed(everything), suite.sample)
    if not cases:
        raise EvidenceError(
            f"{path} holds no reviewed case ({len(everything)} wait for review); review some, then run again."
        )
    _no_empty_slice(application, suite, cases)
    if (baseline := load(application.settings, suite)) is not None:
        check(baseline, cases, suite)
    callers = {case.id: caller_of(application, suite, case) for case in cases}
    graders = graders_of(application.settings, suite)
    digests = fingerprint(application, path)
    visible = _visible(application, callers.values())
    judge = judge_of(application, suite)
    writable(application.settings.path("evals", "runs"))  # known now, not when everything was asked
    start = time.perf_counter()
    tape = application.models.tape
    calls: Literal["live", "replayed"] = "replayed" if isinstance(tape, Player) else "live"
    with Journal.open(application.settings, suite, digests, resume, calls) as journal:
        taken = dict(journal.taken)
        gate, done, total = asyncio.Semaphore(suite.concurrency), len(taken), len(cases) * suite.repeat

        def noted(case: Case, attempt: int, observed: Observation, judged: Mapping[str, Score]) -> CaseResult:
            result = _result(case, attempt, observed, graders, judged)
            journal.add(result)
            return result

        async def one(case: Case, attempt: int) -> CaseResult:
            nonlocal done
            if (before := taken.get((case.id, attempt))) is not None:
                return before
            async with gate:
                observed = await _observe(application, suite, case, callers[case.id], visible[callers[case.id].id])
                judged = await _judged(application, judge, case, callers[case.id], observed) if judge else {}
            # in a thread: a grader and the disk may take their time
            result = await asyncio.to_thread(noted, case, attempt, observed, judged)
            done += 1
            if progress:
                progress(done, total)
            return result

        attempts = range(1, suite.repeat + 1)
        results = with_parity(await _all(one(case, attempt) for case in cases for attempt in attempts))
        now = fingerprint(application, path)
        if changed := [part for part in COMPARED if now[part] != digests[part]]:
            raise EvidenceError(
                f"{', '.join(changed)} changed while the suite {suite.name!r} was running; run it again."
            )
        if said := missing(tape):  # also where the use case made something of it
            raise ConfigurationError(said)
        taken_at = times(calls, suite.concurrency)
        held, verdicts = against(baseline, results, suite, digests, taken_at) if baseline else (None, [])
        record = Run(
            id=f"{journal.started_at:%Y%m%dT%H%M%SZ}-{suite.name}-{secrets.token_hex(3)}",
            suite=suite.name,
            dataset=suite.dataset,
            started_at=journal.started_at,
            seconds=round(time.perf_counter() - start, 3),
            k=suite.k,
            repeat=suite.repeat,
            calls=calls,
            times=taken_at,
            resumed=len(taken),
            digests=digests,
            cases=results,
            unreviewed=[case.id for case in everything if case.review.state == "unreviewed"],
            metrics=summarise(results),
            slices=slices(results),
            thresholds=suite.thresholds,
            slice_thresholds=suite.slices,
            verdicts=[
                *judge_scores(results, suite),
                *proven(application, suite),
                *unfair(application.prompts, cases),
                *verdicts,
                *(compare(results) if compare else ()),
            ],
            against=held,
        )
        save(application, record)
        journal.finished()
    return record


def reviewed(cases: Iterable[Case]) -> list[Case]:
    """Those that a person stands behind: only they count."""
    return [case for case in cases if case.review.state == "reviewed"]


def _no_empty_slice(application: Application, suite: SuiteFile, cases: list[Case]) -> None:
    known = sorted(set().union(*(case.labels for case in cases)))
    for label in suite.slices:
        if label not in known:
            at = located(application.settings, suite, "slices", label)
            raise ConfigurationError(
                f"{at}: no reviewed case of {suite.dataset} is in this slice{nearest(label, known)}; "
                "tag some cases with it, or drop it."
            )


async def _all(asking: Iterable[Coroutine[None, None, CaseResult]]) -> list[CaseResult]:
    """Every result, in order. What ends one with more than a failed case ends all, before this returns."""
    tasks = [asyncio.ensure_future(each) for each in asking]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _judged(
    application: Application, judge: Judge, case: Case, caller: Principal, observed: Observation
) -> dict[str, Score]:
    with calling(Call(caller.id, EVALUATION, tuple(sorted(caller.groups)), name_of(application.usecase))):
        return await judge.scores(case, observed)


def caller_of(application: Application, suite: SuiteFile, case: Case) -> Principal:
    """Whom a case is asked as. Raises ``ConfigurationError`` where nobody is called so."""
    try:
        found = application.index.directory.get(case.caller)
    except UsageError as error:
        line = places(application.settings.path(suite.dataset).read_bytes()).get(case.id, 1)
        raise ConfigurationError(f"{suite.dataset}:{line}: caller: case {case.id!r}: {error}") from None
    return replace(found, locale=case.locale)


def _visible(application: Application, callers: Iterable[Principal]) -> dict[str, frozenset[str]]:
    """What the rules as written let each caller see: the index is graded against them, not against itself."""
    rules = load_yaml(application.settings.path("data", "access.yaml"), AccessFile).rules
    with application.state.begin() as connection:
        sources = connection.execute(select(documents.c.source)).scalars().all()
    named = {source: access for source in sources if (access := access_of(source, rules))}
    return {
        caller.id: frozenset(s for s, a in named.items() if caller.names & set(a.allow) - _denied(caller, a.deny))
        for caller in callers
    }


async def _observe(
    application: Application, suite: SuiteFile, case: Case, caller: Principal, visible: frozenset[str]
) -> Observation:
    meter, took, answer = Meter(), 0.0, None
    call = Call(caller.id, EVALUATION, tuple(sorted(caller.groups)), name_of(application.usecase), meter)
    passages: Sequence[Passage] = ()
    error, late = "", False
    try:
        async with asyncio.timeout(suite.timeout):
            start = time.perf_counter()
            with calling(call):
                answer = await application.ask(case.question, caller, channel=EVALUATION)
            took = time.perf_counter() - start + meter.recorded_seconds
            passages = await _retrieved(application, suite, case, caller, call)
    except ConfigurationError:
        raise
    except TimeoutError:
        late = True
        error = f"no answer within {suite.timeout:g} s"
    except ScaffoldError as failure:
        error = str(failure)
    except Exception as failure:  # noqa: BLE001 - a use case may raise anything; that is a failed case, not a failed run
        error = f"{type(failure).__name__}: {failure}"
    if error:
        answer = None
    # a quick error is no quick answer
    measures = {"latency": suite.timeout if late else took} if answer or late else {}
    if meter.calls:
        measures |= {"input_tokens": float(meter.input_tokens), "output_tokens": float(meter.output_tokens)}
    if meter.dollars is not None:
        measures["cost"] = meter.dollars
    shown = tuple(passage.source for passage in passages)
    return Observation(answer, shown, visible, error, measures, tuple(sorted(meter.unpriced)))


async def _retrieved(
    application: Application, suite: SuiteFile, case: Case, caller: Principal, call: Call
) -> Sequence[Passage]:
    """What the index gives for the question: as found on the way to the answer, or else by a search of our own."""
    found: Sequence[Passage] | None = call.searched.get((case.question, caller, suite.k))
    if found is None:
        with calling(replace(call, meter=Meter())):  # ours is not to be paid by the use case
            found = await asyncio.to_thread(application.index.search, case.question, caller, suite.k)
    return found


def _denied(caller: Principal, deny: Iterable[str]) -> frozenset[str]:
    """All of the caller's names where one of them is denied."""
    return caller.names if caller.names & set(deny) else frozenset()


def _result(
    case: Case, attempt: int, observed: Observation, graders: Mapping[str, Grade], judged: Mapping[str, Score]
) -> CaseResult:
    answer = observed.answer
    return CaseResult(
        id=case.id,
        attempt=attempt,
        sha256=case.sha256,
        question=case.question,
        caller=case.caller,
        locale=case.locale,
        tags=case.tags,
        pair=case.pair,
        expected="a refusal" if case.expected.refusal else _wanted(case),
        answer=answer.answer if answer else "",
        fields=answer.fields if answer else {},
        refused=answer.refused if answer else False,
        error=observed.error,
        citations=[
            Shown(source=each.source, title=each.title, passage=each.passage)
            for each in (answer.citations if answer else ())
        ],
        retrieved=list(observed.retrieved),
        scores={**grade(case, observed, graders), **judged},
        measures={name: round(value, 6) for name, value in observed.measures.items()},
        unpriced=list(observed.unpriced),
        model=answer.model if answer else "",
        prompt=answer.prompt if answer else "",
        trace_id=answer.trace_id if answer else "",
    )


def _wanted(case: Case) -> str:
    """What a case demands that has an answer, in words."""
    expected = case.expected
    included = ", ".join(item if isinstance(item, str) else " or ".join(item) for item in expected.must_include)
    number = f"{expected.number.value:g} {expected.number.unit}".strip() if expected.number else ""
    fields = ({"label": expected.label} if expected.label else {}) | expected.fields
    return "\n".join(filter(None, [expected.answer or included or number, spelled(fields)]))
