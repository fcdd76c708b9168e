"""The cache: the same question with the same rights is answered again; nothing else is, and no control is passed by."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.errors import ModelError, ModelsStopped, PolicyViolation
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.guardrails import fence
from {{ cookiecutter.package_name }}.scaffold.models import ANSWERED_BY, ModelInfo, Models, Pace
from {{ cookiecutter.package_name }}.scaffold.models.cached import Answers, Kept
from {{ cookiecutter.package_name }}.scaffold.models.settings import CacheRule
from {{ cookiecutter.package_name }}.scaffold.observability import Call, Telemetry, calling

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.two import Steps, two
from tests.scaffold.models.vendors import MODEL, Vendor, running

ANNA, BEN, EVE = Call("anna", "api", ("hr",)), Call("ben", "page", ("hr",)), Call("eve", "api", ("sales",))
RULE = "    use: chosen\n    cache: {seconds: 60, entries: 2}"


class Person(BaseModel):
    """A person."""

    text: str


@pytest.fixture
def cached(at: Callable[..., str], open_models: Open) -> Callable[..., Models]:
    """``Models`` whose role answer keeps two answers for a minute."""

    def opened(provider: str = "openai", **given: Any) -> Models:
        return open_models(at(provider).replace("    use: chosen", RULE), **given)

    return opened


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
async def test_the_same_question_is_sent_and_paid_for_once(
    provider: str,
    first: Way,
    second: Way,
    cached: Callable[..., Models],
    vendor: Vendor,
    audit: AuditLog,
    telemetry: Telemetry,
) -> None:
    models = cached(provider)
    model, question = models.get("answer"), "Hello,  what is\nit? "
    with calling(ANNA):
        asked = await first(model, question)
    with calling(BEN):
        again = await second(model, question)
    assert len(vendor.requests) == 1
    assert again.text == asked.text
    assert asked.text.rstrip() == f"You wrote: {question}".rstrip()
    assert "cached" not in asked.response_metadata
    assert again.response_metadata["cached"] is True
    assert again.response_metadata[ANSWERED_BY] == f"{provider}/{MODEL}"
    assert again.usage_metadata is None
    assert "token_usage" not in again.response_metadata

    before, after = audit.records()
    assert [(r["caller"], r["outcome"], len(r["attempts"])) for r in (before, after)] == [
        ("anna", "answered", 1),
        ("ben", "cached", 0),
    ]
    same = ("provider", "model", "model_sha256", "answer_sha256", "messages_sha256", "finish_reason")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert (after["input_tokens"], after["cost_micro_usd"]) == (None, None)
    assert [(row["caller"], row["calls"]) for row in models.spending.ledger.rows(1)] == [("anna", 1)]
    page = telemetry.metrics_page().decode()
    labels = f'provider="{provider}",role="answer"'
    assert 'app_model_calls_total{outcome="answered",' + labels + "} 1.0" in page
    assert 'app_model_calls_total{outcome="cached",' + labels + "} 1.0" in page
    assert 'app_tokens_total{direction="input",' + labels + "} 7.0" in page


def ask(model: Any, text: Any = "Hello", call: Call | None = ANNA, **given: Any) -> AIMessage:
    with calling(call) if call else contextlib.nullcontext():
        reply: AIMessage = model.invoke(text, given or None)
        return reply


@pytest.mark.parametrize(
    "other",
    [
        lambda model: ask(model, call=EVE),
        lambda model: ask(model, call=replace(ANNA, groups=())),
        lambda model: ask(model, call=replace(ANNA, groups=("hr", "sales"))),
        lambda model: ask(model, "Hallo"),
        lambda model: ask(model, [HumanMessage("Hello", name="anna")]),
        lambda model: ask(model, [SystemMessage("Hello")]),
        lambda model: ask(model, [HumanMessage("Hello"), HumanMessage("Hello")]),
        lambda model: ask(model, metadata={"prompt_sha256": "cd" * 32}),
        lambda model: ask(model.bind(stop=["."])),
        lambda model: ask(model.bind(model="loopback-2")),
        lambda model: ask(model.bind(temperature=1)),
        lambda model: ask(model.bind_tools([Person])),
        lambda model: ask(model.bind(response_format={"type": "json_object"})),
    ],
)
def test_what_differs_in_anything_is_asked_anew(
    other: Callable[[Any], Any], cached: Callable[..., Models], vendor: Vendor
) -> None:
    model = cached().get("answer")
    ask(model)
    other(model)
    assert len(vendor.requests) == 2
    other(model)
    ask(model)
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("call", [None, Call("anna", "api"), replace(ANNA, channel="evaluation")])
def test_where_the_rights_are_not_known_or_answers_are_measured_nothing_is_read_or_kept(
    call: Call | None, cached: Callable[..., Models], vendor: Vendor
) -> None:
    model = cached().get("answer")
    ask(model, call=call)
    ask(model, call=ANNA)
    ask(model, call=call)
    assert len(vendor.requests) == 3


def test_a_role_that_says_nothing_keeps_nothing(at: Callable[..., str], open_models: Open, vendor: Vendor) -> None:
    model = open_models(at("openai")).get("answer")
    ask(model)
    ask(model)
    assert len(vendor.requests) == 2


def test_what_cannot_be_written_down_is_asked_each_time(cached: Callable[..., Models], vendor: Vendor) -> None:
    model = cached().get("answer").bind(response_format=Person)
    for _ in range(2):
        with pytest.raises(ModelError):  # the loopback vendor writes no JSON
            ask(model)
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_calls_a_tool_is_not_kept(way: Way, cached: Callable[..., Models], vendor: Vendor) -> None:
    vendor.tool = "Person"
    model = cached().get("answer").bind_tools([Person])
    with calling(ANNA):
        assert [(await way(model, "Hello")).tool_calls[0]["name"] for _ in range(2)] == ["Person"] * 2
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", ["cut off", "ended early", "content_filter", 500])
async def test_an_answer_that_is_not_whole_is_not_kept(
    fault: str | int, way: Way, cached: Callable[..., Models], vendor: Vendor
) -> None:
    model = cached().get("answer")
    vendor.fault = fault
    with calling(ANNA), pytest.raises(ModelError):
        await way(model, "Hello, this is long enough to be cut off")
    vendor.fault = None
    with calling(ANNA):
        reply = await way(model, "Hello, this is long enough to be cut off")
    assert "cached" not in reply.response_metadata


async def test_a_stream_that_is_left_half_way_is_not_kept(cached: Callable[..., Models], vendor: Vendor) -> None:
    model = cached().get("answer")
    with calling(ANNA):
        pieces = model.stream("Hello")
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
        apieces = model.astream("Hello")
        await anext(apieces)
        await apieces.aclose()  # type: ignore[attr-defined]
    ask(model)
    assert len(vendor.requests) == 3


def test_an_answer_is_kept_for_its_time_and_the_longest_unused_goes_first(
    cached: Callable[..., Models], vendor: Vendor
) -> None:
    steps = Steps()
    model = cached(pace=steps.pace).get("answer")
    for text in ("one", "two", "one", "three", "one", "two"):  # two went when three came
        ask(model, text)
    assert [request.body["messages"][0]["content"] for request in vendor.requests] == ["one", "two", "three", "two"]
    steps.time += 61
    ask(model, "one")
    assert len(vendor.requests) == 5


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        ("timeout: 10", "timeout: 11", 2),
        ("timeout: 10", "timeout: 10\n    parameters: {temperature: 0}", 2),
        ("seconds: 60", "seconds: 61", 2),
        ("retries: 0", "retries: 1", 1),
    ],
)
def test_a_changed_model_begins_anew(
    old: str, new: str, sent: int, cached: Callable[..., Models], vendor: Vendor, root: Path
) -> None:
    models = cached()
    ask(models.get("answer"))
    path = root / "config" / "models.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    ask(models.get("answer"))
    assert len(vendor.requests) == sent


@pytest.mark.parametrize("way", WAYS)
async def test_a_role_that_is_stopped_answers_nothing_kept_or_not(
    way: Way, cached: Callable[..., Models], audit: AuditLog, root: Path
) -> None:
    model = cached().get("answer")
    ask(model)
    (root / "config" / "limits.yaml").write_text("roles: {answer: {stopped: true}}\n", "utf-8")
    with calling(ANNA), pytest.raises(ModelsStopped):
        await way(model, "Hello")
    assert [record["outcome"] for record in audit.records()] == ["answered", "stopped"]


def test_a_policy_that_was_changed_holds_for_what_is_kept(
    cached: Callable[..., Models], vendor: Vendor, root: Path
) -> None:
    model, path = cached().get("answer"), root / "governance" / "policy.yaml"
    ask(model, "Write to anna@example.org")
    path.write_text(POLICY.replace("openai, ", ""), "utf-8")
    with pytest.raises(PolicyViolation, match="does not allow openai"):
        ask(model, "Write to anna@example.org")
    path.write_text(POLICY.replace("pseudonymise", "block"), "utf-8")
    with pytest.raises(PolicyViolation, match="holds personal data"):
        ask(model, "Write to anna@example.org")
    assert len(vendor.requests) == 1


def test_an_answer_of_a_fallback_names_the_fallback_again(
    open_models: Open, vendor: Vendor, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "sk")
    vendor.fault = 500
    with running() as other:
        role = "{use: first, fallback: [second], retries: 0, cache: {seconds: 60}}"
        model = open_models(two(vendor, other, role)).get("answer")
        labels = [ask(model).response_metadata[ANSWERED_BY] for _ in range(2)]
        assert labels == ["openai-compatible/loopback-2"] * 2
        assert len(other.requests) == 1
    assert [record["model"] for record in audit.records()] == ["loopback-2"] * 2


def test_what_a_caller_does_with_an_answer_changes_none_that_is_kept(cached: Callable[..., Models]) -> None:
    model = cached().get("answer")
    for _ in range(3):
        reply = ask(model)
        assert reply.text == "You wrote: Hello"
        reply.content = "mine"
        reply.response_metadata[ANSWERED_BY] = "me"


def test_the_same_passages_in_another_fence_are_the_same_question(
    cached: Callable[..., Models], vendor: Vendor
) -> None:
    model = cached().get("answer")
    passage = SimpleNamespace(text="Two hours.", source="a.md", title="A", updated=None)
    texts = [f"{fence([passage])}\n\nQuestion: How long?" for _ in range(2)]
    assert texts[0] != texts[1]
    assert "cached" in [ask(model, text) for text in texts][1].response_metadata
    ask(model, texts[0].replace("Two hours", "Ten hours"))
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_langchains_own_cache_holds_and_answers_nothing(
    way: Way, cached: Callable[..., Models], vendor: Vendor, audit: AuditLog
) -> None:
    theirs = InMemoryCache()
    set_llm_cache(theirs)
    try:
        model = cached().get("answer")
        for call in (ANNA, EVE, EVE):
            with calling(call):
                await way(model, "Hello")
    finally:
        set_llm_cache(None)
    assert len(vendor.requests) == 2
    assert [record["outcome"] for record in audit.records()] == ["answered", "answered", "cached"]
    assert theirs._cache == {}


def test_threads_share_it_and_it_stays_within_its_bounds() -> None:
    answers = Answers(CacheRule(seconds=60, entries=5), Pace().now)
    kept = Kept(AIMessage("Hello"), ModelInfo("offline", "m", "0"))

    def work(number: int) -> None:
        answers.put(str(number % 9), kept)
        answers.get(str(number % 7))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(2000)))
    assert sum(answers.get(str(number)) is not None for number in range(9)) == 5
