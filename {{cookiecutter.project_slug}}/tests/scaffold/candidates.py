"""A project with a suite, and a candidate on loopback that wants the place of the present model."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.evaluation.matrix import RECORD, Matrix, Row, matrix
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel

from tests.scaffold.evaluation.cases import line, write
from tests.scaffold.models import vendors

CASES = 15
SUITE = {"name": "small", "dataset": "evals/datasets/small.jsonl", "thresholds": {"completed": {"min": 1}}}
FILE: dict[str, Any] = {"suite": "small", "margin": 0.3}
Tried = Callable[..., dict[str, Row]]


def knows(number: int) -> dict[str, Any]:
    """A question in other words than the passages': who knows the town by its river can answer it."""
    return line(
        f"case-{number}",
        question=f"Hotel limit per night in our town on the Elbe? ({number})",
        caller="anna",
        expected={"answer": "150 EUR.", "must_include": ["150 EUR"], "must_not_include": ["165 EUR", "120 EUR"]},
    )


def knowing(prompt: str) -> str:
    """A model that knows it."""
    parts = re.split(r"^\[(\d+)\] source: ", prompt, flags=re.MULTILINE)
    cited = [number for number, text in zip(parts[1::2], parts[2::2], strict=True) if "Hamburg | 150 EUR" in text]
    return f"Hamburg: 150 EUR [{cited[0]}]." if cited else "NO_ANSWER"


def as_ever(prompt: str) -> str:
    return OfflineChatModel().invoke(prompt).text


@contextmanager
def staged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    """Runs the matrix with a candidate that answers as told; answers its rows by name.

    ``also`` are more of them by the same vendor, which answer alike.
    """
    write(project / "evals" / "datasets" / "small.jsonl", [knows(number) for number in range(CASES)])
    (project / "evals" / "suites" / "small.yaml").write_text(yaml.safe_dump(SUITE), "utf-8")
    models = project / "config" / "models.yaml"
    before = yaml.safe_load(models.read_text("utf-8"))
    with vendors.running() as vendor:

        def run(
            says: Callable[[str], str] = knowing,
            entry: Mapping[str, Any] = {},
            also: Sequence[str] = (),
            **file: Any,
        ) -> dict[str, Row]:
            monkeypatch.setattr(vendors, "said", says)
            vendor.keeps = bool(also)
            gateway = {"provider": "openai-compatible", "base_url": vendor.openai, "model": "loopback-1", **entry}
            named = {**before, "models": {**before["models"], "gateway": gateway, **dict.fromkeys(also, gateway)}}
            models.write_text(yaml.safe_dump(named), "utf-8")
            (project / "evals" / "matrix.yaml").write_text(yaml.safe_dump({**FILE, **file}), "utf-8")
            found = asyncio.run(matrix(lambda stand_ins: opened(project, stand_ins), lambda _: None))
            assert Matrix.model_validate_json((project / RECORD).read_bytes()) == found
            return {row.name: row for row in found.rows}

        yield run


def opened(project: Path, stand_ins: Mapping[str, str]) -> Application:
    return build(Settings(root=project, stand_ins=dict(stand_ins)))
