"""Metrics of deepeval and ragas as graders. Neither is a dependency: install the one you use beside the project.

In a suite, a metric that needs no arguments is named as it is: ``deepeval:ExactMatchMetric``, ``ragas:ExactMatch``.
Others are made in a module of the project, imported where they are made, so that only a run which names one needs it::

    def no_order_numbers() -> object:
        from deepeval.metrics import PatternMatchMetric
        return PatternMatchMetric(pattern=r"(?!.*ORD-[0-9]).*")

    wording = deepeval(no_order_numbers)

A metric that asks a model asks it past the project's own door: no policy, no budget, no audit, and the answers and the
passages leave the house. So those that are named in a suite are refused.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import UsageError
from ..dataset import Case
from .observed import Observation, Score

Make = Callable[[], Any]
"""Makes a metric."""

_QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",  # it would read the project's keys into the environment
    "DEEPEVAL_FILE_SYSTEM": "READ_ONLY",
    "RAGAS_DO_NOT_TRACK": "true",
}
_INSTALL = {"deepeval": "deepeval", "ragas": 'ragas "langchain-community<0.4"'}  # ragas 0.4 imports what 0.4 dropped
_ASKS = ("model", "evaluation_model", "llm", "embeddings", "embedding_model")
"""Attributes of metrics that ask a model."""


def silence() -> None:
    """Tell both packages not to report use to their vendors; they look when they are imported."""
    os.environ.update(_QUIET)


def deepeval(metric: str | Make) -> Callable[[Case, Observation], Score]:
    """A single-turn metric of deepeval, by its class's name or by what makes it: ``measure(test_case)`` gives a score.

    Raises ``UsageError`` where a named one is not there, or asks a model.
    """
    make = _named("deepeval.metrics", metric) if isinstance(metric, str) else metric

    def score(made: Any, case: Case, observed: Observation) -> Score:
        test_case = importlib.import_module("deepeval.test_case").LLMTestCase(
            input=case.question,
            actual_output=observed.told,
            expected_output=_reference(case),
            retrieval_context=observed.passages,
        )
        shown = {"_show_indicator": False} if _takes(made.measure, "_show_indicator") else {}
        return _scored(made.measure(test_case, **shown), made.reason if hasattr(made, "reason") else "")

    return _graded(make, score)


def ragas(metric: str | Make) -> Callable[[Case, Observation], Score]:
    """A single-turn metric of ragas, by its class's name or by what makes it.

    Those of ``ragas.metrics.collections`` are given what their ``ascore`` names; older ones a ``SingleTurnSample``.
    Raises ``UsageError`` where a named one is not there, or asks a model.
    """
    make = _named("ragas.metrics.collections", metric) if isinstance(metric, str) else metric

    def score(made: Any, case: Case, observed: Observation) -> Score:
        sample: dict[str, Any] = {
            "user_input": case.question,
            "response": observed.told,
            "reference": _reference(case),
            "retrieved_contexts": observed.passages,
        }
        if hasattr(made, "single_turn_score"):
            shape = importlib.import_module("ragas.dataset_schema").SingleTurnSample
            return _scored(made.single_turn_score(shape(**sample)), "")
        given = made.score(**{name: value for name, value in sample.items() if _takes(made.ascore, name)})
        return _scored(given.value, given.reason)

    return _graded(make, score)


PACKAGES: Mapping[str, Callable[[str], Callable[[Case, Observation], Score]]] = {"deepeval": deepeval, "ragas": ragas}
"""By the name that a suite gives them."""


def _graded(make: Make, score: Callable[[Any, Case, Observation], Score]) -> Callable[[Case, Observation], Score]:
    """Metrics keep the last result in themselves: each serves one case at a time, and a free one is used again."""
    silence()
    free = list[Any]()  # its append and pop are safe from several threads

    def grader(case: Case, observed: Observation) -> Score:
        try:
            metric = free.pop()
        except IndexError:
            metric = make()
        scored = score(metric, case, observed)
        free.append(metric)
        return scored

    return grader


def _named(module: str, name: str) -> Make:
    silence()
    package = module.partition(".")[0]
    try:
        found = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise UsageError(
            f"{package} is not installed, or lacks something ({error}); run 'pip install {_INSTALL[package]}'."
        ) from None
    except AttributeError:
        raise UsageError(f"There is no {name!r} in {module}.") from None
    if asks := sorted({*inspect.signature(found).parameters} & {*_ASKS}):
        raise UsageError(
            f"{package}'s {name} asks a model ({', '.join(asks)}) past the project's policy, budget and audit; use a "
            "metric without one, or make it in a module of the project, with a model that your policy allows."
        )
    make: Make = found
    return make


def _reference(case: Case) -> str:
    wordings = [item if isinstance(item, str) else item[0] for item in case.expected.must_include]
    return case.expected.answer or ", ".join(wordings)


def _takes(function: Any, name: str) -> bool:
    parameters = inspect.signature(function).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _scored(value: Any, reason: str | None) -> Score:
    if value is None:
        raise ValueError("the metric gave no score")
    score = float(value)
    if not 0 <= score <= 1:
        raise ValueError(f"the metric gave {score:g}, not a score from 0 to 1")
    return Score(score=score, reason="" if score == 1 else reason or "")
