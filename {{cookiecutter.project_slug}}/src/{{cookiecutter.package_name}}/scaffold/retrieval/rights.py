"""Who may see what is indexed: held to what the sources say and to the rules of now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..governance.principal import Rule
from .access import Access, effective, ruled
from .manifest import Manifest, Row
from .stores import Store

AT_ONCE = 500
"""Changes that are written together."""


class Rights:
    """The access lists of one index while a sync goes on. Nothing is written where ``dry``."""

    def __init__(
        self, store: Store, manifest: Manifest, rules: Callable[[], Sequence[Rule]], changed: Callable[[str], None]
    ) -> None:
        """``rules``: as they are now, which may change; ``changed`` hears of each document that others see now."""
        self.dry = False
        self._store, self._manifest, self._newest, self._changed = store, manifest, rules, changed
        self._rules = rules()
        self._ruled = ruled(self._rules)
        self._held = False
        self._waiting: list[tuple[Row, Access | None]] = []

    def of(self, source: str, own: Access | None) -> Access | None:
        """Who may see ``source``, of which its own source says ``own``; None where nobody may."""
        return effective(own, self._ruled(source))

    def holds(self, row: Row, own: Access | None) -> bool:
        """Whether ``row``, of which its source says ``own``, has its lists of now: ``hold`` gave them to every one."""
        return self._held and row.own == Row.written(own)

    def outdated(self) -> bool:
        """Whether the rules were changed; those of now hold from here on."""
        before, self._rules = self._rules, self._newest()
        if before != self._rules:
            self._ruled, self._held = ruled(self._rules), False
        return before != self._rules

    def hold(self) -> list[str]:
        """Give every document its lists of now, also where its source cannot be reached; those that nobody may see."""
        gone = []
        for row in self._manifest.all():
            own = row.own_access
            if access := self.of(row.source, own):
                self.give(row, own, access)
            else:
                gone.append(row.source)
            if len(self._waiting) >= AT_ONCE:
                self.write()
        self.write()
        self._held = not self.dry
        return gone

    def give(self, row: Row, own: Access | None, access: Access) -> Row:
        """Have ``write`` give the passages of ``row`` this access, if they have another one."""
        written = Row.written(own)
        if (row.access, row.own) == (access.digest, written):
            return row
        changed = replace(row, access=access.digest, own=written)
        if not self.dry:
            self._waiting.append((changed, access if row.access != changed.access else None))
        if row.access != changed.access:
            self._changed(row.source)
        return changed

    def write(self) -> None:
        """Do what ``give`` asked for. Where this is cut off, no row says what its passages may not have yet."""
        some, self._waiting = self._waiting, []
        self._manifest.restricted([replace(row, access="") for row, access in some if access])
        for row, access in some:
            if access:
                self._store.restrict(row.source, access.allow, access.deny)
        self._manifest.restricted([row for row, _ in some])
