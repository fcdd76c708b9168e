"""Whether the documents are fit, decided from the record of the newest ``data check``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite

import yaml
from pydantic import ValidationError
from sqlalchemy import delete, insert, select

from ..application import Application
from ..config import Settings, load_yaml
from ..errors import DocumentError, EvidenceError
from ..evaluation.store import DATA_CHECK, RECORD_DIGEST, write_atomically
from ..evidence import PACKAGE, digest_files
from ..governance.principal import AccessFile, Directory, Principal
from ..retrieval import freshness
from ..retrieval.manifest import Manifest
from ..retrieval.quality import DataRequired, Freshness, Report, all_items, check, judge, page
from ..retrieval.quality.check import digest_of
from ..retrieval.quality.settings import load_quality
from ..retrieval.settings import RetrievalFile
from ..state import evaluation_runs
from .stages import Stage

RECORD, PAGE = "var/reports/data-check.json", "var/reports/data-check.html"
AGAIN = "run 'make data-check'"


def examine(application: Application, now: datetime) -> Report:
    """Check every document of every source, as it is there now.

    Raises ``DocumentError`` where there is none, ``SourceError`` where a source cannot be listed, and
    ``ConfigurationError`` where a file is wrong.
    """
    settings = application.settings
    retrieval = load_yaml(settings.path("config", "retrieval.yaml"), RetrievalFile)
    access = load_yaml(settings.path("data", "access.yaml"), AccessFile)
    settings.var.mkdir(parents=True, exist_ok=True)
    items = all_items(settings, retrieval, access.rules)
    before = digests(application)
    report = check(items, load_quality(settings), retrieval, _callers(settings, access), now, settings.var)
    if not report.documents:
        raise DocumentError("There are no documents; put some into data/documents, or see config/sources.yaml.")
    fresh = {each.origin: each for each in application.index.freshness()}
    sources = [source.model_copy(update={"freshness": _told(fresh[source.origin])}) for source in report.sources]
    seconds = (datetime.now(UTC) - now).total_seconds()
    return report.model_copy(update={"seconds": seconds, "digests": before | report.digests, "sources": sources})


def _callers(settings: Settings, access: AccessFile) -> list[Principal]:
    """Who may ask; nobody where their groups are looked up elsewhere, since then nobody knows here which there are."""
    service = yaml.safe_load(settings.path("config", "service.yaml").read_text("utf-8")) or {}
    if (service.get("groups") or {}).get("kind", "file") != "file":
        return []
    directory = Directory(access.callers)
    return [directory.get(name) for name in access.callers]


def _told(fresh: freshness.Freshness) -> Freshness:
    return Freshness(
        oldest_hours=fresh.age if isfinite(fresh.age) else None, objective_hours=fresh.objective, reason=fresh.reason
    )


def digests(application: Application) -> dict[str, str]:
    """What decides about a check, by SHA-256, as it is now; ``documents`` are those that are indexed."""
    root, scaffold = application.settings.root, PACKAGE / "scaffold"
    code = [path for room in ("retrieval", "guardrails") for path in (scaffold / room).rglob("*.py")]
    version = application.index.versions.live(now=True)
    rows = Manifest(application.state, version.id).all() if version else ()
    return {
        "documents": digest_of((row.source, row.sha256) for row in rows),
        "index": application.index.digest(),
        "access": digest_files(root, [root / "data/access.yaml"]),
        "rules": digest_files(root, [root / "config" / f"{name}.yaml" for name in ("quality", "retrieval", "sources")]),
        "code": digest_files(PACKAGE, code),
    }


def save(application: Application, report: Report, required: DataRequired, stage: str) -> None:
    """Write the record and the page, and the record's digest into the history, where it takes the place of the last."""
    data = (report.model_dump_json(indent=2) + "\n").encode()
    write_atomically(application.settings.root / PAGE, page(report, required, stage).encode())
    write_atomically(application.settings.root / RECORD, data)
    at = report.checked_at.isoformat(timespec="microseconds")
    with application.state.begin() as connection:
        connection.execute(delete(evaluation_runs).where(evaluation_runs.c.suite == DATA_CHECK))
        connection.execute(
            insert(evaluation_runs).values(
                id=f"data-{at}",
                suite=DATA_CHECK,
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
        row = connection.execute(select(evaluation_runs).where(evaluation_runs.c.suite == DATA_CHECK)).first()
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
