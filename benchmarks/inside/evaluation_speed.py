"""Runners of evaluations side by side, on the same cases and the same task.

Runs with the Python of a generated project.

The task is the same for all: the project's assistant with its offline model answers a question as a caller, through all
of its controls, and the answer is right where it holds the texts that the case demands. Each runner works in a process
of its own, on an index that is there already. What differs, and had to be adapted:

- ours: `eval run` without its progress; it grades everything, what the search on the way found included,
  computes intervals for all slices, and proves what it was measured on.
- inspect-ai: a solver calls the assistant, a scorer compares. It wants a model, so it gets its mock one, which is not
  asked; its log is written to a temporary folder.
- deepeval: its runner takes answers that are there already, so these are made first, four at a time, and timed with it;
  a metric of ours compares. Its telemetry is switched off by its own variable.
- bare: the same questions four at a time and the comparison, with nothing round it.

The yardstick is the processor time of a fixed piece of Python before and after each: where it differs between lines or
runs, so did the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acme_assistant.app import build
from acme_assistant.scaffold.application import Application
from acme_assistant.scaffold.config import Settings
from acme_assistant.scaffold.evaluation import Case, load_cases, load_suite, run
from acme_assistant.scaffold.evaluation.graders import holds

CONCURRENT = 4
RUNNERS = {"bare": "", "ours": "", "inspect-ai": "inspect_ai", "deepeval": "deepeval"}
"""With the package that each needs."""


def is_right(case: Case, answer: str) -> bool:
    wanted = [[item] if isinstance(item, str) else item for item in case.expected.must_include]
    return all(any(holds(answer, text) for text in any_of) for any_of in wanted)


async def ask(application: Application, case: Case) -> str:
    caller = application.index.directory.get(case.caller)
    return (await application.ask(case.question, caller, channel="evaluation")).answer


async def asked(application: Application, cases: list[Case]) -> list[str]:
    gate = asyncio.Semaphore(CONCURRENT)

    async def one(case: Case) -> str:
        async with gate:
            return await ask(application, case)

    return list(await asyncio.gather(*map(one, cases)))


def bare(application: Application, cases: list[Case]) -> int:
    answers = asyncio.run(asked(application, cases))
    return sum(is_right(case, answer) for case, answer in zip(cases, answers, strict=True))


def ours(application: Application, cases: list[Case]) -> int:
    suite = load_suite(application.settings, "knowledge")
    made = asyncio.run(run(application, suite.model_copy(update={"concurrency": CONCURRENT})))
    return sum(case.scores["correctness"].score == 1 for case in made.cases if "correctness" in case.scores)


def with_inspect(application: Application, cases: list[Case]) -> int:
    from inspect_ai import Task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import solver

    by_id = {case.id: case for case in cases}

    @solver
    def assistant() -> Any:
        async def solve(state: Any, generate: Any) -> Any:
            state.output.completion = await ask(application, by_id[state.sample_id])
            return state

        return solve

    @scorer(metrics=[accuracy()])
    def right() -> Any:
        async def score(state: Any, target: Any) -> Any:
            return Score(value=int(is_right(by_id[state.sample_id], state.output.completion)))

        return score

    samples = [Sample(id=case.id, input=case.question, target=case.expected.answer or "-") for case in cases]
    task = Task(dataset=MemoryDataset(samples), solver=assistant(), scorer=right())
    with tempfile.TemporaryDirectory() as folder:
        [log] = evaluate(task, model="mockllm/model", max_samples=CONCURRENT, display="none", log_dir=folder)
        if log.status != "success":
            raise SystemExit(f"inspect-ai: {log.error}")
        return sum(sample.scores["right"].value for sample in log.samples)  # read from the log when asked for


def with_deepeval(application: Application, cases: list[Case]) -> int:
    os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"
    from deepeval import evaluate
    from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
    from deepeval.metrics import BaseMetric
    from deepeval.test_case import LLMTestCase

    by_question = {case.question: case for case in cases}

    class Right(BaseMetric):  # type: ignore[misc]
        threshold = 0.5

        def measure(self, test_case: Any, *_: Any, **__: Any) -> float:
            self.score = float(is_right(by_question[test_case.input], test_case.actual_output))
            self.success = self.score >= self.threshold
            return self.score

        async def a_measure(self, test_case: Any, *_: Any, **__: Any) -> float:
            return self.measure(test_case)

        def is_successful(self) -> bool:
            return bool(self.success)

    answers = asyncio.run(asked(application, cases))
    tests = [LLMTestCase(input=case.question, actual_output=text) for case, text in zip(cases, answers, strict=True)]
    done = evaluate(
        tests,
        [Right()],
        async_config=AsyncConfig(max_concurrent=CONCURRENT),
        display_config=DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
        cache_config=CacheConfig(write_cache=False),
    )
    return sum(result.success for result in done.test_results)


WORK = {"bare": bare, "ours": ours, "inspect-ai": with_inspect, "deepeval": with_deepeval}


def prepare(root: Path, count: int) -> None:
    """A project of its own, indexed, with ``count`` reviewed cases that have an answer; the same ones in turn."""
    for name in ("config", "governance", "evals", "data"):
        shutil.copytree(name, root / name)
    path = root / "evals" / "datasets" / "knowledge.jsonl"
    cases = [case for case in load_cases(path) if case.expected.must_include]
    lines = []
    for number in range(count):
        case = cases[number % len(cases)]
        changed = {"id": f"{case.id}-{number}", "question": f"{case.question} ({number})", "pair": ""}
        lines.append(case.model_copy(update=changed).model_dump_json())
    path.write_text("\n".join(lines) + "\n", "utf-8")
    suite = root / "evals" / "suites" / "knowledge.yaml"
    suite.write_text("name: knowledge\ndataset: evals/datasets/knowledge.jsonl\nthresholds: {completed: {min: 1}}\n")
    with build(Settings(root=root, offline=True)) as application:
        application.index.sync()


@contextmanager
def somewhere(count: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "project")
        root.mkdir()
        prepare(root, count)
        yield root


def measure(runner: str, root: Path) -> None:
    """In a process of its own: seconds from the first question to the verdict, and how many were right."""
    cases = load_cases(root / "evals" / "datasets" / "knowledge.jsonl")
    with build(Settings(root=root, offline=True)) as application:
        asyncio.run(ask(application, cases[0]))  # opens the index
        if RUNNERS[runner]:
            importlib.import_module(RUNNERS[runner])
        before = yardstick()
        began, worked = time.perf_counter(), time.process_time()
        right = WORK[runner](application, cases)
        found = {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked, "right": right}
    print(json.dumps({**found, "yardstick": (before + yardstick()) / 2}))


def yardstick() -> float:
    """Processor milliseconds of the same small task: how fast this machine is just now, whatever its neighbours do."""
    began = time.process_time()
    sum(number * number for number in range(3_000_000))
    return 1000 * (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--runner", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.runner:
        measure(given.runner, given.root)
        return
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; {given.cases} cases.\n")
    print(
        f"{'':12} {'seconds':>8} {'of bare':>8} {'processor time, s':>18} {'cases a second':>15} {'right':>6} "
        f"{'yardstick, ms':>14}"
    )
    reference = 0.0
    with somewhere(given.cases) as root:
        for runner, package in RUNNERS.items():
            if package and importlib.util.find_spec(package) is None:
                print(f"{runner:12} is not installed")
                continue
            command = [sys.executable, __file__, "--runner", runner, "--root", str(root)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                print(f"{runner:12} failed: {done.stderr.strip()[-300:]}")
                continue
            found = json.loads(done.stdout.splitlines()[-1])
            reference = reference or found["seconds"]
            print(
                f"{runner:12} {found['seconds']:8.1f} {found['seconds'] / reference:7.2f}x {found['processor']:18.1f} "
                f"{given.cases / found['seconds']:15.1f} {found['right']:6} {found['yardstick']:14.0f}"
            )
    print("\nGoal for ours: 60 s for 2,000 cases on two processors.")


if __name__ == "__main__":
    main()
