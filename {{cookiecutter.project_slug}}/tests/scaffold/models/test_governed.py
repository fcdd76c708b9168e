"""The seam: controls stack, in every way to call, and nothing that is built on a model goes round them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.models.governed import Governed, Passage, run_metadata
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel

from tests.scaffold.models.calls import WAYS, Way


class Noting(Governed):
    """Notes what passes; ``seen`` is shared by the controls of one stack."""

    name_: str
    seen: Any  # a list would be copied by validation

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        self.seen.append(f"{self.name_} in {run_metadata().get('prompt')}")
        noting = self

        class Noted(Passage):
            def ended(self, error: BaseException | None) -> None:
                noting.seen.append(f"{noting.name_} out {type(error).__name__ if error else 'well'}")

        return Noted(messages)


def stack(inner: BaseChatModel, seen: list[str]) -> BaseChatModel:
    return Noting(inner=Noting(inner=inner, name_="second", seen=seen), name_="first", seen=seen)


class Starts(BaseCallbackHandler):
    def __init__(self) -> None:
        self.runs = 0

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.runs += 1


class Failing(OfflineChatModel):
    def _generate(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        yield from self._generate()


class Person(BaseModel):
    """A person."""

    name: str


@pytest.mark.parametrize("way", WAYS)
async def test_the_outer_control_comes_first_and_leaves_last_in_one_run(way: Way) -> None:
    seen: list[str] = []
    starts = Starts()
    config = {"metadata": {"prompt": "answer.en@1"}, "callbacks": [starts]}
    await way(stack(OfflineChatModel(), seen), "Hello", **config)
    assert seen == ["first in answer.en@1", "second in answer.en@1", "second out well", "first out well"]
    assert starts.runs == 1


@pytest.mark.parametrize("way", WAYS)
async def test_every_control_learns_of_an_error(way: Way) -> None:
    seen: list[str] = []
    with pytest.raises(RuntimeError, match="broken"):
        await way(stack(Failing(), seen), "Hello")
    assert seen[2:] == ["second out RuntimeError", "first out RuntimeError"]


def test_tools_and_structured_output_pass_the_controls() -> None:
    seen: list[str] = []
    model = stack(OfflineChatModel(), seen)
    reply = model.bind_tools([Person], tool_choice="Person").invoke("name: Anna")
    assert isinstance(reply, AIMessage)
    assert reply.tool_calls[0]["args"] == {"name": "Anna"}
    assert model.with_structured_output(Person).invoke("name: Anna") == Person(name="Anna")
    raw = model.with_structured_output(Person, include_raw=True).invoke("name: Anna")
    assert isinstance(raw, dict)
    assert raw["parsed"] == Person(name="Anna")
    assert seen.count("first in None") == seen.count("second in None") == 3


class Roundabout(OfflineChatModel):
    def with_structured_output(self, *_: Any, **__: Any) -> Any:
        return RunnableLambda(lambda text: GenericFakeChatModel(messages=iter(["free"])).invoke(text))


def test_a_vendors_chain_that_would_go_round_the_controls_is_refused() -> None:
    with pytest.raises(TypeError, match="would go round the controls"):
        stack(Roundabout(), []).with_structured_output(Person)


def test_a_cache_does_not_answer_in_place_of_the_controls() -> None:
    seen: list[str] = []
    set_llm_cache(InMemoryCache())
    try:
        model = stack(OfflineChatModel(), seen)
        model.invoke("Hello")
        model.invoke("Hello")
    finally:
        set_llm_cache(None)
    assert seen.count("first in None") == 2
