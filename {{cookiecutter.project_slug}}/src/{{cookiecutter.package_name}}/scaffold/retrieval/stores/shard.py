"""The folder that an embedded index lives in: made whole, opened at first use, let go of for whoever waits for it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from ...errors import ConfigurationError
from .point import Built

WAIT_SECONDS = 10.0
"""How long to wait for another process to let go of the index."""
FREE_BYTES = 64_000_000
"""Room that must be left on the disk: the engine's write-ahead log takes two segments of 32 MB while it is open."""
LOOK_SECONDS = 0.3
"""How often whoever has the index looks whether another process waits for it."""


class Shard:
    """One Qdrant Edge shard below ``path``. Any number of threads, one process at a time."""

    def __init__(self, path: Path, wait_seconds: float = WAIT_SECONDS) -> None:
        """``path``: the index's folder, made with the first write."""
        self.path, self._wait, self._wanted = path, wait_seconds, path / "wanted"
        self._lock = threading.Condition()
        self._open: Any = None
        self._users = 0
        self._closed = threading.Event()

    @contextmanager
    def opened(self, create: Built | None = None) -> Iterator[Any]:
        """The open shard; None where there is none yet, unless ``create`` says how to make it.

        Raises ``ConfigurationError`` where another process keeps it, or where it is damaged.
        """
        with self._lock:
            if self._open is None and create and not self.path.exists():
                self._make(create)
            if self._open is None and self.path.exists():
                self._open = self._load()
                self._closed = threading.Event()
                threading.Thread(target=_look, args=(weakref.ref(self), self._closed), daemon=True).start()
            elif create:
                self._check_room()
            self._users += 1
            shard = self._open
        try:
            yield shard
        finally:
            with self._lock:
                self._users -= 1
                self._lock.notify_all()

    def built(self) -> Built | None:
        """What the index was built with; None where there is none."""
        file = self.path / "built.json"
        try:
            return Built(**json.loads(file.read_text("utf-8")))
        except FileNotFoundError as error:
            if not self.path.exists() or file.exists():  # the second: made this moment by another process
                return None
            raise self._damaged(error) from None
        except (OSError, ValueError, TypeError) as error:
            raise self._damaged(error) from None

    def close(self) -> None:
        """Let go of the folder, unless a search or a sync is under way; the next use opens it again."""
        with self._lock:
            if self._open is not None and not self._users:
                self._open.close()
                self._open = None
                self._closed.set()

    def let_go(self) -> None:
        """``close`` where another process waits for the folder, as soon as nobody here uses it."""
        if self._wanted.exists():
            with self._lock:
                self._lock.wait_for(lambda: not self._users, LOOK_SECONDS)
                self.close()

    def drop(self) -> None:
        """Delete the index. Raises ``ConfigurationError`` where another process uses it."""
        with self._lock:
            with self.opened():
                pass  # proves that no other process has it
            self._lock.wait_for(lambda: not self._users)
            self.close()
            if self.path.exists():
                doomed = self.path.with_name(f"{self.path.name}.old")
                shutil.rmtree(doomed, ignore_errors=True)
                self.path.rename(doomed)  # at once: a half-deleted index would be taken for a damaged one
                shutil.rmtree(doomed)

    def _make(self, built: Built) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        shutil.rmtree(new, ignore_errors=True)  # left by a process that died here
        (new / "shard").mkdir(parents=True)
        self._check_room()
        config = edge.EdgeConfig(
            vectors={"dense": edge.EdgeVectorParams(built.dimensions, edge.Distance.Cosine)},
            sparse_vectors={"bm25": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        )
        shard = edge.EdgeShard.create(str(new / "shard"), config)
        for field in ("allow", "deny", "source"):
            shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))
        shard.flush()
        shard.close()
        (new / "built.json").write_text(json.dumps(asdict(built)), "utf-8")
        new.rename(self.path)

    def _load(self) -> Any:
        self._check_room()
        deadline = time.monotonic() + self._wait
        while True:
            try:
                shard = edge.EdgeShard.load(str(self.path / "shard"))
            except Exception as error:  # noqa: BLE001  the engine has one exception for everything
                if "WouldBlock" not in str(error):
                    raise self._damaged(error) from None
                if time.monotonic() >= deadline:
                    raise ConfigurationError(
                        f"The index in {self.path} is in use by another process{self._holder()}; "
                        "it takes one at a time. Try again when that one is idle, or stop it."
                    ) from None
                self._want()
                time.sleep(0.05)
            else:
                self._wanted.unlink(missing_ok=True)  # whoever else waits says so again
                (self.path / "holder").write_text(str(os.getpid()), "utf-8")
                return shard

    def _want(self) -> None:
        try:
            self._wanted.touch()
        except FileNotFoundError as error:  # deleted meanwhile
            raise self._damaged(error) from None

    def _check_room(self) -> None:
        # The engine writes through memory maps: on a full disk the system ends the process without a word (SIGBUS).
        free = shutil.disk_usage(self.path.parent).free
        if free < FREE_BYTES:
            raise ConfigurationError(
                f"The disk of {self.path.parent} has {free // 1_000_000} MB left, and the index needs at least "
                f"{FREE_BYTES // 1_000_000} MB to work in; make room, then try again."
            )

    def _damaged(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(
            f"The index in {self.path} cannot be opened ({_first_line(error)}); delete that folder and run 'ingest'."
        )

    def _holder(self) -> str:
        try:
            return f" (number {(self.path / 'holder').read_text('utf-8')})"
        except OSError:
            return ""


def _look(shard: weakref.ref[Shard], closed: threading.Event) -> None:
    """Have ``shard`` let go when it is wanted, until it is closed or forgotten."""
    while not closed.wait(LOOK_SECONDS) and (found := shard()):
        found.let_go()
        del found


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
