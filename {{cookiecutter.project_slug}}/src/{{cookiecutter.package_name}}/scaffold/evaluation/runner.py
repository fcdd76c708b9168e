"""Ask every reviewed case and grade what comes back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select

from ..application import Application
from ..config import load_yaml
from ..errors import ConfigurationError, EvidenceError, ScaffoldError, UsageError
from ..evidence import COMPARED, fingerprint
from ..governance.principal import AccessFile, Principal
from ..observability import Call, calling
from ..observability.calls import EVALUATION
from ..retrieval.access import access_of
from ..state import documents
from ..usecase import name_of
from .dataset import Case, load_cases, sample
from .graders import Observation, grade
from .record import CaseResult, Run, Verdict, judge, save, slices, summarise
from .suite import SuiteFile

Progress = Callable[[int, int], None]
Compare = Callable[[list[CaseResult]], list[Verdict]]


async def run(
    application: Application, suite: SuiteFile, progress: Progress | None = None, compare: Compare | None = None
) -> Run:
    """Ask the suite's reviewed cases, grade the answers, write the record and answer it.

    ``progress`` is told how many cases of how many are done; ``compare`` adds its verdicts. A case that raises or takes
    too long has failed and the run goes on. Raises ``ConfigurationError`` for a mistake in the dataset and for what no
    case can be asked with, such as a missing key; ``EvidenceError`` where no case is reviewed, and where code,
    configuration or index change meanwhile: the results would belong to neither.
    """
    path = application.settings.path(suite.dataset)
    everything = load_cases(path)
    cases = sample([case for case in everything if case.review.state == "reviewed"], suite.sample)
    if not cases:
        raise EvidenceError(
            f"{path} holds no reviewed case ({len(everything)} wait for review); review some, then run again."
        )
    callers = {case.id: caller_of(application, suite, case) for case in cases}
    digests = fingerprint(application, path)
    started_at, start = datetime.now(UTC), time.perf_counter()
    gate, done = asyncio.Semaphore(suite.concurrency), 0

    async def one(case: Case) -> CaseResult:
        nonlocal done
        async with gate:
            observed = await _observe(application, suite, case, callers[case.id])
        done += 1
        if progress:
            progress(done, len(cases))
        return _result(case, observed)

    results = list(await asyncio.gather(*(one(case) for case in cases)))
    seconds = time.perf_counter() - start
    now = fingerprint(application, path)
    if changed := [part for part in COMPARED if now[part] != digests[part]]:
        raise EvidenceError(f"{', '.join(changed)} changed while the suite {suite.name!r} was running; run it again.")
    metrics = summarise(results)
    record = Run(
        id=f"{started_at:%Y%m%dT%H%M%SZ}-{suite.name}-{secrets.token_hex(3)}",
        suite=suite.name,
        dataset=suite.dataset,
        started_at=started_at,
        seconds=round(seconds, 3),
        k=suite.k,
        digests=digests,
        cases=results,
        unreviewed=[case.id for case in everything if case.review.state != "reviewed"],
        metrics=metrics,
        slices=slices(results),
        thresholds=suite.thresholds,
        verdicts=judge(metrics, suite.thresholds) + (compare(results) if compare else []),
    )
    save(application, record)
    return record


def caller_of(application: Application, suite: SuiteFile, case: Case) -> Principal:
    """Whom a case is asked as. Raises ``ConfigurationError`` where nobody is called so."""
    try:
        found = application.index.directory.get(case.caller)
    except UsageError as error:
        raise ConfigurationError(f"{suite.dataset}: case {case.id!r}: {error}") from None
    return replace(found, locale=case.locale)


def _visible(application: Application, caller: Principal) -> frozenset[str]:
    """What the rules as written let the caller see: the index is graded against them, not against itself."""
    rules = load_yaml(application.settings.path("data", "access.yaml"), AccessFile).rules
    with application.state.begin() as connection:
        sources = connection.execute(select(documents.c.source)).scalars().all()
    named = {source: access for source in sources if (access := access_of(source, rules))}
    names = caller.names
    return frozenset(s for s, a in named.items() if names & set(a.allow) and not names & set(a.deny))


async def _observe(application: Application, suite: SuiteFile, case: Case, caller: Principal) -> Observation:
    visible = _visible(application, caller)
    try:
        async with asyncio.timeout(suite.timeout):
            groups, use_case = tuple(sorted(caller.groups)), name_of(application.usecase)
            with calling(Call(caller.id, EVALUATION, groups, use_case)):
                passages = await asyncio.to_thread(application.index.search, case.question, caller, suite.k)
            answer = await application.ask(case.question, caller, channel=EVALUATION)
    except ConfigurationError:
        raise
    except TimeoutError:
        return Observation(None, visible=visible, error=f"no answer within {suite.timeout:g} s")
    except ScaffoldError as error:
        return Observation(None, visible=visible, error=str(error))
    except Exception as error:  # noqa: BLE001 - a use case may raise anything; that is a failed case, not a failed run
        return Observation(None, visible=visible, error=f"{type(error).__name__}: {error}")
    return Observation(answer, tuple(passage.source for passage in passages), visible)


def _result(case: Case, observed: Observation) -> CaseResult:
    answer = observed.answer
    wanted = [item if isinstance(item, str) else " or ".join(item) for item in case.expected.must_include]
    return CaseResult(
        id=case.id,
        question=case.question,
        caller=case.caller,
        locale=case.locale,
        tags=case.tags,
        expected="a refusal" if case.expected.refusal else case.expected.answer or ", ".join(wanted),
        answer=answer.answer if answer else "",
        refused=answer.refused if answer else False,
        error=observed.error,
        cited=observed.cited,
        retrieved=list(observed.retrieved),
        scores=grade(case, observed),
        model=answer.model if answer else "",
        prompt=answer.prompt if answer else "",
        trace_id=answer.trace_id if answer else "",
    )
