"""A chat model that needs no network: it quotes supplied passages, and says so where there is nothing to quote."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from .arguments import fill
from .extract import answer
from .sentences import read_prompt
from .words import words

EXPLANATION = "I am an extractive offline baseline: I can only quote passages that are supplied with a question."
TOKEN = re.compile(r"\w+|[^\w\s]")


class OfflineChatModel(BaseChatModel):
    """An honest baseline: extractive, deterministic, lexical.

    With fenced passages it answers with one to three of their sentences, each followed by ``[n]``, or with exactly
    ``NO_ANSWER``. It calls a tool where it is made to, or where the question names the tool, with arguments found in
    the text. Temperature and the like have no effect. Its tokens are words and punctuation marks.
    """

    model: str = "extractive-1"
    stop: list[str] | None = None

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._reply(messages, stop, kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._reply(messages, stop, kwargs)
        for word in re.findall(r"\s*\S+\s*?", str(message.content)):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        calls = [
            tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"], ensure_ascii=False), id=call["id"], index=position
            )
            for position, call in enumerate(message.tool_calls)
        ]
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="", tool_call_chunks=calls, usage_metadata=message.usage_metadata, chunk_position="last"
            ),
            generation_info=message.response_metadata,
        )

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools that may be called; ``tool_choice`` is ``any``, ``auto``, ``none``, or the name of one."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def _reply(self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]) -> AIMessage:
        text, calls = "", _calls(messages, options.get("tools") or [], options.get("tool_choice"))
        if not calls:
            text = _say(messages)
        for ending in [*(stop or []), *(self.stop or [])]:
            text = text.split(ending, 1)[0]
        read = sum(len(TOKEN.findall(message.text)) for message in messages)
        written = len(TOKEN.findall(text)) + sum(len(TOKEN.findall(json.dumps(call["args"]))) for call in calls)
        return AIMessage(
            content=text,
            tool_calls=calls,
            usage_metadata=UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written),
            response_metadata={
                "model_name": options.get("model", self.model),
                "model_provider": "offline",
                "finish_reason": "tool_calls" if calls else "stop",
            },
        )

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "offline"
        return params

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @property
    def _llm_type(self) -> str:
        return "offline"


def _say(messages: list[BaseMessage]) -> str:
    if messages and isinstance(messages[-1], ToolMessage):
        return messages[-1].text or EXPLANATION  # all that it can do with a tool's result is to quote it
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            prompt = read_prompt(message.text)
            return answer(*prompt) if prompt else EXPLANATION
    return EXPLANATION


def _calls(messages: list[BaseMessage], tools: list[dict[str, Any]], choice: Any) -> list[ToolCall]:
    """The tool call to make, if any: the forced one, or the one that the last question names."""
    functions = [tool["function"] for tool in tools if "function" in tool]
    asked = messages[-1].text if messages and isinstance(messages[-1], HumanMessage) else ""
    if isinstance(choice, dict):
        choice = choice.get("function", {}).get("name")
    by_name = [function for function in functions if function["name"] == choice]
    named = [function for function in functions if asked and _names(asked, function["name"])]
    forced = choice in ("any", "required", True)
    if choice == "none" or not (by_name or named or (forced and functions)):
        return []
    function = (by_name or named or functions)[0]
    arguments = fill(function.get("parameters", {}), asked or " ".join(message.text for message in messages))
    identity = json.dumps([function["name"], arguments, len(messages)], sort_keys=True)
    call_id = f"call_{hashlib.sha256(identity.encode()).hexdigest()[:24]}"
    return [ToolCall(name=function["name"], args=arguments, id=call_id, type="tool_call")]


def _names(text: str, tool: str) -> bool:
    """Whether the text holds the tool's name, or every word of it that says something (``get_weather``: weather)."""
    parts = set(words(tool.replace("_", " ")))
    return tool in text or (bool(parts) and parts <= set(words(text)))
