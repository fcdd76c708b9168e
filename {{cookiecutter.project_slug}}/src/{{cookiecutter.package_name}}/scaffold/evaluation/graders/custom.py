"""Graders of the project's own, and metrics of other packages, named by the suite."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from typing import Any

from pydantic import BaseModel

from ...errors import ConfigurationError, UsageError
from ..dataset import Case
from . import adapters
from .observed import Grade, Observation, Score, unanswered

REFERENCE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""``package.module:name``, or ``deepeval:Metric``, or ``ragas:Metric``."""

FAILED = "the grader failed: "
"""How the reason of a score begins that no grader gave."""

PACKAGE = __name__.partition(".")[0]

Custom = Callable[[Case, Observation], Score | float | bool | None]


def custom(references: Mapping[str, str], place: Callable[..., str], seconds: float) -> dict[str, Grade]:
    """The graders that a suite names, ready to be called, each with ``seconds`` for an answer; see ``suite.located``.

    Raises ``ConfigurationError`` naming the first that is none. Only this project's package is imported, so that a
    suite can run nothing that was not reviewed as code, and so that each grader is in the digest of the code that a run
    was measured with.
    """
    return {
        name: guarded(_callable(reference, place("graders", name)), seconds) for name, reference in references.items()
    }


def guarded(grader: Custom, seconds: float) -> Grade:
    """``grader`` as one that never raises nor hangs: what it raises, or answers late or beside 0..1, is a 0 saying so.

    It is asked about answers only: a case that ended in an error scores 0. While a call of it hangs it is not asked
    again, so that it costs a run its time once and not with each case.
    """
    late: list[Future[Any]] = []

    def call(case: Case, observed: Observation) -> Score | None:
        if observed.answer is None:
            return unanswered(observed)
        if not all(each.done() for each in late):
            return _failed("not asked, for it has not come back from an answer before this one")
        asked = _asked(grader, case, observed)
        wait([asked], seconds)
        if not asked.done():
            late.append(asked)
            return _failed(f"no score within {seconds:g} s")
        if error := asked.exception():
            return _failed(f"{type(error).__name__}: {error}")
        given = asked.result()
        if given is None or isinstance(given, Score):
            return given
        if isinstance(given, (bool, int, float)) and math.isfinite(given) and 0 <= given <= 1:
            return Score(score=float(given))
        return _failed(f"it answered {given!r}, not a score from 0 to 1")

    return call


def _asked(grader: Custom, case: Case, observed: Observation) -> Future[Any]:
    """What ``grader`` will give. A daemon asks it: Python cannot end a thread, and when it exits waits for others."""
    asked: Future[Any] = Future()

    def ask() -> None:
        try:
            asked.set_result(grader(case, observed))
        except BaseException as error:  # noqa: BLE001 - a grader may raise anything, and must not end the run
            asked.set_exception(error)

    Thread(target=copy_context().run, args=(ask,), name=f"grader of {case.id}", daemon=True).start()
    return asked


def _failed(why: str) -> Score:
    return Score(score=0, reason=f"{FAILED}{why}")


def shape_of(reference: str, where: str) -> type[BaseModel]:
    """The model that a suite's ``shape`` names. Raises ``ConfigurationError`` where it is none."""
    found = _named(reference, where)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise ConfigurationError(f"{where}: {reference!r} is no pydantic model; name a class of that kind.")
    return found


def _callable(reference: str, where: str) -> Custom:
    module, _, name = reference.partition(":")
    if module in adapters.PACKAGES:
        try:
            found: Any = adapters.PACKAGES[module](name)
        except UsageError as error:
            raise ConfigurationError(f"{where}: {error}") from None
    else:
        found = _named(reference, where)
    if not callable(found):
        raise ConfigurationError(f"{where}: {reference!r} cannot be called; name a function of a case and an answer.")
    grader: Custom = found
    return grader


def _named(reference: str, where: str) -> Any:
    module, _, name = reference.partition(":")
    if module.partition(".")[0] != PACKAGE:
        raise ConfigurationError(
            f"{where}: {reference!r} is not of this project; name a function as {PACKAGE}.module:function, "
            f"or a metric as {' or '.join(f'{package}:Metric' for package in adapters.PACKAGES)}."
        )
    adapters.silence()  # before anything imports what phones home
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        raise ConfigurationError(f"{where}: there is no {name!r} in {module}.") from None
    except Exception as error:  # noqa: BLE001 - importing runs the module, which may raise anything
        raise ConfigurationError(f"{where}: {module} cannot be imported ({type(error).__name__}: {error}).") from None
