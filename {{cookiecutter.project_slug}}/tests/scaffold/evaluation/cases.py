"""Cases, suites and a use case that answers from a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult, SuiteFile
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer, Citation

REVIEWED = {"state": "reviewed", "by": "Ada", "on": "2026-01-31"}
UNREVIEWED = {"state": "unreviewed"}
HOTEL = "travel/travel-policy-2026.md"


def line(id: str = "hotel", **changes: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    return {
        "id": id,
        "question": f"question {id}",
        "caller": "tom",
        "locale": "en",
        "expected": {"answer": "150 EUR", "must_include": ["150 EUR"], "sources": [HOTEL]},
        "tags": ["travel"],
        "source": "written",
        "review": REVIEWED,
        **changes,
    }


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    return path


def suite(project: Path, lines: list[dict[str, Any]], **changes: Any) -> SuiteFile:
    write(project / "evals" / "datasets" / "small.jsonl", lines)
    shape = {"name": "small", "dataset": "evals/datasets/small.jsonl", "thresholds": {"correctness": {"min": 0.1}}}
    return SuiteFile.model_validate({**shape, **changes})


def written(project: Path, suite: SuiteFile) -> Path:
    """``suite`` as a file, a field a line: mistakes are named with theirs."""
    path = project / "evals" / "suites" / f"{suite.name}.yaml"
    path.write_text(yaml.safe_dump(suite.model_dump(mode="json", exclude_defaults=True), sort_keys=False), "utf-8")
    return path


def result(id: str = "hotel", correctness: float = 1, **changes: Any) -> CaseResult:  # noqa: A002 - the field's name
    shape: dict[str, Any] = {
        "id": id,
        "sha256": "0" * 64,
        "question": "?",
        "caller": "tom",
        "locale": "en",
        "tags": [],
        "expected": "150 EUR",
        "answer": "150 EUR",
        "refused": False,
        "error": "",
        "citations": [],
        "retrieved": [],
        "scores": {"correctness": {"score": correctness}},
        "measures": {"latency": 0.1},
        "model": "offline/script",
        "prompt": "answer.en@1",
        "trace_id": "0" * 32,
    }
    return CaseResult.model_validate(shape | changes)


def answer(text: str, *sources: str, refused: bool = False) -> Answer:
    citations = [
        Citation(number=n, source=source, title="t", passage=f"passage {n}", score=1, sha256="0" * 64)
        for n, source in enumerate(sources, start=1)
    ]
    return Answer(
        answer=text,
        citations=citations,
        confidence=1,
        refused=refused,
        model="offline/script",
        prompt="answer.en@1",
        trace_id="0" * 32,
    )


@dataclass
class Scripted:
    """Answers each question as the script says; what is not in it, rightly. An exception in it is raised."""

    script: Mapping[str, Answer | BaseException] = field(default_factory=dict)
    asked: list[tuple[str, Principal]] = field(default_factory=list)

    async def ask(self, question: str, caller: Principal) -> Answer:
        self.asked.append((question, caller))
        told = self.script.get(question, answer("It is 150 EUR. [1]", HOTEL))
        if isinstance(told, BaseException):
            raise told
        return told
