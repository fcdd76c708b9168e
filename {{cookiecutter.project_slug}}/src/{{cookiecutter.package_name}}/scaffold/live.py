"""Files that change while the application runs: followed, and put in use together or not at all."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar, cast

from .errors import ScaffoldError

log = logging.getLogger(__name__)
T = TypeVar("T")
Tell = Callable[[str, str], None]
Stamps = Mapping[str, tuple[object, ...]]

READINGS = 3
"""How often files are read that change while they are read, before it is the next reader's turn."""

_pinned: ContextVar[tuple[Live, Mapping[str, Any]] | None] = ContextVar("pinned", default=None)


class Live:
    """Files that are one configuration, by name.

    What changed is read together, checked together, and swapped in at once; a mistake in any file leaves the last good
    version of all of them in use. One thread reads, while the others go on with what is in use. ``tell`` hears the name
    of each file that is followed, with ``followed``, and then ``loaded`` or ``refused`` whenever it changed.
    """

    def __init__(self, tell: Tell = lambda name, outcome: None) -> None:
        self._tell = tell
        self._all: list[Live] = [self]
        self._files: dict[str, LastGood[Any]] = {}
        self._checks: list[Callable[[], None]] = []
        self._values: Mapping[str, Any] = {}
        self._errors: Mapping[str, str] = {}
        self._used: Stamps = {}
        self._seen: Stamps = {}
        self._turn = threading.Lock()

    def apart(self) -> Live:
        """For a file that takes effect by itself, whatever is wrong with the others; ``errors`` here knows it too."""
        live = Live(self._tell)
        self._all.append(live)
        return live

    def add(self, file: LastGood[Any]) -> None:
        """Follow ``file``, which must load now; it takes the place of an earlier one of its name."""
        stamp = file.look()
        self._values = {**self._values, file.name: file.load()}
        self._files = {**self._files, file.name: file}
        self._used = {**self._used, file.name: stamp}
        self._seen = {**self._seen, file.name: stamp}
        self._tell(file.name, "followed")

    def check(self, check: Callable[[], None]) -> None:
        """Hold every version to ``check``, this one too; readers inside it get the version that is to be checked."""
        self._checks.append(check)
        self._hold(self._values)

    def values(self) -> Mapping[str, Any]:
        """What is in use, by the names of the files; one version of all."""
        pinned = _pinned.get()
        if pinned and pinned[0] is self:
            return pinned[1]
        if self._look() != self._seen and self._turn.acquire(blocking=False):
            try:
                self._reload()
            finally:
                self._turn.release()
        return self._values

    def errors(self) -> dict[str, str | None]:
        """Each followed file, with the reason why its newest version is not in use, if it is not."""
        for live in self._all:
            live.values()
        return {name: live._errors.get(name) for live in self._all for name in live._files}

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Inside the block, and in what it starts, every reader gets the version that is in use now."""
        token = _pinned.set((self, self.values()))
        try:
            yield
        finally:
            _pinned.reset(token)

    def _look(self) -> Stamps:
        return {name: file.look() for name, file in self._files.items()}

    def _same(self, stamps: Stamps) -> bool:
        """Whether the files are still those of ``stamps``: if so, what was read in between is of one version."""
        return self._look() == stamps

    def _reload(self) -> None:
        for _ in range(READINGS):
            stamps = self._look()
            if stamps == self._seen:  # another thread was quicker
                return
            values, errors = self._read(stamps)
            if self._same(stamps):
                break
        else:
            return
        changed = {name for name in stamps if stamps[name] != self._used[name]} | self._errors.keys()
        if not errors:
            self._values, self._used = values, stamps
        self._errors, self._seen = errors, stamps
        for name in sorted(changed):
            if name in errors:
                log.error("%s not reloaded, the last good one stays: %s", name, errors[name])
            else:
                log.info("%s reloaded", name)
            self._tell(name, "refused" if name in errors else "loaded")

    def _read(self, stamps: Stamps) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """The version of ``stamps``, and why each file that changed cannot be used, if anything is wrong."""
        values, errors = dict(self._values), {}
        changed = [name for name in stamps if stamps[name] != self._used[name]]
        for name in changed:
            try:
                values[name] = self._files[name].load()
            except (ScaffoldError, OSError) as error:  # the latter where a file goes while it is read
                errors[name] = str(error)
        try:
            if not errors:
                self._hold(values)
        except ScaffoldError as error:
            return values, dict.fromkeys(changed, str(error))
        waits = f"It waits until this is mended: {' '.join(errors.values())}"
        return values, {name: errors.get(name, waits) for name in changed} if errors else {}

    def _hold(self, values: Mapping[str, Any]) -> None:
        token = _pinned.set((self, values))
        try:
            for check in self._checks:
                check()
        finally:
            _pinned.reset(token)


class LastGood(Generic[T]):
    """Something loaded from files that may change while the application runs. The first load must succeed.

    ``get`` looks at the files' stamps (microseconds), loads anew when one changed, and answers the last good value when
    the new one is wrong; ``error`` then says why. Stamps follow symbolic links, so that a Kubernetes ConfigMap's swap
    is seen. With ``live`` it is one of several files that are put in use together.
    """

    def __init__(
        self,
        paths: Callable[[], Iterable[str | os.PathLike[str]]],
        load: Callable[[], T],
        name: str,
        live: Live | None = None,
    ) -> None:
        self._paths, self.load, self.name = paths, load, name
        self._live = live or Live()
        self._live.add(self)

    def get(self) -> T:
        """The newest valid value."""
        return cast("T", self._live.values()[self.name])

    @property
    def error(self) -> str | None:
        """Why the newest files are not in use, if they are not."""
        self._live.values()
        return self._live._errors.get(self.name)

    def look(self) -> tuple[object, ...]:
        """What tells the files' versions apart."""
        stamps: list[object] = []
        for path in self._paths():
            try:
                found = os.stat(path)  # noqa: PTH116 - at every reading, and much quicker than Path.stat
                stamps.append((path, found.st_mtime_ns, found.st_size, found.st_ino))
            except OSError:
                stamps.append((path, None))
        return tuple(stamps)
