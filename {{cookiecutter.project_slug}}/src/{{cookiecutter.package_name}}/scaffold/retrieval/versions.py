"""Which indexes there are, and which of them is live: the change from one to the next is one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from ..config import File
from ..state import documents, pending, sources
from ..state import indexes as table
from .settings import RetrievalFile, Store

SECONDS = 1.0
"""How long another process may go on with the index that was live before."""


@dataclass(frozen=True)
class Plan:
    """What an index is made of; with another plan it is another index."""

    store: str
    """The section ``store`` of ``config/retrieval.yaml``, as JSON."""
    embedding: str
    """The model's name in ``config/models.yaml``."""
    languages: tuple[str, ...]
    label: str
    """What the store says of itself: how passages are embedded and split into words."""

    @property
    def opened(self) -> Store:
        """The store that it is built in."""
        return Placed(store=json.loads(self.store)).store


@dataclass(frozen=True)
class Version(Plan):
    """An index that exists."""

    id: int
    configured: str
    """The label that the configuration asked for when it became live; see ``fits``."""
    status: str
    """``building``, ``live``, ``previous`` or ``dropped``."""
    created_at: str
    live_at: str | None

    @property
    def name(self) -> str:
        """What the store calls it."""
        return str(self.id)

    def fits(self, plan: Plan) -> bool:
        """Whether the configuration still wants this index.

        It does where it asks for what this one is made of. It does, too, where it asks for the same as when this one
        became live: then somebody chose this index over what the configuration names, by ``reindex`` or a rollback.
        """
        return place(self.store) == place(plan.store) and plan.label in (self.label, self.configured)

    def within(self, settings: RetrievalFile) -> bool:
        """Whether that is the store of ``settings``, which then say how to reach it."""
        return place(self.store) == place(settings.store.model_dump_json())


class Placed(File):
    """A section ``store`` by itself."""

    store: Store


def place(store: str) -> dict[str, Any]:
    """What tells one place from another in a section ``store``; how it is reached may change."""
    return {name: value for name, value in json.loads(store).items() if name in ("kind", "url", "url_env", "prefix")}


class Versions:
    """The table of indexes. Any number of threads and processes."""

    def __init__(self, state: Engine) -> None:
        """``state``: the state database."""
        self._state = state
        self._reading = state.execution_options(reading=True)
        self._live: tuple[float, Version | None] = (-SECONDS, None)

    def live(self, now: bool = False) -> Version | None:
        """The index that answers, as of at most a second ago, or as of now; None before the first sync."""
        at, version = self._live
        if now or version is None or time.monotonic() - at >= SECONDS:
            found = self._all(table.c.status == "live")
            version = found[0] if found else None
            self._live = (time.monotonic(), version)
        return version

    def previous(self) -> Version | None:
        """The index that was live before, kept for a rollback."""
        found = self._all(table.c.status == "previous")
        return found[0] if found else None

    def unfinished(self) -> list[Version]:
        """Indexes that are being built, or whose build was cut off; newest first."""
        return self._all(table.c.status == "building")

    def every(self) -> list[Version]:
        """All that are kept; newest first."""
        return self._all(table.c.status != "dropped")

    def kept(self, plan: Plan) -> Version | None:
        """An index made of ``plan`` that is not live: half built, or live before."""
        found = self._all((table.c.label == plan.label) & table.c.status.in_(["building", "previous"]))
        return next((version for version in found if place(version.store) == place(plan.store)), None)

    def start(self, plan: Plan) -> Version:
        """A new one, which nothing asks yet."""
        values = {**vars(plan), "languages": ",".join(plan.languages), "configured": plan.label}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._state.begin() as connection:
            made = connection.execute(insert(table).values(**values, status="building", created_at=now))
            key = made.inserted_primary_key
        assert key is not None  # noqa: S101  every insert of one row has one
        [version] = self._all(table.c.id == key[0])
        return version

    def cut_over(self, version: Version, configured: str) -> None:
        """Make ``version`` the live one, and the live one the previous one; what was that is ``dropped``."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._state.begin() as connection:
            others = update(table).where(table.c.id != version.id)
            connection.execute(others.where(table.c.status == "previous").values(status="dropped"))
            connection.execute(others.where(table.c.status == "live").values(status="previous"))
            connection.execute(
                update(table).where(table.c.id == version.id).values(status="live", live_at=now, configured=configured)
            )
        self._live = (-SECONDS, None)

    def settle(self, version: Version) -> None:
        """Note that the configuration asks for what ``version`` is made of: it is no longer chosen over that."""
        with self._state.begin() as connection:
            connection.execute(update(table).where(table.c.id == version.id).values(configured=version.label))

    def drop(self, version: Version) -> None:
        """Keep ``version`` no longer."""
        with self._state.begin() as connection:
            connection.execute(update(table).where(table.c.id == version.id).values(status="dropped"))
        self._live = (-SECONDS, None)

    def dropped(self) -> list[Version]:
        """Indexes that are kept no longer, and whose passages are still to be deleted."""
        return self._all(table.c.status == "dropped")

    def forget(self, version: Version) -> None:
        """Take ``version`` off the records, once its passages are gone."""
        with self._state.begin() as connection:
            for each in (documents, pending, sources):
                connection.execute(delete(each).where(each.c.index == version.id))
            connection.execute(delete(table).where(table.c.id == version.id))

    def _all(self, condition: Any) -> list[Version]:
        with self._reading.connect() as connection:
            rows = connection.execute(select(table).where(condition).order_by(table.c.id.desc())).all()
        return [_version(row._mapping) for row in rows]


def _version(row: Mapping[Any, Any]) -> Version:
    return Version(**{**row, "languages": tuple(row["languages"].split(","))})
