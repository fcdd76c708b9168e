"""The indexed documents, as somebody may see them: nothing here reads round the access lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

from ...application import Application
from ...governance.principal import Principal
from ...retrieval import Passage
from ...retrieval.manifest import Manifest

T = TypeVar("T")


class Indexed:
    """What is indexed while a command runs."""

    def __init__(self, application: Application) -> None:
        """Look at the live index of ``application``."""
        self._index = application.index
        version = application.index.versions.live(now=True)
        rows = Manifest(application.state, version.id).all() if version else ()
        self._chunks = {row.source: row.chunks for row in rows}
        directory = application.index.directory
        self.callers = [directory.get(name) for name in directory.callers]
        self._seen: dict[tuple[str, str], list[Passage]] = {}

    def __contains__(self, source: str) -> bool:
        return source in self._chunks

    def passages(self, source: str, caller: Principal) -> list[Passage]:
        """The passages of a document in its order; none where the caller may not see it."""
        if (source, caller.id) not in self._seen:
            ids = [f"{source}#{number}" for number in range(self._chunks.get(source, 0))]
            self._seen[source, caller.id] = self._index.visible(ids, caller)
        return self._seen[source, caller.id]

    def documents(self) -> Iterator[tuple[Principal, list[Passage]]]:
        """Every document in force that somebody may see, with one who may: one of its language, where there is one.

        Documents come in an order that has nothing to do with their names, and always the same.
        """
        for source in sorted(self._chunks, key=_digest):
            seen: tuple[Principal, list[Passage]] | None = None
            for caller in sorted(self.callers, key=lambda each: _digest(source + each.id)):
                passages = self.passages(source, caller)
                if not passages or passages[0].status == "superseded":
                    continue
                seen = seen or (caller, passages)
                if caller.locale == passages[0].language:
                    seen = caller, passages
                    break
            if seen:
                yield seen


def in_turn(lists: Iterator[list[T]], count: int) -> list[T]:
    """The first of each list, then the second of each, until there are ``count``; lists are made as they are needed."""
    first = list(islice((each for each in lists if each), count))
    rounds = range(max(map(len, first), default=0))
    return [each[place] for place in rounds for each in first if place < len(each)][:count]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
