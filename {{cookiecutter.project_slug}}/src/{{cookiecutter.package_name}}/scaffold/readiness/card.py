"""The system card: written from records, and stale as soon as they say something else.

Its sections are those of M. Mitchell et al., "Model Cards for Model Reporting", Proceedings of FAT* 2019, 220-229.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from ..application import Application
from ..config import load_yaml
from ..errors import EvidenceError
from ..evaluation import Run, load_suite, newest
from ..evaluation.graders import MEASURES
from ..evaluation.store import write_atomically
from ..evidence import COMPARED, fingerprint
from ..governance.intended_use import IntendedUseFile, unwritten
from ..governance.ownership import OwnershipFile
from .card_text import Facts, text
from .data import newest as newest_data_check

CARD = "governance/system_card.md"
"""Where it lies. It belongs into git, so that whoever changes what it says sees the change."""

USE = "governance/intended_use.yaml"

PARTS = ("results", "models", "prompts", "dataset", "policy", "intended_use", "owner")
"""Where one of these changed, the card is stale. Dates, latency and cost are on it and change with every run."""

AGAIN = "run 'make card' and commit it"

_PART = re.compile(r"^- (\w+): `([0-9a-f]{64})`$", re.MULTILINE)
_SIGNED = "Digest of this card: "


@dataclass(frozen=True)
class _Records:
    run: Run
    intended: IntendedUseFile
    owner: OwnershipFile
    now: Mapping[str, str]
    parts: dict[str, str]


def card(application: Application, suite: str) -> str:
    """The card as the records are now; the same records give the same bytes.

    Raises ``EvidenceError`` where the newest run of ``suite`` did not pass or is not of what is here now.
    """
    records = _records(application, suite)
    if changed := [part for part in COMPARED if records.run.digests.get(part) != records.now[part]]:
        raise EvidenceError(f"{records.run.id}: {', '.join(changed)} changed since the run; run 'make eval' first.")
    roles = {role: application.models.describe(role).label for role in sorted(application.models.roles)}
    report, missing = None, ""
    try:
        report = newest_data_check(application)
    except EvidenceError as error:
        missing = str(error)
    facts = Facts(
        run=records.run,
        intended=records.intended,
        unwritten=unwritten(records.intended),
        owner=records.owner,
        usecase=application.usecase,
        models=roles,
        data=report,
        no_data=missing,
        personal_data=application.policy.personal_data_action,
    )
    parts = "\n".join(f"- {part}: `{digest}`" for part, digest in records.parts.items())
    said = f"{text(facts)}\nIt is stale where one of these changes:\n\n{parts}\n\n"
    return said + _signature(said)


def write_card(application: Application, suite: str) -> str:
    """Write the card; answers where it lies."""
    write_atomically(application.settings.root / CARD, card(application, suite).encode())
    return CARD


def check_card(application: Application, suite: str) -> str:
    """That the card is what was written, and says what holds now; answers a sentence.

    Raises ``EvidenceError`` naming what changed since.
    """
    path = application.settings.root / CARD
    try:
        written = path.read_text("utf-8")
    except FileNotFoundError:
        raise EvidenceError(f"There is no {CARD}: nobody can read what to expect; {AGAIN}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{CARD} cannot be read ({error}); {AGAIN}.") from None
    if not _untouched(written):
        raise EvidenceError(f"{CARD} is not what was written from the records: it was changed by hand; {AGAIN}.")
    records = _records(application, suite)
    told = dict(_PART.findall(written))
    if changed := [part for part in PARTS if told.get(part) != records.parts[part]]:
        raise EvidenceError(f"{CARD} is stale: {', '.join(changed)} changed since it was written; {AGAIN}.")
    if left := unwritten(records.intended):
        raise EvidenceError(f"{USE}: {', '.join(left)} says nothing yet; write it, {AGAIN}.")
    return f"{CARD} says what was measured ({records.run.id}) and what it is for."


def _signature(said: str) -> str:
    return f"{_SIGNED}`{hashlib.sha256(said.encode()).hexdigest()}`\n"


def _untouched(written: str) -> bool:
    """Whether the card ends with the digest of what stands before it."""
    said, _, digest = written.rpartition(_SIGNED)
    return _signature(said) == _SIGNED + digest


def _records(application: Application, suite: str) -> _Records:
    """What a card is written from. Raises ``EvidenceError`` where the newest run did not pass."""
    settings = application.settings
    run = newest(application, suite)
    if not run.passed:
        raise EvidenceError(f"{run.id}, the newest run, did not pass; a card tells of one that did: run 'make eval'.")
    intended = load_yaml(settings.path(*USE.split("/")), IntendedUseFile)
    owner = load_yaml(settings.path("governance", "ownership.yaml"), OwnershipFile)
    now = fingerprint(application, settings.path(load_suite(settings, suite).dataset))
    parts = {"results": _results(run), **now, "intended_use": _digest(intended), "owner": _digest(owner)}
    return _Records(run, intended, owner, now, {part: parts[part] for part in PARTS})


def _results(run: Run) -> str:
    """Digest of what was measured of the answers, not of how long they took or what they cost."""

    def scores(metrics: Mapping[str, BaseModel]) -> dict[str, object]:
        return {name: metric.model_dump(mode="json") for name, metric in metrics.items() if name not in MEASURES}

    measured = {
        "suite": run.suite,
        "metrics": scores(run.metrics),
        "slices": {label: scores(metrics) for label, metrics in run.slices.items()},
        "failing": sorted({case.id for case in run.cases if not case.passed}),
        "thresholds": {name: threshold.model_dump() for name, threshold in run.thresholds.items()},
    }
    return hashlib.sha256(json.dumps(measured, sort_keys=True).encode()).hexdigest()


def _digest(file: BaseModel) -> str:
    return hashlib.sha256(file.model_dump_json().encode()).hexdigest()
