"""A look over the project: what is in order, and what needs mending."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .application import Application
from .config import Settings
from .errors import ScaffoldError
from .readiness.checks import conflicts
from .schemas import write
from .serving.settings import follow

NOTICE_DAYS = 90
"""A model in use that its vendor takes away sooner has to be replaced by now."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    good: bool
    detail: str


def examine(settings: Settings, build: Callable[[Settings], Application]) -> list[Finding]:
    """Look at everything that a first answer needs; never raises for what it finds."""
    findings = [
        Finding("python", True, platform.python_version()),
        Finding("project", True, str(settings.root)),
        _schemas(settings),
        _conflicts(settings),
    ]
    try:
        with build(settings) as application:
            findings.extend(_parts(application))
    except ScaffoldError as error:
        findings.append(Finding("start", False, str(error)))
    return findings


def _schemas(settings: Settings) -> Finding:
    stale = write(settings.path("schemas"), dry=True)
    names = ", ".join(path.name for path in stale)
    return Finding("schemas", not stale, f"{names} differ from the code; run 'schemas'" if stale else "current")


def _conflicts(settings: Settings) -> Finding:
    left = conflicts(settings.root)
    return Finding("conflicts", not left, f"left by an update in {', '.join(left)}; resolve them" if left else "none")


def _parts(application: Application) -> Iterator[Finding]:
    for role in application.models.roles:
        reason = application.models.unusable(role)
        yield Finding(f"role {role}", not reason, reason or application.models.describe(role).label)
    for name, day in application.models.retiring(date.today() + timedelta(days=NOTICE_DAYS)).items():
        yield Finding(f"model {name}", False, f"retires on {day}; find another one with 'eval matrix'")
    yield _followed(application)
    reason = application.models.limits_error
    yield Finding("limits", not reason, reason or application.models.spending.limits.summary)
    yield _index(application)
    try:
        verification = application.audit.verify()
        yield Finding("audit log", verification.ok, verification.message)
    except ScaffoldError as error:
        yield Finding("audit log", False, str(error))


def _followed(application: Application) -> Finding:
    try:
        follow(application.settings, application.live)
    except ScaffoldError as error:
        return Finding("configuration", False, str(error))
    errors = application.live.errors()
    wrong = [error for error in errors.values() if error]
    return Finding("configuration", not wrong, " ".join(wrong) or f"in use: {', '.join(errors)}")


def _index(application: Application) -> Finding:
    count = application.index.documents()
    try:
        missing = application.index.missing()
    except ScaffoldError as error:
        return Finding("index", False, str(error))
    if not count or missing:
        found = f"{len(missing)} of {count} documents are missing" if count else "empty"
        return Finding("index", False, f"{found}; run 'make ingest'")
    return Finding("index", True, f"{count} documents")
