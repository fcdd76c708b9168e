"""Graders of the project's own, and metrics of other packages, named by the suite."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ...errors import ConfigurationError, UsageError
from ..dataset import Case
from . import adapters
from .observed import Grade, Observation, Score, unanswered

if TYPE_CHECKING:
    from ..record import CaseResult

REFERENCE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""``package.module:name``, or ``deepeval:Metric``, or ``ragas:Metric``."""

FAILED = "the grader failed: "
"""How the reason of a score begins that no grader gave."""

PACKAGE = __name__.partition(".")[0]

Custom = Callable[[Case, Observation], Score | float | bool | None]


def custom(references: Mapping[str, str], suite: str) -> dict[str, Grade]:
    """The graders that a suite names, ready to be called. Raises ``ConfigurationError`` naming the first that is none.

    Only this project's package is imported, so that a suite can run nothing that was not reviewed as code, and so that
    each grader is in the digest of the code that a run was measured with.
    """
    return {name: guarded(_callable(reference, f"{suite}: graders.{name}")) for name, reference in references.items()}


def guarded(grader: Custom) -> Grade:
    """``grader`` as one that never raises: what it raises, or answers beside 0..1, is a 0 that says so.

    It is asked about answers only: a case that ended in an error scores 0.
    """

    def call(case: Case, observed: Observation) -> Score | None:
        if observed.answer is None:
            return unanswered(observed)
        try:
            given: Any = grader(case, observed)
        except Exception as error:  # noqa: BLE001 - a grader may raise anything, and must not end the run
            return Score(score=0, reason=f"{FAILED}{type(error).__name__}: {error}")
        if given is None or isinstance(given, Score):
            return given
        if isinstance(given, (bool, int, float)) and math.isfinite(given) and 0 <= given <= 1:
            return Score(score=float(given))
        return Score(score=0, reason=f"{FAILED}it answered {given!r}, not a score from 0 to 1")

    return call


def failures(results: Iterable[CaseResult]) -> dict[str, list[str]]:
    """What graders failed with, by grader: a run in which one did has not measured what it was asked to."""
    found: dict[str, list[str]] = {}
    for result in results:
        for name, score in result.scores.items():
            if score.reason.startswith(FAILED):
                found.setdefault(name, []).append(f"{result.id}: {score.reason.removeprefix(FAILED)}")
    return found


def shape_of(reference: str, suite: str) -> type[BaseModel]:
    """The model that a suite's ``shape`` names. Raises ``ConfigurationError`` where it is none."""
    found = _named(reference, f"{suite}: shape")
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise ConfigurationError(f"{suite}: shape: {reference!r} is no pydantic model; name a class of that kind.")
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
