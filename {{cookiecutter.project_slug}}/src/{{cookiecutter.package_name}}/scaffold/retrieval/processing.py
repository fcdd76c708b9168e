"""Documents turned into passages: one pure function, and a pool of processes that run it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Self

from ..errors import DocumentError
from .chunking import Chunk, split
from .documents import Raw, parse, shown
from .settings import RetrievalFile
from .stores.analysis import Analyser
from .workers import Workers, cores


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
    """``process_batch`` on any number of batches: in this process, in others, or on a Ray cluster.

    In this process only what is small and of a simple format is read; the rest may loop, crash or fill the memory.
    Other processes take over for all that follows when there is something of that kind, or after ``START_SECONDS``.
    With ``workers: 0`` everything is read in this process, and the limits of time and memory do not hold.
    """

    def __init__(self, settings: RetrievalFile) -> None:
        """``settings``: how documents are read, and by how many."""
        self._settings, self._workers = settings, None if settings.workers == 0 else _workers(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, batches: Iterable[Sequence[Raw]]) -> Iterator[list[Processed]]:
        """Each batch's results, in order. Only a few batches are asked for ahead, so memory is bounded by their size.

        Raises ``ConfigurationError`` where no process can be started.
        """
        if self._settings.workers == "ray" and self._workers:
            from . import cluster

            yield from cluster.run(batches, self._settings, self._workers)
            return
        batches, spent = iter(batches), 0.0
        for batch in batches:
            if self._workers and (spent > START_SECONDS or not all(harmless(raw) for raw in batch)):
                yield from self._workers.run(chain([batch], batches))
            else:
                started = time.monotonic()
                processed = process_batch(batch, self._settings)
                spent += time.monotonic() - started
                yield processed

    def close(self) -> None:
        """End the processes; nothing goes on after this."""
        if self._workers:
            self._workers.close()
        if self._settings.workers == "ray":
            from . import cluster

            cluster.stop()


START_SECONDS = 2.0
"""Work after which other processes are worth their start, which takes about one second each."""
SMALL = dict.fromkeys((".md", ".markdown", ".txt", ".csv", ".tsv"), 1_000_000) | {".html": 20_000, ".htm": 20_000}
"""Most bytes of a file that is read without a limit of time. Pages made up for it take the square of their size."""


def process_one(raw: Raw, settings: RetrievalFile) -> Processed:
    """``process_batch`` for one document."""
    return process_batch([raw], settings)[0]


def lost(raw: Raw, reason: str) -> Processed:
    """What stands for a document that ended the process which read it."""
    return Processed(raw.source, hashlib.sha256(raw.data).hexdigest(), problem=f"{shown(raw.source)}: {reason}.")


def _workers(settings: RetrievalFile) -> Workers[Raw, Processed]:
    return Workers(
        partial(process_one, settings=settings),
        lost,
        settings.workers if isinstance(settings.workers, int) else cores(),
        settings.limits.seconds,
        settings.limits.memory_megabytes,
    )


def harmless(raw: Raw) -> bool:
    """Whether no content can make reading it take long."""
    return len(raw.data) <= SMALL.get(raw.suffix, -1)


def _process(raw: Raw, settings: RetrievalFile, analyser: Analyser) -> Processed:
    try:
        document = parse(raw, settings)
        return Processed(
            document.source,
            document.sha256,
            document.title,
            document.updated,
            document.language or analyser.recognise(document.text),
            document.status,
            tuple(split(document, settings.chunking)),
        )
    except DocumentError as error:
        return Processed(raw.source, hashlib.sha256(raw.data).hexdigest(), problem=str(error))
    except MemoryError:
        return lost(raw, "needs more memory than there is to read it; split it")
    except Exception as error:  # noqa: BLE001  no document ends the reading of the others
        return lost(raw, f"cannot be cut into passages ({type(error).__name__}: {' '.join(str(error).split())[:150]})")
