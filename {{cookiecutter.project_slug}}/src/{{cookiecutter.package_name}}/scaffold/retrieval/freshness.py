"""How long a change in a source has been waiting to be found: the age of the oldest one that is not in the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from ..errors import SourceError
from ..governance.principal import Rule
from ..state import quarantine
from .access import effective, ruled
from .connectors import Connector, Source, prefix_of
from .connectors.files import FileTree
from .manifest import Manifest, SourceState

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Freshness:
    """How fresh the index is in one source."""

    origin: str
    """The source's name."""
    age: float
    """Hours since the oldest change that is not in the index, 0 where there is none; infinite where nobody knows."""
    objective: float
    """Hours that it may be, by ``config/sources.yaml``."""
    reason: str
    """What the age was told by, in a few words."""

    @property
    def good(self) -> bool:
        """Whether the objective is met."""
        return self.age <= self.objective


def freshness(
    sources: Mapping[str, tuple[Source, Connector]],
    manifest: Manifest,
    state: Engine,
    rules: Sequence[Rule],
    now: datetime,
) -> list[Freshness]:
    """Each source's. A folder is looked at; of any other source, nobody knows what changed since its last whole sync.

    ``now``: with a time zone. A change of unknown age is as old as the last sync that saw all of its source.
    """
    known, aside = manifest.sources(), _set_aside(state)
    return [
        _of(name, source, connector, known.get(name), aside.get(name), manifest, rules, now)
        for name, (source, connector) in sources.items()
    ]


def _of(
    name: str,
    source: Source,
    connector: Connector,
    read: SourceState | None,
    aside: str | None,
    manifest: Manifest,
    rules: Sequence[Rule],
    now: datetime,
) -> Freshness:
    objective = source.fresh_within_hours
    if read is None or read.complete_at is None:
        return Freshness(name, float("inf"), objective, "it was never synced as a whole")
    complete = datetime.fromisoformat(read.complete_at)
    if complete > now + HOUR:
        return Freshness(name, float("inf"), objective, f"its last sync is dated in the future, {complete:%Y-%m-%d}")
    found = [(complete, "its last whole sync")]
    if isinstance(connector, FileTree) and not read.error:
        try:
            found = list(_changed(name, connector, complete, manifest, rules))
        except SourceError:
            found = [(complete, "it cannot be listed")]
    if aside:
        found.append((datetime.fromisoformat(aside), "a record in quarantine"))
    at, reason = min(found, default=(now, "nothing is waiting"))
    return Freshness(name, max(0.0, (now - at) / HOUR), objective, reason)


def _changed(
    name: str, folder: FileTree, complete: datetime, manifest: Manifest, rules: Sequence[Rule]
) -> Iterator[tuple[datetime, str]]:
    """When each file changed that the last sync did not see, the oldest of each kind only."""
    prefix = prefix_of(name)
    oldest: tuple[datetime, str] | None = None
    of = ruled(rules)
    for entry in folder.entries(None):
        at = entry.modified
        if entry.problem or at is None or at <= complete or effective(entry.access, of(prefix + entry.id)) is None:
            continue
        if oldest is None or at < oldest[0]:
            oldest = (at, f"{prefix}{entry.id} changed")
    if oldest:
        yield oldest
    for row in manifest.all(name):
        if not (folder.folder / row.source.removeprefix(prefix)).exists():
            yield complete, f"{row.source} is gone"
            return


def _set_aside(state: Engine) -> dict[str, str]:
    with state.execution_options(reading=True).connect() as connection:
        rows = connection.execute(
            select(quarantine.c.origin, func.min(quarantine.c.first_at)).group_by(quarantine.c.origin)
        )
        return {row[0]: row[1] for row in rows}
