"""What was recorded is answered again, of every provider and in every way to call it, and nobody is called."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ModelError, ModelUnreadable
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.guardrails import fence
from {{ cookiecutter.package_name }}.scaffold.models import Models, providers
from {{ cookiecutter.package_name }}.scaffold.models.recording import Player, Recorder, on
from {{ cookiecutter.package_name }}.scaffold.observability import Call, calling

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.variants import EMBEDDING, VARIANTS
from tests.scaffold.models.vendors import Vendor

DIGESTS = {"models": "m", "prompts": "p", "index": "i", "code": "c"}


class Shape(BaseModel):
    """A shape."""

    unexpected: str


@tool
def look_up(text: str) -> str:
    """Looks something up."""
    return text


class Deck:
    """Opens models that record, and then models that are played from what was recorded."""

    def __init__(self, open_models: Open, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open, self._patch, self.recorder = open_models, monkeypatch, Recorder()
        self.path = folder / "evals" / "recordings" / "some.jsonl"

    def recording(self, text: str) -> Models:
        with on(self.recorder):
            return self._open(text)

    def playing(self, text: str) -> Models:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.recorder.content("some", DIGESTS))
        self._patch.delenv("LOOPBACK_KEY")
        for kind in (providers.CHAT, providers.EMBEDDINGS):
            for name in [each for each in kind if each != "offline"]:
                self._patch.setitem(kind, name, never)
        with on(Player(self.path)):
            return self._open(text)


def never(_: Any) -> Any:
    raise AssertionError("a vendor's client was built")


@pytest.fixture
def deck(open_models: Open, root: Path, monkeypatch: pytest.MonkeyPatch) -> Deck:
    return Deck(open_models, root, monkeypatch)


def plain(model: Any) -> Any:
    return model


def with_tools(model: Any) -> Any:
    return model.bind_tools([look_up])


def shaped(model: Any) -> Any:
    return model.with_structured_output(Shape)


def told(answer: Any) -> Any:
    if isinstance(answer, Shape):
        return answer
    return answer.text, [(call["name"], call["args"]) for call in answer.tool_calls], answer.usage_metadata


@pytest.mark.parametrize(
    ("variant", "way"), [*((variant, WAYS[1]) for variant in VARIANTS), *(("openai", way) for way in WAYS)]
)
@pytest.mark.parametrize(("asked", "fault"), [(plain, None), (with_tools, None), (shaped, "wrong shape")])
async def test_an_answer_comes_again(
    variant: str, way: Way, asked: Callable[[Any], Any], fault: str | None, vendor: Vendor, at: Any, deck: Deck
) -> None:
    vendor.fault, vendor.tool = fault, "look_up" if asked is with_tools else None  # wrong for another schema
    text = at(variant)
    first = told(await way(asked(deck.recording(text).get("answer")), "Write to jane@mail-probe.com"))
    sent = len(vendor.requests)
    assert told(await way(asked(deck.playing(text).get("answer")), "Write to jane@mail-probe.com")) == first
    assert len(vendor.requests) == sent
    assert "mail-probe" not in deck.path.read_text("utf-8")


@pytest.mark.parametrize("variant", EMBEDDING)
def test_a_vector_comes_again_in_whichever_batch(variant: str, vendor: Vendor, at: Any, deck: Deck) -> None:
    text = at(variant)
    live = deck.recording(text).embeddings()
    vectors = [*live.embed_documents(["one", "three", "eleven"]), live.embed_query("one")]
    played = deck.playing(text).embeddings()
    assert [*played.embed_documents(["eleven"]), *played.embed_documents(["three", "one"])] == vectors[2::-1]
    assert played.embed_query("one") == played.embed_query("one") == vectors[3]
    with pytest.raises(ConfigurationError, match="does not hold a request"):
        played.embed_query("eleven")  # was a document only


async def test_the_same_request_gets_its_answers_in_their_order(vendor: Vendor, at: Any, deck: Deck) -> None:
    text = at("openai")
    model = deck.recording(text).get("answer")
    await model.ainvoke("Hello")
    vendor.tool = "look_up"
    await model.ainvoke("Hello")
    played = deck.playing(text).get("answer")
    assert [bool((await played.ainvoke("Hello")).tool_calls) for _ in range(2)] == [False, True]
    with pytest.raises(ConfigurationError, match=r"some\.jsonl holds 2 answers to .*, which is made once more"):
        await played.ainvoke("Hello")


class Text:
    text, source, title, updated = "Hello", "a.md", "A", None


async def test_a_fence_is_drawn_anew_and_yet_the_request_is_the_same(vendor: Vendor, at: Any, deck: Deck) -> None:
    text = at("openai")
    await deck.recording(text).get("answer").ainvoke(fence([Text()]))
    await deck.playing(text).get("answer").ainvoke(fence([Text()]))
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("change", "say"),
    [
        (lambda model: model, "Hello!"),
        (lambda model: model.bind(temperature=1), "Hello"),
        (lambda model: model.bind(stop=["."]), "Hello"),
        (with_tools, "Hello"),
        (shaped, "Hello"),
    ],
)
async def test_what_differs_in_anything_is_another_request(
    change: Callable[[Any], Any], say: str, vendor: Vendor, at: Any, deck: Deck
) -> None:
    text = at("openai")
    await deck.recording(text).get("answer").ainvoke("Hello")
    played = change(deck.playing(text).get("answer"))
    with pytest.raises(ConfigurationError, match=r"does not hold a request to openai/.* asks something else each time"):
        await played.ainvoke(say)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "kind", "kept"),
    [
        ("context_length_exceeded", ModelError, True),
        ("content_filter", ModelError, True),
        ("empty", ModelUnreadable, True),
        (400, ModelError, True),
        (401, ModelError, False),  # the key's fault says nothing of the answer
        (404, ModelError, False),
        (503, ModelError, False),
        ("cut off", ModelError, False),
        ("reset", ModelError, False),
    ],
)
async def test_a_refusal_of_the_request_comes_again_and_weather_is_not_recorded(
    way: Way, fault: int | str, kind: type[ModelError], kept: bool, vendor: Vendor, at: Any, deck: Deck
) -> None:
    text, vendor.fault = at("openai"), fault
    with pytest.raises(kind) as first:
        await way(deck.recording(text).get("answer"), "Hello")
    if not kept:
        with pytest.raises(ConfigurationError, match=r"1 requests to openai/.* got no answer"):
            deck.playing(text)
        return
    with pytest.raises(kind) as again:
        await way(deck.playing(text).get("answer"), "Hello")
    assert (type(again.value), str(again.value)) == (type(first.value), str(first.value))


async def test_a_fault_that_passed_leaves_no_trace(vendor: Vendor, at: Any, deck: Deck) -> None:
    text, vendor.fault, vendor.recovers = at("openai", retries=2), 503, 2
    answer = await deck.recording(text).get("answer").ainvoke("Hello")
    assert len(vendor.requests) == 3
    assert (await deck.playing(text).get("answer").ainvoke("Hello")).text == answer.text


async def test_what_a_model_made_up_of_a_person_is_not_recorded(
    vendor: Vendor, at: Any, deck: Deck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendors, "said", lambda _: "Write to joe@mail-probe.com")
    text = at("openai")
    await deck.recording(text).get("answer").ainvoke("Hello")
    assert (await deck.playing(text).get("answer").ainvoke("Hello")).text == "Write to [EMAIL]"
    assert "joe@" not in deck.path.read_text("utf-8")


async def test_a_replayed_call_is_on_record_as_what_it_is(vendor: Vendor, at: Any, deck: Deck, audit: AuditLog) -> None:
    text, calls = at("openai"), [Call("ada", "evaluation"), Call("ada", "evaluation")]
    for call, models in zip(calls, (deck.recording, deck.playing), strict=True):
        with calling(call):
            await models(text).get("answer").ainvoke("Hello")
    assert [record["outcome"] for record in audit.records()] == ["answered", "replayed"]
    live, played = (call.meter for call in calls)
    assert (played.calls, played.input_tokens, played.output_tokens, played.cost) == (
        live.calls,
        live.input_tokens,
        live.output_tokens,
        live.cost,
    )
    assert played.recorded_seconds > live.recorded_seconds == 0


PRICED = "prices: {openai/loopback-1: {input_per_million: 1000, output_per_million: 10000}}\n"


@pytest.mark.parametrize("fault", ["empty", 400, None], ids=["no usage told", "refused", "vectors"])
async def test_a_replayed_call_that_told_no_usage_costs_what_it_did(
    fault: str | int | None, vendor: Vendor, at: Any, deck: Deck, root: Path
) -> None:
    (root / "config" / "limits.yaml").write_text(PRICED, "utf-8")
    text, vendor.fault = at("openai"), fault
    calls = [Call("ada", "evaluation"), Call("ada", "evaluation")]
    for call, opened in zip(calls, (deck.recording, deck.playing), strict=True):
        models = opened(text)
        with calling(call), suppress(ModelError):
            if fault is None:
                await models.embeddings().aembed_query("Hello")
            else:
                await models.get("answer").ainvoke("Hello")
    live, played = (call.meter for call in calls)
    assert (live.calls, live.dollars) == (played.calls, played.dollars)
    assert (live.dollars == 0) == (fault == 400)


async def test_what_cannot_be_compared_is_not_recorded(vendor: Vendor, at: Any, deck: Deck) -> None:
    model = deck.recording(at("openai")).get("answer").bind(user=object())
    with pytest.raises(ConfigurationError, match="cannot be recorded: object is no plain value"):
        await model.ainvoke("Hello")
