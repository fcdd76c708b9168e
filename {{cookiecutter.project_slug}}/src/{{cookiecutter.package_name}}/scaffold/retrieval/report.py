"""What a sync did, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

NAMED = 10_000
"""How many documents of a kind a report names; beyond, they are counted."""

KINDS = ("added", "changed", "removed", "renamed", "skipped", "quarantined", "unnamed")


@dataclass
class SyncReport:
    """What a sync did; what it would do, where ``dry``. Documents go by their names in the index."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Content, access or indexing settings differ from last time."""
    removed: list[str] = field(default_factory=list)
    """Gone, no longer named by a rule, or no longer readable."""
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Of those added and removed: the same bytes under another name, old and new."""
    unchanged: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Name and reason: what cannot be read as a document. It is not in the index."""
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    """Name and reason: records that broke the contract of their source. What was indexed of them before stays."""
    unnamed: list[str] = field(default_factory=list)
    """Nobody says who may see them, so that nobody may. They are not in the index."""
    failed: dict[str, str] = field(default_factory=dict)
    """Sources that could not be listed to their end, and why. What is indexed of them stays."""
    documents: int = 0
    """In the index afterwards."""
    chunks: int = 0
    """Passages in the index afterwards."""
    dry: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    """How many of each of the lists above there are, those that are not named included."""

    def note(self, kind: str, what: Any) -> None:
        """Add ``what`` to the list ``kind``, or count it only where that is long enough."""
        self.counts[kind] += 1
        if self.counts[kind] <= NAMED:
            getattr(self, kind).append(what)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)

    def summary(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        counts = ", ".join(f"{self.counts[kind]} {kind}" for kind in ("added", "changed", "removed"))
        would = " if this were no dry run" if self.dry else ""
        yield f"{self.documents} documents, {self.chunks} passages: {counts}, {self.unchanged} unchanged{would}."
        if self.dry:
            signs = {"added": "+", "changed": "~", "removed": "-"}
            yield from (f"  {sign} {source}" for kind, sign in signs.items() for source in getattr(self, kind))
        if self.renamed:
            yield f"{self.counts['renamed']} of these were renamed:"
            yield from (f"  {old} → {new}" for old, new in self.renamed)
        if self.skipped:
            yield f"{self.counts['skipped']} skipped:"
            yield from (f"  {reason}" for _, reason in self.skipped)
        if self.quarantined:
            yield f"{self.counts['quarantined']} set aside, because they break the contract of their source:"
            yield from (f"  {source}: {reason}" for source, reason in self.quarantined)
        if self.unnamed:
            yield f"{self.counts['unnamed']} seen by nobody, because no rule in data/access.yaml names them:"
            yield from (f"  {source}" for source in self.unnamed)
        if self.failed:
            yield f"{len(self.failed)} sources could not be read; what is indexed of them stays:"
            yield from (f"  {origin}: {reason}" for origin, reason in self.failed.items())
