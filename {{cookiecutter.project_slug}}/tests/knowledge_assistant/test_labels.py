"""The labelled answers that a judge is held against."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from {{ cookiecutter.package_name }}.scaffold.evaluation.agreement import LEAST, Label
from {{ cookiecutter.package_name }}.scaffold.evaluation.dataset import load_lines

LABELS = Path(__file__).resolve().parents[2] / "evals" / "labels" / "answers.jsonl"


def test_there_are_enough_labels_of_every_kind() -> None:
    labels = load_lines(LABELS, Label, "file of labels")
    assert len(labels) >= LEAST
    assert min(Counter(label.verdict for label in labels).values()) >= 10
    assert min(Counter(label.grounded for label in labels).values()) >= 10


def test_enough_labels_show_whether_the_order_of_passages_matters() -> None:
    labels = load_lines(LABELS, Label, "file of labels")
    assert sum(label.passages != label.passages[::-1] for label in labels) >= LEAST
