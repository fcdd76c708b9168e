"""The checks of a gate. Each looks at the application and answers what it found, or raises what is missing.

Passing takes a return: whatever is raised, an unforeseen exception included, is a failed check.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from ..application import Application
from ..config import load_yaml
from ..errors import EvidenceError, PolicyViolation, ScaffoldError
from ..evaluation import Run, SuiteFile, judge, load_cases, load_suite, newest
from ..evaluation.agreement import proven
from ..evaluation.baseline import Baseline, against, load, where
from ..evaluation.cases.leakage import unfair
from ..evaluation.graders import MEASURES
from ..evaluation.runner import reviewed
from ..evidence import COMPARED, fingerprint
from ..governance.ownership import OwnershipFile, placeholders
from ..governance.policy import PolicyFile
from ..governance.principal import AccessFile
from ..models import ModelsFile
from ..models.fallback import Fallback
from ..models.governed import Governed
from ..models.personal_data import PersonalData
from ..retrieval.connectors import SourcesFile
from ..retrieval.quality import QualityFile
from ..retrieval.settings import RetrievalFile
from .card import CARD, check_card
from .data import data
from .stages import CheckName, EvaluationRequired, Stage

Check = Callable[[Application, Stage], str]
"""Answers what was found; raises ``EvidenceError`` with what is missing, where, and how to mend it."""

PROBES = ("probe@mail-probe.com", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111")
"""Personal data of nobody: an address, the IBAN registry's example for Germany, a card number made for tests."""

CONFIGURATION: Mapping[str, type[BaseModel]] = {
    "config/models.yaml": ModelsFile,
    "config/quality.yaml": QualityFile,
    "config/retrieval.yaml": RetrievalFile,
    "config/sources.yaml": SourcesFile,
    "data/access.yaml": AccessFile,
    "governance/policy.yaml": PolicyFile,
}
"""Files that take effect while the service runs; prompts know their own errors."""

OPTIONAL = frozenset({"config/quality.yaml", "config/sources.yaml"})
"""Of these, the ones whose absence means what they ship with."""

UNWATCHED = frozenset({".git", ".venv", "__pycache__", "data", "node_modules", "runs", "var"})
"""Folders that no update writes to: the project's documents, its own output, and what tools keep."""

TOLD = 6
"""Reasons that the line of one check names."""


def evaluation(application: Application, stage: Stage) -> str:
    """The newest run of the stage's suite passed, is recent, and was made on what is here now."""
    required = stage.evaluation
    suite = load_suite(application.settings, required.suite)
    run = newest(application, suite.name)
    digests = fingerprint(application, application.settings.path(suite.dataset))
    accepted = load(application.settings, suite)
    problems = shortcomings(run, required, suite, digests, datetime.now(UTC), accepted)
    cases = reviewed(load_cases(application.settings.path(suite.dataset)))
    told = [*proven(application, suite), *unfair(application.prompts, cases)]
    if problems := problems + [each.reason.rstrip(".") for each in told if not each.passed]:
        more = [f"and {len(problems) - TOLD} more, all in the report of 'make eval'"] if len(problems) > TOLD else []
        raise EvidenceError(f"{run.id}: {'; '.join([*problems[:TOLD], *more])}.")
    how = ", recorded answers" if _replayed(run) else ""
    return f"{run.id}: {run.asked} reviewed cases{how}, every threshold reached, on what is here now."


def shortcomings(
    run: Run,
    required: EvaluationRequired,
    suite: SuiteFile,
    digests: Mapping[str, str],
    now: datetime,
    accepted: Baseline | None = None,
) -> list[str]:
    """Why ``run`` is no evidence for the stage. Its own verdict is not asked: cases are counted and judged again.

    ``accepted`` is the baseline as it is now. Raises ``ConfigurationError`` where it is one of other cases.
    """
    age = now - run.started_at
    problems = []
    if changed := [part for part in COMPARED if run.digests.get(part) != digests[part]]:
        problems.append(f"{', '.join(changed)} changed since the run (run 'make eval')")
    if age < timedelta(0):
        problems.append(
            f"it is dated in the future, {run.started_at:%Y-%m-%d %H:%M} UTC (set the clock, run 'make eval')"
        )
    if age > timedelta(hours=required.max_age_hours):
        hours = age / timedelta(hours=1)
        problems.append(f"it is {hours:.0f} h old, at most {required.max_age_hours:g} h count (run 'make eval')")
    if required.live and _replayed(run):
        problems.append("recorded answers were replayed, and answers of now are demanded (run 'eval run --live')")
    if run.asked < required.min_cases:
        problems.append(f"{run.asked} reviewed cases, at least {required.min_cases} are demanded (review more)")
    for label, least in required.min_cases_per_slice.items():
        if (found := len({case.id for case in run.cases if label in case.labels})) < least:
            problems.append(f"{found} reviewed cases of {label}, at least {least} are demanded (review more)")
    if required.baseline == "required":
        if accepted is None:
            problems.append(f"{where(suite.name)}: no baseline was accepted (run 'eval baseline --by NAME')")
        if not any(each.margin for name, each in suite.thresholds.items() if name not in MEASURES):
            problems.append(f"no score of evals/suites/{suite.name}.yaml has a margin (set one against the baseline)")
    verdicts = judge(run.cases, suite)
    if accepted is not None:
        verdicts += against(accepted, run.cases, suite, run.digests, run.times)[1]
    problems += [verdict.reason.rstrip(".") for verdict in verdicts if not verdict.passed]
    return problems


def _replayed(run: Run) -> bool:
    return run.calls != "live"


def owner(application: Application, _: Stage) -> str:
    """Somebody answers for the service."""
    path = application.settings.path("governance", "ownership.yaml")
    ownership = load_yaml(path, OwnershipFile)
    if missing := placeholders(ownership):
        raise EvidenceError(f"governance/ownership.yaml names nobody: {'; '.join(missing)}. Write down who it is.")
    return f"{ownership.service_owner.name} answers for it."


def card(application: Application, stage: Stage) -> str:
    """The system card says what holds now."""
    return check_card(application, stage.evaluation.suite)


def access(application: Application, _: Stage) -> str:
    """There are documents, and a rule says of each who may see it."""
    count = application.index.documents()
    if not count:
        raise EvidenceError("The index is empty; run 'make ingest'.")
    if unnamed := application.index.unnamed():
        raise EvidenceError(f"No rule in data/access.yaml names {_listed(unnamed)}; add one and run 'make ingest'.")
    return f"A rule names each of {count} indexed documents."


def freshness(application: Application, _: Stage) -> str:
    """No change of a source has been waiting longer than its objective."""
    found = application.index.freshness()
    if stale := [each for each in found if not each.good]:
        listed = "; ".join(
            f"{each.origin}: {'nobody knows for how long' if each.age == float('inf') else f'{each.age:.0f} h'}, "
            f"{each.objective:g} h are allowed ({each.reason})"
            for each in stale
        )
        raise EvidenceError(f"Changes have been waiting to be indexed: {listed}. Run 'make ingest', and often enough.")
    oldest = max(found, key=lambda each: each.age)
    return f"The oldest change that waits to be indexed is {oldest.age:.1f} h old ({oldest.reason})."


def audit(application: Application, _: Stage) -> str:
    """The audit log holds something, and its chain verifies."""
    verification = application.audit.verify()
    if not verification.ok:
        raise EvidenceError(f"{verification.message} Find out who changed it, and restore it from a copy.")
    if not verification.records:
        raise EvidenceError("The audit log is empty: no answer was ever recorded; run 'make eval'.")
    return f"{verification.records} records, the chain verifies."


def personal_data(application: Application, _: Stage) -> str:
    """Invented personal data is hidden on its way to each chat model; the models themselves are not called."""
    file = load_yaml(application.settings.path("config", "models.yaml"), ModelsFile)
    roles = [role for role in file.roles if file.entries(role)[0].kind == "chat"]
    if not roles:
        raise EvidenceError("config/models.yaml has no chat role; add one.")
    for role in roles:
        if shown := [probe for probe in PROBES if probe in _as_sent(application.models.get(role))]:
            raise EvidenceError(f"The model of role {role!r} would be sent {_listed(shown)}; restore scaffold/models.")
    return f"Hidden on the way to {_listed(roles)}: {application.policy.personal_data_action}."


def _as_sent(model: BaseChatModel) -> str:
    """The probes as the vendor's model inside would get them, and those of its fallbacks."""
    if isinstance(model, PersonalData):
        try:
            return "".join(message.text for message in model.passage([HumanMessage("; ".join(PROBES))], {}).messages)
        except PolicyViolation:
            return ""
    if isinstance(model, Governed):
        others = model.others if isinstance(model, Fallback) else []
        return "".join(_as_sent(each) for each in [model.inner, *others])
    return "; ".join(PROBES)


def reload(application: Application, _: Stage) -> str:
    """What is served is what the files say: none is in error behind a last good version."""
    errors = []
    for path, shape in CONFIGURATION.items():
        if path in OPTIONAL and not application.settings.path(path).exists():
            continue
        try:
            load_yaml(application.settings.path(path), shape)
        except ScaffoldError as error:
            errors.append(str(error))
    found = [application.models.limits_error, *application.live.errors().values()]
    errors += [error for error in found if error]  # valid, and yet not in use: a key or a package is missing
    if errors:
        raise EvidenceError(" ".join(dict.fromkeys(errors)))
    return "Every configuration file is valid and in use."


def unresolved(application: Application, _: Stage) -> str:
    """No update of the template is half merged."""
    if left := conflicts(application.settings.root):
        raise EvidenceError(f"An update left conflicts in {_listed(left)}; resolve them.")
    return "No update is half merged."


def conflicts(root: Path) -> list[str]:
    """Files below ``root`` that an update left for a person: with conflict markers, or rejected parts (``.rej``)."""
    markers = tuple(b"\n" + sign * 7 + b" " for sign in (b"<", b">"))  # spelled so that this file is none of them
    left = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in UNWATCHED and not name.endswith("_cache"))
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix == ".rej" or (path.is_file() and any(sign in b"\n" + path.read_bytes() for sign in markers)):
                left.append(path.relative_to(root).as_posix())
    return left


def _listed(names: list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


CHECKS: Mapping[CheckName, tuple[str, str, Check]] = {
    "access": ("F08", "data/access.yaml", access),
    "audit": ("F15", "var/audit", audit),
    "card": ("F35", CARD, card),
    "conflicts": ("F23", "all files", unresolved),
    "data": ("F09", "var/reports/data-check.json", data),
    "evaluation": ("F11", "evals/runs", evaluation),
    "freshness": ("F07", "config/sources.yaml", freshness),
    "owner": ("F18", "governance/ownership.yaml", owner),
    "personal_data": ("F14", "governance/policy.yaml", personal_data),
    "reload": ("F02", "config", reload),
}
"""Each check with the failure mode that it stands against, and where its evidence lies."""
