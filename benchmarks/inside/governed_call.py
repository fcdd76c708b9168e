"""The cost of a governed model call, as ratios and shares in one run. Runs with the Python of a generated project.

The model answers at once, from memory, so that everything measured is what stands round it. Times are medians; the
variants of a table are called in turn, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from acme_assistant.scaffold.config import Settings
from acme_assistant.scaffold.governance import AuditLog, Policy
from acme_assistant.scaffold.guardrails import redact
from acme_assistant.scaffold.models import Models, providers
from acme_assistant.scaffold.models.deadline import Deadline
from acme_assistant.scaffold.observability import Telemetry
from acme_assistant.scaffold.prompts import Prompts
from acme_assistant.scaffold.state import open_state
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.rate_limiters import InMemoryRateLimiter

QUESTION = "How many days a week can I work from home, and whom do I have to ask before I do?"
PIECES = 200
USAGE = {"input_tokens": 20, "output_tokens": PIECES, "total_tokens": 20 + PIECES}

MODELS = """\
models:
  first: {provider: openai-compatible, model: instant, base_url: "http://127.0.0.1:9/v1"}
  second: {provider: ollama, model: instant}
  vectors: {provider: offline, model: hashing-1024, kind: embedding}
roles:
  answer: {use: first, fallback: [second], deadline: 300}
  embed: vectors
"""
LIMITS = """\
budget: {day: 100000, month: 1000000}
roles:
  answer:
    budget: {day: 100000, month: 1000000}
    requests_per_minute: 1000000
    tokens_per_minute: 1000000000
    concurrent: 256
    queue: 1000
each_caller: {day: 100000, month: 1000000}
prices:
  "openai-compatible/instant": {input_per_million: 0.5, output_per_million: 1.5}
"""


class Instant(BaseChatModel):
    """Answers from memory."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        message = AIMessage("Three days.", usage_metadata=USAGE, response_metadata={"finish_reason": "stop"})
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)  # without it langchain-core would go through a thread

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        for _piece in range(PIECES):
            yield ChatGenerationChunk(message=AIMessageChunk("word "))
        last = AIMessageChunk("", usage_metadata=USAGE, response_metadata={"finish_reason": "stop"})
        yield ChatGenerationChunk(message=last)

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self._stream(messages):
            yield piece


def milliseconds(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of each call, in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-10, rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn >= 0:
                taken[name].append(time.perf_counter() - began)
    return {name: median(times) * 1000 for name, times in taken.items()}


async def amilliseconds(calls: dict[str, Callable[[], Awaitable[object]]], rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(-10, rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            await call()
            if turn >= 0:
                taken[name].append(time.perf_counter() - began)
    return {name: median(times) * 1000 for name, times in taken.items()}


async def throughput(call: Callable[[], Awaitable[object]], at_once: int, calls: int) -> float:
    """Calls a second."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return calls / (time.perf_counter() - began)


def partial(top: Any) -> dict[str, BaseChatModel]:
    """The chain from the inside out: the bare model, then one control more each time, for the model asked first."""
    chain, model = [], top
    while hasattr(model, "inner"):
        chain.append(model)
        model = model.inner
    stacks: dict[str, BaseChatModel] = {"": model}
    for control in reversed(chain[1:]):
        stacks[type(control).__name__] = Deadline(inner=control, seconds=300, pace=top.pace)
    return {**stacks, "Deadline": top}


def tell(title: str, rows: dict[str, float], reference: str, unit: str = "ms") -> None:
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name:<44}{value:>10.3f} {unit}{value / rows[reference]:>9.1f} x")


def measure(folder: Path, rounds: int) -> None:
    for name in ("config", "governance"):
        shutil.copytree(name, folder / name)
    (folder / "config" / "models.yaml").write_text(MODELS, "utf-8")
    (folder / "config" / "limits.yaml").write_text(LIMITS, "utf-8")
    providers.CHAT["openai-compatible"] = providers.CHAT["ollama"] = lambda _: Instant()
    settings = Settings(root=folder)
    state = open_state(settings)
    telemetry = Telemetry.start(settings, "benchmark", redact)
    audit = AuditLog.open(settings, state, redact)
    models = Models(settings, Policy(settings), audit, telemetry, state)
    governed = models.get("answer")
    raw = Instant()
    limiter = InMemoryRateLimiter(requests_per_second=1e9, max_bucket_size=1e9)
    langchain = Instant(rate_limiter=limiter).with_retry().with_fallbacks([Instant()])
    three: dict[str, Any] = {"langchain-core, bare": raw, "langchain-core: retry, fallback, rate limit": langchain}
    three["governed, all controls on"] = governed

    tell(
        "A call", milliseconds({n: lambda m=m: m.invoke(QUESTION) for n, m in three.items()}, rounds), next(iter(three))
    )
    calls = asyncio.run(amilliseconds({n: lambda m=m: m.ainvoke(QUESTION) for n, m in three.items()}, rounds))
    tell("An async call", calls, next(iter(three)))

    stacks = partial(governed)
    times = milliseconds({name: lambda m=m: m.invoke(QUESTION) for name, m in stacks.items()}, rounds)
    print("\nWhat each control adds to a call, innermost first")
    before = times.pop("")
    added = sum(times.values()) and times["Deadline"] - before
    for name, value in times.items():
        print(f"  {name:<44}{value - before:>10.3f} ms{(value - before) / added:>9.0%}")
        before = value

    streams = {n: lambda m=m: list(m.stream(QUESTION)) for n, m in three.items()}
    per_piece = {name: value / PIECES for name, value in milliseconds(streams, max(10, rounds // 5)).items()}
    tell(f"A piece of a streamed answer of {PIECES}", per_piece, next(iter(three)))

    print("\nCalls a second, async")
    print("".join([f"  {'at once':<44}", *(f"{at_once:>10}" for at_once in (1, 50, 200))]))
    for name, model in three.items():
        found = [asyncio.run(throughput(lambda m=model: m.ainvoke(QUESTION), n, 2 * rounds)) for n in (1, 50, 200)]
        print("".join([f"  {name:<44}", *(f"{value:>10.0f}" for value in found)]))

    prompts = Prompts(settings)
    path = folder / "config" / "prompts" / "answer.en.yaml"
    text = path.read_text("utf-8")
    variables = {"question": QUESTION, "passages": "[1] source: a"}

    def change() -> None:
        change.number += 1  # type: ignore[attr-defined]
        path.write_text(text.replace('version: "1"', f'version: "{change.number}"'), "utf-8")  # type: ignore[attr-defined]
        assert prompts.render("answer", "en", **variables).version == str(change.number)  # type: ignore[attr-defined]

    change.number = 1  # type: ignore[attr-defined]
    rows = {"render a prompt": lambda: prompts.render("answer", "en", **variables), "change it, and render": change}
    tell("A prompt", milliseconds(rows, max(10, rounds // 5)), "render a prompt")
    verified = audit.verify()
    print(f"\n{verified.records} audit records of these calls, {'verified' if verified.ok else verified.message}")
    telemetry.shutdown()
    state.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument(
        "--state", default=None, help="folder for state and audit log; one in memory leaves out the disk"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.state) as folder:
        print(f"Medians of {given.rounds}; state and audit log in {given.state or 'the folder for temporary files'}.")
        measure(Path(folder), given.rounds)


if __name__ == "__main__":
    main()
