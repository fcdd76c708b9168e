"""What the cache keeps never crosses groups, whoever asks whatever in which order."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from {{ cookiecutter.package_name }}.scaffold.governance import Policy
from {{ cookiecutter.package_name }}.scaffold.models import ModelInfo, Pace
from {{ cookiecutter.package_name }}.scaffold.models.cached import Answers, Cached
from {{ cookiecutter.package_name }}.scaffold.models.deadline import Deadline
from {{ cookiecutter.package_name }}.scaffold.models.request import Attempted
from {{ cookiecutter.package_name }}.scaffold.models.settings import CacheRule
from {{ cookiecutter.package_name }}.scaffold.observability import Call, calling

from tests.scaffold.models.test_cached import ask


class Telling(BaseChatModel):
    """Answers with the caller's groups, as a model does that was shown what the caller may see."""

    cut: bool = False

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        told = {"finish_reason": "length" if self.cut else "stop"}
        message = AIMessage(f"{GROUPS[0]} {messages[0].content}", response_metadata=told)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any
    ) -> Iterator[ChatGenerationChunk]:
        (generation,) = self._generate(messages).generations
        yield ChatGenerationChunk(message=AIMessageChunk(content=generation.message.content[:3]))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content=generation.message.content[3:],
                response_metadata=generation.message.response_metadata,
                chunk_position="last",
            )
        )

    @property
    def _llm_type(self) -> str:
        return "telling"


GROUPS = [""]
INFO = ModelInfo("offline", "telling", "0")


def stack(policy: Policy, cut: bool = False) -> BaseChatModel:
    answers = Answers(CacheRule(seconds=60, entries=20), Pace().now)
    inner = Attempted(inner=Telling(cut=cut), info=INFO)
    return Deadline(inner=Cached(inner=inner, answers=answers, models=[], policy=policy), seconds=60, pace=Pace())


def test_an_answer_that_ran_into_its_limit_is_not_kept(policy: Policy) -> None:
    model = stack(policy, cut=True)
    assert ["cached" in ask(model).response_metadata for _ in range(2)] == [False, False]


NAMES = st.sampled_from(["hr", "sales", "legal", 'a","b', "a", "b"])
CALLERS = st.builds(Call, st.sampled_from(["anna", "ben"]), st.just("api"), st.sets(NAMES).map(tuple) | st.none())


@given(st.lists(st.tuples(CALLERS, st.sampled_from(["one", "two", ""]), st.booleans()), min_size=2, max_size=30))
def test_no_answer_ever_crosses_groups(asked: list[tuple[Call, str, bool]]) -> None:
    policy: Any = SimpleNamespace(file=CacheRule(seconds=1))  # any file in force will do
    model = stack(policy)
    for call, text, streamed in asked:
        GROUPS[0] = repr(sorted(call.groups) if call.groups is not None else "nobody knows")
        with calling(call):
            told = "".join(piece.text for piece in model.stream(text)) if streamed else model.invoke(text).text
        assert told == f"{GROUPS[0]} {text}"
