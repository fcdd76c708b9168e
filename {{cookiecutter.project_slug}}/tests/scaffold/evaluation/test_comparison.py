"""Two indexes, case by case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_suite
from {{ cookiecutter.package_name }}.scaffold.evaluation.comparison import LEAST, Comparison, compare
from {{ cookiecutter.package_name }}.scaffold.evaluation.margins import pair

PAIRS: list[tuple[Mapping[str, float], Mapping[str, float], float, list[str], float]] = [
    # before, after, difference, the worse ones, p
    ({"a": 1, "b": 0.5}, {"a": 1, "b": 0.5}, 0, [], 1),
    ({"a": 1, "b": 0.5}, {"a": 0.5, "b": 1}, 0, ["a"], 0.75),
    ({"a": 1, "b": 1, "c": 0}, {"a": 0, "b": 0.5, "c": 0}, -0.5, ["a", "b"], 0.25),
    (dict.fromkeys("abcde", 1.0), dict.fromkeys("abcde", 0.0), -1, list("abcde"), 1 / 32),
]


@pytest.mark.parametrize(("before", "after", "difference", "worse", "p"), PAIRS)
def test_a_case_is_paired_with_itself(
    before: Mapping[str, float], after: Mapping[str, float], difference: float, worse: list[str], p: float
) -> None:
    paired = pair(before, after)
    assert (paired.n, paired.worse) == (len(before), worse)
    assert [paired.difference, paired.p] == pytest.approx([difference, p])


def test_the_record_says_what_was_compared_and_finds_an_index_equal_to_itself(application: Application) -> None:
    live = application.index.versions.live()
    assert live is not None
    found = compare(application, load_suite(application.settings, "knowledge"), live, live)
    assert (found.metrics["recall"].difference, found.metrics["mrr"].p, found.worse) == (0, 1, "")
    assert found.metrics["recall"].n >= LEAST
    [file] = (application.settings.var / "reindex").iterdir()
    assert Comparison.model_validate_json(file.read_bytes()) == found
    assert any("recall@5" in line for line in found.lines())


def test_too_few_cases_tell_nothing(application: Application, project: Path) -> None:
    dataset = project / "evals" / "datasets" / "knowledge.jsonl"
    lines = [line for line in dataset.read_text("utf-8").splitlines() if json.loads(line)["expected"].get("sources")]
    dataset.write_text("\n".join(lines[: LEAST - 1]), "utf-8")
    live = application.index.versions.live()
    assert live is not None
    with pytest.raises(EvidenceError, match=r"cases with expected sources; .* at least 5"):
        compare(application, load_suite(application.settings, "knowledge"), live, live)
