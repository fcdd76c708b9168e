"""Suites: a name, a metric or a path that is wrong is refused before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_suite

GOOD = "name: small\ndataset: evals/datasets/small.jsonl\nthresholds: {correctness: {min: 0.8, margin: 0.05}}\n"


def place(root: Path, text: str) -> Settings:
    (root / "evals" / "suites").mkdir(parents=True)
    (root / "evals" / "suites" / "small.yaml").write_text(text, "utf-8")
    return Settings(root=root)


def test_a_suite_is_found_by_its_name(tmp_path: Path) -> None:
    threshold = load_suite(place(tmp_path, GOOD), "small").thresholds["correctness"]
    assert (threshold.min, threshold.margin) == (0.8, 0.05)


@pytest.mark.parametrize("name", ["smal", "../suites/small", ""])
def test_an_unknown_suite_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="known: small"):
        load_suite(place(tmp_path, GOOD), name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "correctness",
            "corectness",
            r"small.yaml:3: thresholds.corectness: there is no metric 'corectness' \(did you mean",
        ),
        ("{correctness: {min: 0.8, margin: 0.05}}", "{}", r"thresholds: .*at least 1 item"),
        (
            "correctness: {min: 0.8",
            "latency: {min: 0.8",
            r"small.yaml:3: thresholds.latency: less of latency is better; set max, p95 or margin",
        ),
        (
            "correctness: {min: 0.8, margin: 0.05}",
            "cost: {margin: -0.2}",
            r"small.yaml:3: thresholds.cost.margin: .* not -0.2",
        ),
        (
            "correctness: {min: 0.8, margin: 0.05}",
            "costs: {margin: 0.2}",
            r"small.yaml:3: thresholds.costs: there is no metric 'costs' \(did you mean 'cost'",
        ),
        (
            "min: 0.8",
            "max: 5",
            r"small.yaml:3: thresholds.correctness: more of correctness is better; set min or margin",
        ),
        ("{min: 0.8, margin: 0.05}", "{cases: 5}", r"thresholds.correctness: a threshold demands something"),
        (
            "small.jsonl",
            "small.jsonl\nslices: {'locale:de': {recall: {min: 1}}}",
            r"small.yaml:3: slices.locale:de.recall: there is no",
        ),
        ("min: 0.8", "min: 80", r"thresholds.correctness.min: .* not 80"),
        ("min: 0.8", "min: .nan", r"thresholds.correctness.min: "),
        ("margin: 0.05", "margin: 0", r"thresholds.correctness.margin: .* not 0"),
        ("evals/datasets", "/evals/datasets", r"small.yaml:2: dataset: must be a path below the project's folder"),
        ("evals/datasets", "evals/../..", r"small.yaml:2: dataset: must be a path below the project's folder"),
        ("name: small", "name: smaller", r"calls itself 'smaller'"),
        ("name: small", "name: small\nconcurrency: 0", r"small.yaml:2: concurrency: .* not 0"),
        ("name: small", "name: small\ntimeout: 0", r"small.yaml:2: timeout: .* not 0"),
        ("name: small", "name: small\nk: 0", r"small.yaml:2: k: .* not 0"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ScaffoldError, match=message):
        load_suite(place(tmp_path, GOOD.replace(old, new)), "small")


def test_an_empty_file_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="this field is required"):
        load_suite(place(tmp_path, ""), "small")
