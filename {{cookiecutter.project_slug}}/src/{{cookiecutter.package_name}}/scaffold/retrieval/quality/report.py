"""What a check found, and whether that is within limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, Field

from ...config import Strict
from .kinds import KINDS, KindName
from .settings import DataRequired


class Finding(Strict):
    """One defect of one document."""

    origin: str
    source: str
    kind: KindName
    reason: str = Field(description="What was found, one sentence; never personal data.")
    mend: str = Field(description="What to do about it.")
    related: list[str] = Field(default=[], description="The other documents that it is about.")


def finding(
    origin: str, source: str, kind: KindName, reason: str, related: Sequence[str] = (), mend: str = ""
) -> Finding:
    """A finding whose reason has the document as its subject."""
    whole = reason.endswith(".")  # what a source or a reader says
    said = reason if reason.startswith(source) else f"{source}: {reason}" if whole else f"{source} {reason}."
    return Finding(
        origin=origin, source=source, kind=kind, reason=said, mend=mend or KINDS[kind].mend, related=list(related)
    )


class Freshness(Strict):
    """How far a source's index lags behind, against what was promised."""

    oldest_hours: float | None = Field(description="Age of the oldest change not in the index; null: nobody knows.")
    objective_hours: float
    reason: str = Field(description="What the age was told by.")


class SourceReport(Strict):
    """One source: how many documents it has, and how many of them have a defect of each kind."""

    origin: str
    documents: int
    score: float = Field(description="0 to 100, see ``score``.")
    kinds: dict[KindName, int] = Field(description="Documents with a defect, by kind; kinds without any are left out.")
    freshness: Freshness | None = None


class Report(Strict):
    """One check of all documents: self-contained."""

    version: Literal[1] = 1
    checked_at: AwareDatetime
    seconds: float
    digests: dict[str, str] = Field(description="What was checked, and by what rules.")
    documents: int
    score: float = Field(description="0 to 100 over all sources, see ``score``.")
    sources: list[SourceReport]
    findings: list[Finding] = Field(description="By document.")


@dataclass(frozen=True)
class Excess:
    """A source of which too large a share has a defect."""

    origin: str
    kind: KindName
    documents: int
    of: int
    limit: float

    def __str__(self) -> str:
        return (
            f"{self.origin}: {KINDS[self.kind].title.lower()}: {self.documents} of {self.of} documents "
            f"({self.documents / self.of:.1%}), at most {self.limit:.1%} may be ({self.kind})"
        )


def score(documents: int, findings: list[Finding]) -> float:
    """100 × the mean over the documents of 1 − the weight of the gravest defect that the document has.

    So it is 100 where no document has a defect, and 0 where each has a grave one; a document with many defects counts
    once, and a source without documents has nothing to answer from and scores 0. Weights are in ``KINDS``.
    """
    gravest: dict[tuple[str, str], float] = {}
    for finding in findings:
        name = finding.origin, finding.source
        gravest[name] = max(gravest.get(name, 0.0), KINDS[finding.kind].weight)
    return round(100 * (1 - sum(gravest.values()) / documents), 1) if documents else 0.0


def with_defect(findings: list[Finding], origin: str) -> Counter[KindName]:
    """Documents of ``origin`` with a defect, by kind, gravest kinds first."""
    documents = {(finding.kind, finding.source) for finding in findings if finding.origin == origin}
    counts = Counter(kind for kind, _ in documents)
    return Counter({kind: counts[kind] for kind in KINDS if counts[kind]})


def judge(report: Report, required: DataRequired) -> list[Excess]:
    """Where a source has more of a defect than the stage allows. Findings are counted again; no verdict is believed."""
    return [
        Excess(source.origin, kind, count, source.documents, required.limit(kind))
        for source in report.sources
        for kind, count in with_defect(report.findings, source.origin).items()
        if count > required.limit(kind) * source.documents
    ]


def first_to_mend(report: Report, exceeded: list[Excess]) -> list[tuple[KindName, list[Finding]]]:
    """The findings by kind: kinds over their limit first, then the gravest, then the most frequent."""
    kinds: dict[KindName, list[Finding]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    over = {excess.kind for excess in exceeded}
    order = list(KINDS)
    return sorted(
        kinds.items(),
        key=lambda kind: (kind[0] not in over, -KINDS[kind[0]].weight, -len(kind[1]), order.index(kind[0])),
    )
