"""Documents turned into passages: one pure function, and a pool of processes that run it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ..errors import DocumentError
from .chunking import Chunk, split
from .documents import Raw, parse
from .settings import RetrievalFile
from .stores.analysis import Analyser


@dataclass(frozen=True)
class Processed:
    """A document in passages, or why there are none."""

    source: str
    sha256: str
    """Of the document's bytes."""
    title: str = ""
    updated: str | None = None
    language: str = ""
    """As the document says; recognised where it does not."""
    status: str | None = None
    chunks: tuple[Chunk, ...] = ()
    problem: str = ""
    """A sentence that begins with the source; then there are no chunks."""


def process_batch(documents: Sequence[Raw], settings: RetrievalFile) -> list[Processed]:
    """Each of ``documents`` in passages, in the same order. A document's failure is its own ``problem``."""
    analyser = Analyser(settings.languages)
    return [_process(raw, settings, analyser) for raw in documents]


class Pool:
    """Runs ``process_batch`` on any number of batches."""

    def __init__(self, settings: RetrievalFile) -> None:
        """``settings``: how documents are read."""
        self._settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, batches: Iterable[Sequence[Raw]]) -> Iterator[list[Processed]]:
        """Each batch's results, in order. A batch is asked for only when there is room for it."""
        for batch in batches:
            yield process_batch(batch, self._settings)

    def close(self) -> None:
        """Nothing goes on after this."""


def _process(raw: Raw, settings: RetrievalFile, analyser: Analyser) -> Processed:
    try:
        document = parse(raw, settings)
    except DocumentError as error:
        return Processed(raw.source, hashlib.sha256(raw.data).hexdigest(), problem=str(error))
    return Processed(
        document.source,
        document.sha256,
        document.title,
        document.updated,
        document.language or analyser.recognise(document.text),
        document.status,
        tuple(split(document, settings.chunking)),
    )
