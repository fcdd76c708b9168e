"""Another embedding, or another store, under documents that are already indexed, while the service answers.

A new index is filled beside the live one, compared with it on reviewed cases, and put in its place; the old one is kept
for a rollback. What it takes is estimated first, and held to what the budgets have left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .application import Application
from .config import load_yaml
from .errors import (
    ConfigurationError,
    EvidenceError,
    LimitReached,
    ModelError,
    ScaffoldError,
    SourceError,
    StoreUnavailable,
    UsageError,
)
from .evaluation import load_suite
from .evaluation.comparison import Comparison, compare
from .models import Foreseen
from .retrieval import RetrievalFile
from .retrieval.index import PATIENCE_SECONDS
from .retrieval.leases import Tell
from .retrieval.manifest import Manifest
from .retrieval.sync import BATCH_PASSAGES
from .retrieval.upkeep import Work, entrust
from .retrieval.versions import Plan, Version, place


@dataclass(frozen=True)
class Estimate:
    """What a new index would take."""

    embedding: str
    documents: int
    done: int
    """How many of them a build that was cut off has read into the new index already."""
    foreseen: Foreseen
    """For the rest, at most."""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)

    def summary(self) -> str:
        """For people."""
        seen = self.foreseen
        cost = "its price is not known" if seen.dollars is None else f"at most {seen.dollars:.4f} USD"
        rate = "no rate is set" if seen.minutes is None else f"at least {seen.minutes:.0f} minutes at the role's rate"
        done = f" ({self.done} are in the new index already)" if self.done else ""
        return (
            f"{self.documents} documents{done}; still to embed with {seen.model}: {seen.passages} passages, "
            f"at most {seen.tokens} tokens; {cost}; {rate}."
        )


def works(application: Application) -> Mapping[str, Work]:
    """All that a process can be asked to do with the index."""
    return {
        "sync": lambda asked, tell: application.index.sync(tell, **asked).as_dict(),
        "replay": lambda asked, tell: application.index.replay(tell).as_dict(),
        "reindex": lambda asked, tell: reindex(application, tell=tell, **asked),
        "rollback": lambda asked, tell: roll_back(application, tell=tell, **asked),
        "drop": lambda asked, tell: drop(application, tell),
    }


def entrusted(application: Application, kind: str, asked: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """What comes of one of ``works``, done by the service where one has the index, else here. Raises as it does."""
    return entrust(application.index, application.state, kind, asked, tell, works(application)[kind])


def estimate(application: Application, embedding: str = "") -> Estimate:
    """What indexing everything with the model ``embedding`` would take, by the documents that are indexed now.

    Raises ``UsageError`` where nothing would change, ``ConfigurationError`` where there is no such embedding, and
    ``PolicyViolation`` or ``ModelsStopped`` where it may not be called.
    """
    index, state = application.index, application.state
    live, plan = _live(application), _plan(application, embedding)
    if live.label == plan.label and place(live.store) == place(plan.store):
        raise UsageError(
            f"The index that answers has the vectors of {plan.embedding} already; name another embedding of "
            "config/models.yaml."
        )
    whole, kept = Manifest(state, live.id), index.versions.kept(plan)
    documents, passages = whole.counts()
    size, done, done_passages = whole.size(), 0, 0
    if kept:
        begun = Manifest(state, kept.id)
        done, done_passages = begun.counts()
        size = max(0, size - begun.size())
    passages = max(0, passages - done_passages)
    foreseen = application.models.foresee(plan.embedding, passages, size, BATCH_PASSAGES)
    return Estimate(plan.embedding, documents, done, foreseen)


def reindex(
    application: Application, tell: Tell, embedding: str = "", suite: str = "knowledge", force: bool = False
) -> dict[str, Any]:
    """Fill, compare, cut over; a build that was cut off goes on. Answers ``index``, ``previous`` and ``comparison``.

    ``force`` cuts over even where the new index finds less, or where the two cannot be compared. Raises
    ``LimitReached`` where a budget has no room for it, ``EvidenceError`` where the comparison speaks against the new
    index, and whatever else keeps it from being filled; what is done is kept then, and the live one answers on.
    """
    index = application.index
    foreseen = estimate(application, embedding)
    if foreseen.foreseen.refusal:
        raise LimitReached(foreseen.foreseen.refusal)
    live, plan = _live(application), _plan(application, embedding)
    found: Comparison | None = None

    def ready(target: Version) -> None:
        nonlocal found
        found = _compared(application, tell, live, target, suite, force)
        _record(application, "index_cutover", target, live, forced=force, comparison=found.id if found else None)

    try:
        index.build(plan, _counted(tell, foreseen.documents - foreseen.done), ready)
    except (LimitReached, ModelError, SourceError, StoreUnavailable) as error:
        raise _kept(application, plan, error) from None
    comparison = found.model_dump(mode="json") if found else None
    return {"index": _live(application).id, "previous": live.id, "comparison": comparison}


def roll_back(application: Application, tell: Tell, force: bool = False) -> dict[str, Any]:
    """Have the previous index answer again, once it is held to the access and the deletions of now.

    It is synced as well, where its embedding can be had. Raises ``UsageError`` where none is kept, ``SourceError``
    where a source cannot be asked what it deleted (``force`` goes on), and whatever keeps it from being searched.
    """
    index = application.index
    settings = load_yaml(application.settings.path("config", "retrieval.yaml"), RetrievalFile)
    with index.leases.held("reindex", tell) as building:
        previous = index.versions.previous()
        if previous is None:
            raise UsageError("No index is kept to go back to; 'reindex --list' shows those that there are.")
        index.store(previous).embeddings.embed_query("rollback")  # raises where questions could not be embedded
        _catch_up(application, previous, settings, building.watched(tell))
        with index.leases.held("sync", tell, PATIENCE_SECONDS) as lease:
            _hold_to_now(application, previous, settings, lease.watched(tell), force)
            lease.check()
            live = _live(application)
            try:
                configured = index.plan(settings).label
            except ConfigurationError:  # what it names cannot be had, which may be why somebody goes back
                configured = live.label
            _record(application, "index_rollback", previous, live, forced=force)
            index.cut_over(previous, configured)
    return {"index": previous.id, "previous": live.id}


def drop(application: Application, tell: Tell) -> dict[str, Any]:
    """Delete the index that is kept for a rollback, and those whose build was never finished."""
    versions = application.index.versions
    with application.index.leases.held("reindex", tell):
        doomed = [*versions.unfinished(), *filter(None, [versions.previous()])]
        for version in doomed:
            versions.drop(version)
        application.index.clear()
    return {"dropped": [version.id for version in doomed]}


def listed(application: Application) -> list[dict[str, Any]]:
    """Every index: what it is made of, what it holds and since when; newest first."""
    return [
        {**vars(version), "documents": Manifest(application.state, version.id).counts()[0]}
        for version in application.index.versions.every()
    ]


def _live(application: Application) -> Version:
    live = application.index.versions.live(now=True)
    if live is None:
        raise UsageError("Nothing is indexed yet; 'ingest' makes the first index, with what the configuration names.")
    return live


def _plan(application: Application, embedding: str) -> Plan:
    settings = load_yaml(application.settings.path("config", "retrieval.yaml"), RetrievalFile)
    return application.index.plan(settings, embedding)


def _compared(
    application: Application, tell: Tell, live: Version, target: Version, suite: str, force: bool
) -> Comparison | None:
    """What the comparison found; raises ``EvidenceError`` where it speaks against ``target``."""
    try:
        found = compare(application, load_suite(application.settings, suite), live, target)
    except ScaffoldError as error:
        if not force:
            raise EvidenceError(f"The indexes cannot be compared, and nothing is changed: {error} {_FORCE}") from None
        tell(f"not compared  {error}")
        return None
    for line in found.lines():
        tell(line)
    if found.worse and not force:
        raise EvidenceError(f"{found.worse} Nothing is changed. {_FORCE}")
    return found


def _catch_up(application: Application, previous: Version, settings: RetrievalFile, tell: Tell) -> None:
    """Bring ``previous`` in line, as far as its embedding goes along."""
    try:
        application.index.fill(previous, settings, tell)
    except (LimitReached, ModelError) as error:
        tell(f"as it was  documents that changed since are not brought in line: {error}")


def _hold_to_now(application: Application, previous: Version, settings: RetrievalFile, tell: Tell, force: bool) -> None:
    """Take from ``previous`` who lost a right, and what was deleted. Raises ``SourceError`` where that is not known."""
    failed = application.index.fill(previous, settings, tell, access_only=True).failed
    if failed and not force:
        raise SourceError(
            f"What was deleted cannot be learned from {', '.join(failed)}, so that the previous index may show it: "
            f"{' '.join(failed.values())} Mend that, or use --force."
        )


def _record(application: Application, event: str, version: Version, before: Version, **more: object) -> None:
    """Before it is done: what cannot be recorded is not done."""
    application.audit.append(event, index=version.id, label=version.label, replaced=before.id, **more)


_FORCE = "The new index is kept; 'reindex --force' has it answer all the same."


def _counted(tell: Tell, documents: int) -> Tell:
    """Tells how many are read in, of those that are indexed now."""
    count = 0

    def told(line: str) -> None:
        nonlocal count
        count += line.startswith("indexed")
        tell(f"{count:>6} of {documents}  {line}")

    return told


def _kept(application: Application, plan: Plan, error: ScaffoldError) -> ScaffoldError:
    """``error``, with what is done in spite of it."""
    kept = application.index.versions.kept(plan)
    done = Manifest(application.state, kept.id).counts()[0] if kept else 0
    more = type(error)(f"{error} {done} documents are in the new index and stay there; the same command goes on.")
    more.after = error.after
    return more
