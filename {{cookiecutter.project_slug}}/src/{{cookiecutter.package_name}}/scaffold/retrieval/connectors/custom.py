"""A connector of the project's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import ScaffoldError, SourceError
from ..documents import Raw
from .place import Place
from .port import Entry
from .records import loaded
from .settings import Custom as Settings

log = logging.getLogger(__name__)


class Unusable:
    """In place of a connector that could not be made: the other sources are read."""

    def __init__(self, error: SourceError) -> None:
        """``error``: why it could not."""
        self._error = error

    def entries(self, since: str | None) -> Iterator[Entry]:
        """Raises the reason."""
        raise self._error

    def cursor(self) -> str | None:
        """Nothing was listed."""
        return None

    def read(self, entry: Entry) -> Raw:
        """Raises the reason."""
        raise self._error

    def close(self) -> None:
        """Nothing is open."""


class Custom:
    """A source of kind ``custom``: whatever its class raises ends this source's listing, and no other's."""

    def __init__(self, source: Settings, place: Place) -> None:
        """Makes the connector."""
        made = loaded(source.connector, None, place("connector"))
        self._place = place
        self._inner = self._held(lambda: made(**source.options))
        if lacking := [name for name in ("entries", "cursor", "read", "close") if not hasattr(made, name)]:
            raise SourceError(f"{place('connector')}: {source.connector} lacks {', '.join(lacking)} of a connector.")
        if again := getattr(self._inner, "again", None):
            self.again = lambda payload: self._held(lambda: again(payload))

    def entries(self, since: str | None) -> Iterator[Entry]:
        """Whatever it lists."""
        listed = self._held(lambda: iter(self._inner.entries(since)))
        while (entry := self._held(lambda: next(listed, None))) is not None:
            yield entry

    def cursor(self) -> str | None:
        """Where its next listing of changes starts."""
        cursor: str | None = self._held(self._inner.cursor)
        return cursor

    def read(self, entry: Entry) -> Raw:
        """The document."""
        raw: Raw = self._held(lambda: self._inner.read(entry))
        return raw

    def close(self) -> None:
        """Let go of what it holds."""
        try:
            self._held(self._inner.close)
        except ScaffoldError as error:  # when all is read, and other sources are still to be closed
            log.warning("%s", error)

    def _held(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ScaffoldError:
            raise
        except Exception as error:  # the class is the project's own, and may raise anything
            said = (str(error).splitlines() or [""])[0][:200]
            raise SourceError(f"{self._place('connector')}: failed ({type(error).__name__}: {said}).") from error
