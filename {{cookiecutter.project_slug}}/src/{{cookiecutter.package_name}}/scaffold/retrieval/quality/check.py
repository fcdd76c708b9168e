"""The check itself: each document once, then all of them beside each other."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from ...governance.principal import Principal
from ..settings import RetrievalFile
from . import dates, permissions, texts
from .compare import Corpus, compare
from .items import Item
from .kinds import KINDS, KindName
from .report import Finding, Report, SourceReport, finding, score, with_defect
from .settings import QualityFile


def check(
    items: Iterable[Item],
    settings: QualityFile,
    retrieval: RetrievalFile,
    callers: Sequence[Principal],
    now: datetime,
    folder: Path | None = None,
) -> Report:
    """Look at every item once, and at all of them together. ``callers``: who may ask; none where nobody knows.

    Texts are kept in an unnamed file in ``folder`` while the check runs, never in memory all at once.
    ``digests["documents"]`` of the report names what was read and somebody may see, as ``digest_of`` has it.
    """
    findings: list[Finding] = []
    sizes: Counter[str] = Counter()
    seen: list[tuple[str, str]] = []
    rules = Rules(settings, retrieval, callers, now)
    with tempfile.TemporaryFile(dir=folder) as file:
        corpus = Corpus(cast("BinaryIO", file), [], [])
        for item in items:
            sizes[item.origin] += 1
            findings += (finding(item.origin, item.source, kind, reason) for kind, reason in rules(item))
            if item.document and item.document.text.strip():
                corpus.add(item, item.document)
                if item.access:
                    seen.append((item.source, item.document.sha256))
        findings += compare(corpus, settings)
    order = list(KINDS)
    once = {(each.origin, each.source, order.index(each.kind)): each for each in reversed(findings)}
    findings = [each for _, each in sorted(once.items())]
    sources = []
    for origin, count in sorted(sizes.items()):
        mine = [each for each in findings if each.origin == origin]
        sources.append(
            SourceReport(
                origin=origin, documents=count, score=score(count, mine), kinds=dict(with_defect(mine, origin))
            )
        )
    return Report(
        checked_at=now,
        seconds=0,
        digests={"documents": digest_of(seen)},
        documents=sizes.total(),
        score=score(sizes.total(), findings),
        sources=sources,
        findings=findings,
    )


def digest_of(documents: Iterable[Sequence[str]]) -> str:
    """SHA-256 that names documents by source and digest of their bytes, in whatever order they come."""
    return hashlib.sha256(json.dumps(sorted(list(each) for each in documents)).encode()).hexdigest()


class Rules:
    """The rules on a single document."""

    def __init__(
        self, settings: QualityFile, retrieval: RetrievalFile, callers: Sequence[Principal], now: datetime
    ) -> None:
        self._settings, self._retrieval, self._now = settings, retrieval, now
        # Access lists repeat, from rule to rule; callers may be many.
        self._unknown = lru_cache(1024)(lambda access: permissions.unknown(access, callers))
        self._wide = lru_cache(1024)(
            lambda access: permissions.wide(access, callers, settings.everyone, settings.wide_share)
        )

    def __call__(self, item: Item) -> Iterator[tuple[KindName, str]]:
        """Each kind of defect that the item has, with its reason."""
        document, settings, now = item.document, self._settings, self._now
        found: dict[KindName, str] = {
            "missing_permissions": permissions.unseen(item.access),
            "unknown_principal": self._unknown(item.access),
        }
        if document is None:
            found[texts.problem_kind(item.problem)] = item.problem
        else:
            data = texts.personal(document.text)
            seen = self._wide(item.access)
            mark = permissions.marked(document, settings.confidential_words) if seen else ""
            limits = settings.max_characters, settings.max_table_rows
            found |= {
                "empty": texts.too_little(document.text, settings.min_words),
                "encoding": texts.garbled(document.title + "\n" + document.text),
                "contradictory": dates.disagreeing(document, settings.date_tolerance_days),
                "future_date": dates.in_future(document.updated, item.modified, now),
                "outdated": dates.outdated(document, item.modified, now, settings.max_age_days, settings.timeless),
                "mixed_languages": texts.mixed(document, settings.mixed_share),
                "missing_metadata": texts.missing(document),
                "wide_permissions": permissions.too_wide(seen, mark, data, settings.contacts),
                "personal_data": f"holds {texts.counted(data)}" if data else "",
                "oversized": texts.oversized(document.text, *limits, self._retrieval.chunking),
            }
        yield from ((kind, reason) for kind, reason in found.items() if reason)
