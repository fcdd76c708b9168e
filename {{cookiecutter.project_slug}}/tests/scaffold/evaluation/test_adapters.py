"""Metrics of other packages as graders: by their protocol always, by the packages themselves where they are installed."""

from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Case
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import Observation, Score
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders.adapters import deepeval, ragas
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders.custom import guarded

from tests.scaffold.evaluation.cases import answer, line

CASE = Case.model_validate(line(expected={"answer": "It is 150 EUR.", "must_include": ["150 EUR"], "sources": ["a"]}))
SAME, OTHER = Observation(answer("It is 150 EUR.", "a")), Observation(answer("It is 90 EUR.", "a"))


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules with the shapes that the packages' metrics are given."""
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def plant(name: str, **holds: object) -> None:
        planted = ModuleType(name)
        vars(planted).update(holds)
        monkeypatch.setitem(sys.modules, name, planted)

    for package in ("deepeval", "ragas", "ragas.metrics"):
        plant(package)
    plant("deepeval.test_case", LLMTestCase=SimpleNamespace)
    plant("deepeval.metrics", ExactMatchMetric=Measured, BiasMetric=Asking)
    plant("ragas.dataset_schema", SingleTurnSample=SimpleNamespace)
    plant("ragas.metrics.collections", ExactMatch=Collected, Faithfulness=Asking)


class Measured:
    """As deepeval's metrics are: the reason stays in the metric."""

    def measure(self, test_case: Any, _show_indicator: bool = True) -> float:
        assert not _show_indicator
        assert (test_case.input, test_case.retrieval_context) == (CASE.question, ["passage 1"])
        same = test_case.actual_output == test_case.expected_output
        self.reason = "the same" if same else "not the same"
        return float(same)


class Collected:
    """As ragas's collections are: named arguments, a value and a reason."""

    async def ascore(self, reference: str, response: str) -> Any: ...

    def score(self, **given: str) -> Any:
        return SimpleNamespace(value=float(given["reference"] == given["response"]), reason="not the same")


class Sampled:
    """As ragas's older metrics are."""

    def single_turn_score(self, sample: Any) -> float:
        assert (sample.user_input, sample.retrieved_contexts) == (CASE.question, ["passage 1"])
        return float(sample.response == sample.reference)


class Asking:
    def __init__(self, model: str = "gpt", llm: object = None) -> None: ...


class Beyond:
    def measure(self, test_case: Any) -> float:
        return 7.0


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize(
    ("grader", "reason"),
    [
        (lambda: deepeval(Measured), "not the same"),
        (lambda: deepeval("ExactMatchMetric"), "not the same"),
        (lambda: ragas("ExactMatch"), "not the same"),
        (lambda: ragas(Sampled), ""),
    ],
    ids=["deepeval, made", "deepeval, named", "ragas, named", "ragas, made"],
)
def test_a_metric_is_a_grader(grader: Any, reason: str) -> None:
    made = grader()
    assert made(CASE, SAME) == Score(score=1)
    assert made(CASE, OTHER) == Score(score=0, reason=reason)


@pytest.mark.usefixtures("stand_ins")
def test_a_metric_beyond_a_score_is_a_failure() -> None:
    graded = guarded(deepeval(Beyond), 60)(CASE, SAME)
    assert graded is not None
    assert graded.reason == "the grader failed: ValueError: the metric gave 7, not a score from 0 to 1"


@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize(
    ("adapter", "name", "problem"),
    [
        (deepeval, "BiasMetric", "deepeval's BiasMetric asks a model"),
        (ragas, "Faithfulness", "ragas's Faithfulness asks a model"),
        (deepeval, "Nothing", "There is no 'Nothing' in deepeval.metrics"),
    ],
)
def test_a_metric_that_cannot_be_named_says_why(adapter: Any, name: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        adapter(name)


def test_a_package_that_is_not_there_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setitem(sys.modules, "deepeval.metrics", None)
    with pytest.raises(UsageError, match=r"deepeval is not installed.*run 'pip install deepeval'"):
        deepeval("ExactMatchMetric")


@pytest.mark.usefixtures("stand_ins")
def test_neither_package_reports_to_its_vendor() -> None:
    deepeval(Measured)
    assert os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] == "1"
    assert os.environ["RAGAS_DO_NOT_TRACK"] == "true"


@pytest.mark.parametrize(
    ("package", "adapter", "metric"),
    [("deepeval", deepeval, "ExactMatchMetric"), ("ragas", ragas, "ExactMatch"), ("ragas", ragas, "StringPresence")],
)
def test_a_metric_of_the_package_itself(
    package: str, adapter: Any, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    try:
        made = adapter(metric)
    except UsageError as error:
        pytest.skip(str(error))
    assert [made(CASE, observed).score for observed in (SAME, OTHER)] == [1, 0]
