"""Control: personal data does not leave in a call, and comes back in the answer where it was replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, SkipValidation

from ..errors import PolicyViolation
from ..governance.policy import Policy
from ..guardrails.personal_data import Pseudonyms, find, redact
from ..observability import Telemetry
from ..observability.names import PERSONAL_DATA
from .governed import Governed, Passage

Change = Callable[[str], str]

PLACEHOLDER = re.compile(r"«[A-Z_]+_\d+»")
BEGUN = re.compile(r"«[A-Z_0-9]{0,40}$")
# In JSON a model may write the quotation marks as escapes, and the stream may end in the midst of one.
JSON_PLACEHOLDER = re.compile(r"(?:«|\\u00ab)([A-Z_]+_\d+)(?:»|\\u00bb)", re.IGNORECASE)
JSON_BEGUN = re.compile(r"(?:(?:«|\\u00ab)[A-Z_0-9]{0,40})?(?:\\(?:u0{0,2}|u00[ab]))?$", re.IGNORECASE)


class PersonalData(Governed):
    """Hides personal data in all that goes out, by the policy's action for the provider: redact, pseudonymise or block."""

    policy: SkipValidation[Policy] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)
    provider: str

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Raises ``PolicyViolation``, with nothing sent, where the action is block and there is something to hide."""
        action = self.policy.personal_data_action(self.provider)
        if action == "allow":
            return Passage(messages)
        pseudonyms = Pseudonyms()
        found: list[str] = []

        def hide(text: str) -> str:
            kinds = [finding.kind for finding in find(text)]
            found.extend(kinds)
            if not kinds:
                return text
            return pseudonyms.hide(text) if action == "pseudonymise" else redact(text)

        hidden = [change_message(message, hide) for message in messages]
        for kind in found:
            self.telemetry.count(PERSONAL_DATA, kind=kind)
        if found and action not in ("redact", "pseudonymise"):
            raise PolicyViolation(
                f"The text holds personal data ({', '.join(sorted(set(found)))}), and governance/policy.yaml says to "
                f"{action} it on the way to {self.provider}; nothing was sent. Leave it out, or ask who owns the policy."
            )
        return Restoring(hidden, pseudonyms) if action == "pseudonymise" else Passage(hidden)


class Restoring(Passage):
    """Puts back what was replaced, also where a placeholder comes in several pieces."""

    def __init__(self, messages: list[BaseMessage], pseudonyms: Pseudonyms) -> None:
        super().__init__(messages)
        self._restore = pseudonyms.restore
        self._held: dict[tuple[str, Any], str] = {}

    def answered(self, result: ChatResult) -> ChatResult:
        """The answer with every placeholder replaced, in its text and in the arguments of its tool calls."""
        generations = [
            ChatGeneration(message=change_message(each.message, self._restore), generation_info=each.generation_info)
            for each in result.generations
        ]
        return ChatResult(generations=generations, llm_output=result.llm_output)

    def piece(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """The piece with what could be replaced; the beginning of a placeholder waits for its end."""
        message = chunk.message
        if not isinstance(message, AIMessageChunk):
            return chunk
        last = message.chunk_position == "last"
        content: Any = message.content
        if isinstance(content, str):
            content = self._text("text", 0, content, last)
        else:
            content = [
                {**block, "text": self._text("text", block.get("index", 0), block["text"], last)}
                if isinstance(block, dict) and block.get("type") == "text"
                else block
                for block in content
            ]
        calls = [
            {**call, "args": self._json(call.get("index"), call["args"], last)} if call["args"] else call
            for call in message.tool_call_chunks
        ]
        # Built anew rather than copied: the parsed tool calls follow from the chunks.
        changed = AIMessageChunk(
            **message.model_dump(exclude={"content", "tool_calls", "invalid_tool_calls", "tool_call_chunks", "type"}),
            content=content,
            tool_call_chunks=calls,
        )
        return ChatGenerationChunk(message=changed, generation_info=chunk.generation_info)

    def complete(self) -> list[ChatGenerationChunk]:
        """What was begun and never ended was no placeholder."""
        chunks = []
        for (kind, index), text in self._held.items():
            if not text:
                continue
            if kind == "text":
                content: Any = text if index == 0 else [{"type": "text", "text": text, "index": index}]
                message = AIMessageChunk(content=content)
            else:
                call = {"name": None, "args": text, "id": None, "index": index, "type": "tool_call_chunk"}
                message = AIMessageChunk(content="", tool_call_chunks=[call])
            chunks.append(ChatGenerationChunk(message=message))
        return chunks

    def _text(self, kind: str, index: Any, text: str, last: bool) -> str:
        text = PLACEHOLDER.sub(lambda match: self._restore(match[0]), self._held.pop((kind, index), "") + text)
        return self._hold((kind, index), text, BEGUN, last)

    def _json(self, index: Any, text: str, last: bool) -> str:
        def escaped(match: re.Match[str]) -> str:
            return json.dumps(self._restore(f"«{match[1]}»"), ensure_ascii=False)[1:-1]

        text = JSON_PLACEHOLDER.sub(escaped, self._held.pop(("json", index), "") + text)
        return self._hold(("json", index), text, JSON_BEGUN, last)

    def _hold(self, key: tuple[str, Any], text: str, begun: re.Pattern[str], last: bool) -> str:
        match = None if last else begun.search(text)
        if not match or not match[0]:
            return text
        self._held[key] = match[0]
        return text[: match.start()]


def change_message(message: BaseMessage, change: Change) -> BaseMessage:
    """A copy of ``message`` with every text in it changed.

    Raises ``PolicyViolation`` for pictures, sound and files: nothing here can see what is in them.
    """
    update: dict[str, Any] = {
        "content": _change(message.content, change),
        "name": change(message.name) if message.name else message.name,
        "additional_kwargs": _change(message.additional_kwargs, change),
    }
    if isinstance(message, AIMessage):
        update["tool_calls"] = [{**call, "args": _change(call["args"], change)} for call in message.tool_calls]
        update["invalid_tool_calls"] = _change(message.invalid_tool_calls, change)
    return message.model_copy(update=update)


def _change(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_change(item, change) for item in value]
    if isinstance(value, Mapping):
        if value.get("type") in OPAQUE:
            raise PolicyViolation(
                f"A message holds {value['type']} content, which cannot be searched for personal data; nothing was sent. "
                "Send its text instead."
            )
        return {key: _change(item, change) for key, item in value.items()}
    return value


OPAQUE = frozenset({"image", "image_url", "audio", "input_audio", "video", "file", "document"})
