"""Processes that apply one function to items: what an item does to its process, no other item feels."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, resource_tracker
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 2
"""How often an item is tried that ended its process: that can have been another one's fault, once."""

OUT_OF_MEMORY = 69
"""Exit code of a process that has no memory left to say so."""


@dataclass
class _Batch(Generic[Item, Result]):
    items: Sequence[Item]
    results: list[Result] = field(default_factory=list)
    tries: int = 0
    """How often the item after the last result has ended its process."""


@dataclass
class _Worker(Generic[Item, Result]):
    process: Any
    pipe: connection.Connection
    batch: _Batch[Item, Result] | None = None
    ready: bool = False


class Workers(Generic[Item, Result]):
    """Up to ``most`` processes, started when there is something to do.

    An item that takes longer than ``seconds`` ends its process (by the system's alarm, which no code can sit out), as
    does one that crashes it; beyond ``megabytes`` there is a ``MemoryError``. ``lost`` says what then stands for the
    item's result. For one thread at a time.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        lost: Callable[[Item, str], Result],
        most: int,
        seconds: float,
        megabytes: int,
    ) -> None:
        """``work``: can be pickled, as can items and results. ``lost`` gets the reason, as the end of a sentence."""
        self._arguments, self._lost, self._most, self._seconds = (work, seconds, megabytes), lost, most, seconds
        self._workers: list[_Worker[Item, Result]] = []

    def run(self, batches: Iterable[Sequence[Item]]) -> Iterator[list[Result]]:
        """Each batch's results, in order. At most two batches a process are asked for ahead.

        Raises ``ConfigurationError`` where no process can be started.
        """
        source, order, todo = iter(batches), deque[_Batch[Item, Result]](), deque[_Batch[Item, Result]]()
        more = True
        try:
            while more or order:
                while more and len(order) < 2 * self._most:
                    items = next(source, None)
                    if items is None:
                        more = False
                    else:
                        order.append(_Batch(items))
                        todo.append(order[-1])
                        self._hand_out(todo)
                if order and len(order[0].results) == len(order[0].items):
                    yield order.popleft().results
                elif order:
                    self._attend()
                    self._hand_out(todo)
        finally:
            for worker in [each for each in self._workers if each.batch]:
                self._end(worker)

    def close(self) -> None:
        """End the processes."""
        for worker in list(self._workers):
            self._end(worker)

    def _hand_out(self, todo: deque[_Batch[Item, Result]]) -> None:
        while todo:
            idle = next((worker for worker in self._workers if not worker.batch), None)
            if idle is None and len(self._workers) == self._most:
                return
            batch = todo.popleft()
            if batch.items:
                self._give(idle or self._start(), batch)

    def _give(self, worker: _Worker[Item, Result], batch: _Batch[Item, Result]) -> None:
        worker.batch = batch
        if not worker.ready:  # it gets its batch when it is; meanwhile others can start
            return
        with contextlib.suppress(OSError):  # it has died; _attend sees that
            worker.pipe.send(batch.items[len(batch.results) :])

    def _start(self) -> _Worker[Item, Result]:
        context = multiprocessing.get_context("spawn")  # a copy of this process would copy locks that its threads hold
        pipe, end = context.Pipe()
        process = context.Process(target=_serve, args=(end, *self._arguments), daemon=True)
        resource_tracker.ensure_running()
        with _uninterrupted():
            process.start()
        end.close()
        self._workers.append(_Worker(process, pipe))
        return self._workers[-1]

    def _attend(self) -> None:
        """Take what has come, waiting until something has."""
        busy = {worker.pipe: (worker, worker.batch) for worker in self._workers if worker.batch}
        for pipe in connection.wait(list(busy)):
            worker, batch = busy[pipe]  # type: ignore[index]
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker, batch)
                continue
            if not worker.ready:
                worker.ready = True
                self._give(worker, batch)
                continue
            batch.results.append(result)
            batch.tries = 0
            if len(batch.results) == len(batch.items):
                worker.batch = None

    def _bury(self, worker: _Worker[Item, Result], batch: _Batch[Item, Result]) -> None:
        worker.process.join()
        code = worker.process.exitcode
        self._end(worker)
        if not worker.ready:
            raise ConfigurationError(
                f"A process to read documents in could not be started (it ended with {_spelt(code)}); "
                "to do without, set workers: 0 in config/retrieval.yaml."
            )
        batch.tries += 1
        late = code == -signal.SIGALRM if hasattr(signal, "SIGALRM") else False
        if late or batch.tries == TRIES:
            reason = f"takes longer than {self._seconds:g} seconds" if late else f"ends its process ({_spelt(code)})"
            batch.results.append(self._lost(batch.items[len(batch.results)], reason))
            batch.tries = 0
        if len(batch.results) < len(batch.items):
            self._give(self._start(), batch)

    def _end(self, worker: _Worker[Item, Result]) -> None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def cores() -> int:
    """How many processes can compute at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _serve(pipe: connection.Connection, work: Callable[[Any], Any], seconds: float, megabytes: int) -> None:
    """What a process does until its pipe is closed: batches in, one result an item out."""
    logging.getLogger().addHandler(logging.NullHandler())  # else libraries' remarks on damaged files go to stderr
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _limit_memory(megabytes)
    try:
        pipe.send(None)
        while True:
            for item in pipe.recv():
                alarm(seconds)
                result = work(item)
                alarm(0)
                pipe.send(result)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (EOFError, OSError):  # the other end is gone
        return


def alarm(seconds: float) -> None:
    """End this process after ``seconds`` (0: never), whatever runs: the system does it. Not on Windows."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(megabytes: int) -> None:
    """Beyond ``megabytes`` more than now there is a ``MemoryError``. Linux only: macOS keeps to no such limit."""
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process started here does not hear Ctrl-C, which a terminal tells all of: ending it is its parent's part."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _spelt(code: int) -> str:
    if code == OUT_OF_MEMORY:
        return "out of memory"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"exit code {code}"
