"""Drift of what people ask and what they get: the newest answers, held against those of a period that was accepted.

What is measured is ``answers.features``, names, outcome and feedback; the statistics are ``observability.drift``'s.
Questions that are asked to measure the answers are left out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from ..application import Application
from ..errors import EvidenceError, ScaffoldError
from ..observability.calls import EVALUATION
from ..observability.drift import Columns, Compared, Value, compare
from ..observability.names import DRIFT_ENOUGH, DRIFT_PSI, DRIFT_SEVERITY
from ..observability.settings import WHERE, DriftFile, load_drift
from ..state import answers, feedback
from .events import ACCEPTED, DRIFT, latest, record

log = logging.getLogger(__name__)

NAMES = ("outcome", "locale", "model", "prompt", "channel")
"""Columns of ``answers`` that are watched beside its features, and beside ``feedback``."""
NUMBERS = (
    "question_characters", "lexical", "cosine", "answer_characters", "citations", "confidence", "seconds", "cost",
    "input_tokens", "output_tokens",
)  # fmt: skip
WATCHED = (*NUMBERS, "language", *NAMES, "feedback")
SEVERITY = {"steady": 0.0, "minor": 1.0, "major": 2.0, "unclear": -1.0}
PUBLISH_SECONDS = 300
AGAIN = "'drift --accept' takes the newest answers as the reference"


@dataclass(frozen=True)
class Window:
    """So many answers, from then to then."""

    answers: int
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Drift:
    """What came of comparing ``recent`` with ``reference``; ``features`` in no order of importance."""

    reference: Window
    recent: Window
    least: int
    features: list[Compared]

    @property
    def enough(self) -> bool:
        """Whether anything can be said."""
        return min(self.reference.answers, self.recent.answers) >= self.least

    @property
    def drifting(self) -> list[Compared]:
        """Features that are an alarm, the worst first."""
        return sorted((each for each in self.features if each.drifts), key=lambda each: -(each.psi or 0))


def drift(application: Application) -> Drift:
    """Compare now; what drifts, or drifts no longer, is written into the history.

    Raises ``ConfigurationError`` for a mistake in ``config/drift.yaml``.
    """
    rules = load_drift(application.settings)
    accepted = latest(application.state, ACCEPTED)
    until = accepted.details["until"] if accepted else ""
    old = _newest(application, rules.reference, accepted.details["since"], until) if accepted else []
    new = _newest(application, rules.window, max(_ago(rules), until + "~")) if accepted else []  # "~": right after
    columns = _columns(application, old), _columns(application, new)
    found = compare(*columns, rules.least, rules.false_alarms, rules.minor, rules.major)
    told = Drift(_window(old), _window(new), rules.least, found)
    _remember(application, told)
    return told


def accept(application: Application) -> Window:
    """From now on, compare with the answers of the last days, which somebody is content with.

    Raises ``EvidenceError`` where they are too few.
    """
    rules = load_drift(application.settings)
    window = _window(_newest(application, rules.reference, _ago(rules)))
    if window.answers < rules.least:
        raise EvidenceError(
            f"There are {window.answers} answers of the last {rules.days} days, at least {rules.least} are needed to "
            f"compare with; wait for more, or lower least in {WHERE}."
        )
    record(application.state, ACCEPTED, vars(window))
    return window


class Watch:
    """Sets the metrics of drift, now and then: comparing takes a moment, and answers come slowly."""

    def __init__(self, application: Application, every: float = PUBLISH_SECONDS) -> None:
        self._application, self._every, self._measured = application, every, -every

    def publish(self) -> None:
        """Compare, where the last time is long enough ago; where that fails, nothing is said of any feature."""
        if time.monotonic() - self._measured < self._every:
            return
        self._measured = time.monotonic()
        told: list[Compared] = []
        enough = False
        try:
            found = drift(self._application)
            told, enough = found.features, found.enough
        except ScaffoldError as error:
            log.error("nobody knows whether the answers drift: %s", error)
        known = {each.feature: each for each in told}
        tell = self._application.telemetry.observe
        tell(DRIFT_ENOUGH, enough)
        for name in WATCHED:
            each = known.get(name)
            tell(DRIFT_PSI, 0.0 if each is None or each.psi is None else each.psi, feature=name)
            tell(DRIFT_SEVERITY, SEVERITY[each.outcome if each else "unclear"], feature=name)


def _remember(application: Application, told: Drift) -> None:
    if not told.enough:
        return
    now, before = sorted(each.feature for each in told.drifting), latest(application.state, DRIFT)
    if now != (before.details["features"] if before else []):
        record(application.state, DRIFT, {"features": now})


def _newest(application: Application, most: int, after: str, until: str | None = None) -> list[Row[Any]]:
    """The newest answers, newest first."""
    table = answers.c
    query = (
        select(table.trace_id, table.at, table.features, *(table[name] for name in NAMES))
        .where(table.at >= after, table.channel != EVALUATION)
        .order_by(table.at.desc(), table.trace_id.desc())
        .limit(most)
    )
    with application.state.connect() as connection:
        return list(connection.execute(query.where(table.at <= until) if until else query))


def _verdicts(application: Application, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """What was last said of answers, by trace; of those in ``rows`` and of newer ones."""
    said = feedback.c
    query = select(said.trace_id, said.verdict).where(said.at >= (rows[-1].at if rows else "~")).order_by(said.id)
    with application.state.connect() as connection:
        return {row.trace_id: row.verdict for row in connection.execute(query)}


def _columns(application: Application, rows: Sequence[Row[Any]]) -> Columns:
    verdicts = _verdicts(application, rows)
    columns: dict[str, list[Value]] = {name: [] for name in WATCHED}
    for row in rows:
        columns["feedback"].append(verdicts.get(row.trace_id, "none"))
        for name in NAMES:
            if (value := getattr(row, name)) is not None:
                columns[name].append(value)
        for name in (*NUMBERS, "language"):
            if (value := row.features.get(name)) is not None:
                columns[name].append(value)
    return columns


def _window(rows: list[Row[Any]]) -> Window:
    return Window(len(rows), rows[-1].at, rows[0].at) if rows else Window(0)


def _ago(rules: DriftFile) -> str:
    return (datetime.now(UTC) - timedelta(days=rules.days)).isoformat(timespec="milliseconds")
