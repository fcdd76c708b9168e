"""Whether the documents are fit, decided from the record of the newest ``data check``."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import delete, insert, select

from ..application import Application
from ..config import load_yaml
from ..errors import DocumentError, EvidenceError
from ..evaluation.record import RECORD_DIGEST, write_atomically
from ..evidence import PACKAGE, digest_files
from ..governance.principal import AccessFile, Directory
from ..retrieval import freshness
from ..retrieval.connectors.settings import WHERE as SOURCES
from ..retrieval.quality import DataRequired, Freshness, Report, check, items_of, judge, page
from ..retrieval.quality.check import digest_of
from ..retrieval.quality.settings import WHERE, load_quality
from ..retrieval.settings import RetrievalFile
from ..state import evaluation_runs
from .stages import Stage

HISTORY = "data check"
"""Its name in the history, which no suite can have."""
RECORD, PAGE = "var/reports/data-check.json", "var/reports/data-check.html"
AGAIN = "run 'make data-check'"


def examine(application: Application, now: datetime) -> Report:
    """Check every document of every source, as it is there now.

    Raises ``DocumentError`` where there is none, ``ConfigurationError`` where a file is wrong.
    """
    settings, before = application.settings, digests(application)
    retrieval = load_yaml(settings.path("config", "retrieval.yaml"), RetrievalFile)
    access = load_yaml(settings.path("data", "access.yaml"), AccessFile)
    directory = Directory(access.callers)
    callers = [directory.get(name) for name in access.callers]
    settings.var.mkdir(parents=True, exist_ok=True)
    with application.index.connected(retrieval) as sources:
        items = items_of(sources, retrieval, access.rules)
        report = check(items, load_quality(settings), retrieval, callers, now, settings.var)
    if not report.documents:
        raise DocumentError(f"There are no documents in any source of {SOURCES}; put some there.")
    seconds = (datetime.now(UTC) - now).total_seconds()
    fresh = {each.origin: _freshness(each) for each in application.index.freshness()}
    told = [source.model_copy(update={"freshness": fresh.get(source.origin)}) for source in report.sources]
    found = {"seconds": seconds, "digests": before | report.digests, "sources": told}
    return report.model_copy(update=found)


def _freshness(each: freshness.Freshness) -> Freshness:
    known = each.age if math.isfinite(each.age) else None
    return Freshness(oldest_seconds=None if known is None else known * 3600, objective_seconds=each.objective * 3600)


def digests(application: Application) -> dict[str, str]:
    """What decides about a check, by SHA-256, as it is now; ``documents`` are those that are indexed."""
    root, scaffold = application.settings.root, PACKAGE / "scaffold"
    code = [path for room in ("retrieval", "guardrails") for path in (scaffold / room).rglob("*.py")]
    return {
        "documents": digest_of(application.index.contents()),
        "index": application.index.digest(),
        "access": digest_files(root, [root / "data/access.yaml"]),
        "rules": digest_files(root, [root / WHERE, root / SOURCES, root / "config/retrieval.yaml"]),
        "code": digest_files(PACKAGE, code),
    }


def save(application: Application, report: Report, required: DataRequired, stage: str) -> None:
    """Write the record and the page, and the record's digest into the history, where it takes the place of the last."""
    data = (report.model_dump_json(indent=2) + "\n").encode()
    write_atomically(application.settings.root / PAGE, page(report, required, stage).encode())
    write_atomically(application.settings.root / RECORD, data)
    at = report.checked_at.isoformat(timespec="microseconds")
    with application.state.begin() as connection:
        connection.execute(delete(evaluation_runs).where(evaluation_runs.c.suite == HISTORY))
        connection.execute(
            insert(evaluation_runs).values(
                id=f"data-{at}",
                suite=HISTORY,
                started_at=at,
                passed=int(not judge(report, required)),
                score=report.score / 100,
                digests={**report.digests, RECORD_DIGEST: hashlib.sha256(data).hexdigest()},
                record=RECORD,
            )
        )


def newest(application: Application) -> Report:
    """The newest report, proven to be what was recorded. Raises ``EvidenceError`` where it is gone or was changed."""
    with application.state.begin() as connection:
        row = connection.execute(select(evaluation_runs).where(evaluation_runs.c.suite == HISTORY)).first()
    if row is None:
        raise EvidenceError(f"No data check is on record; {AGAIN}.")
    try:
        data = (application.settings.root / RECORD).read_bytes()
    except OSError:
        raise EvidenceError(f"{RECORD}, the record of the data check, is gone; {AGAIN}.") from None
    return _proven(data, row.digests)


def _proven(data: bytes, recorded: Mapping[str, str]) -> Report:
    changed = EvidenceError(f"{RECORD} is not what the check wrote: it was changed afterwards; {AGAIN}.")
    if hashlib.sha256(data).hexdigest() != recorded.get(RECORD_DIGEST):
        raise changed
    try:
        return Report.model_validate_json(data)
    except ValidationError:
        raise changed from None


def data(application: Application, stage: Stage) -> str:
    """The newest check is of what is indexed now, recent, and within the limits of the stage."""
    report = newest(application)
    if problems := shortcomings(report, stage.data, digests(application), datetime.now(UTC)):
        raise EvidenceError(f"{'; '.join(problems)}.")
    return f"{report.documents} documents, score {report.score:g} of 100, within every limit, as indexed now."


def shortcomings(report: Report, required: DataRequired, now_there: Mapping[str, str], now: datetime) -> list[str]:
    """Why ``report`` is no evidence for the stage. Its documents are counted and judged again."""
    age = now - report.checked_at
    problems = []
    if changed := [part for part in now_there if report.digests.get(part) != now_there[part]]:
        problems.append(f"{', '.join(changed)} changed since the data check, or were not indexed then ({AGAIN})")
    if age < timedelta(0):
        problems.append(f"the data check is dated in the future, {report.checked_at:%Y-%m-%d %H:%M} UTC ({AGAIN})")
    if age > timedelta(hours=required.max_age_hours):
        hours = age / timedelta(hours=1)
        problems.append(f"the data check is {hours:.0f} h old, at most {required.max_age_hours:g} h count ({AGAIN})")
    if not report.documents:
        problems.append("the data check found no document")
    return problems + [str(excess) for excess in judge(report, required)]
