"""Control: personal data does not leave in a call, and comes back in the answer where it was replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
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
# In JSON a model may write the quotation marks as escapes, and a piece may end in the midst of one.
OPENING, CLOSING = (re.compile(rf"(?<!\\)\\u00{code}", re.IGNORECASE) for code in ("ab", "bb"))
ESCAPE_BEGUN = re.compile(r"(?<!\\)\\(?:u(?:0(?:0[ab]?)?)?)?$", re.IGNORECASE)

OPAQUE = frozenset({"image", "image_url", "audio", "input_audio", "video", "file", "document"})
MACHINERY = frozenset({"id", "index", "signature", "tool_call_id", "tool_use_id", "type"})
"""Keys inside a message that name or sign things: changed, they would no longer fit together."""


class PersonalData(Governed):
    """Hides personal data in all that goes out, as the policy says: redact, pseudonymise or block."""

    policy: SkipValidation[Policy] = Field(repr=False)
    telemetry: SkipValidation[Telemetry] = Field(repr=False)

    def passage(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> Passage:
        """Raises ``PolicyViolation``, with nothing sent, where the action is block and there is something to hide."""
        action = self.policy.personal_data_action
        pseudonyms = Pseudonyms()
        kinds: list[str] = []

        def hide(text: str) -> str:
            hidden = pseudonyms.hide(text) if action == "pseudonymise" else redact(text)
            if hidden != text:
                kinds.extend(finding.kind for finding in find(text))
            return hidden

        hidden = [change_message(message, hide) for message in messages]
        for kind in kinds:
            self.telemetry.count(PERSONAL_DATA, kind=kind)
        if kinds and action == "block":
            raise PolicyViolation(
                f"The text holds personal data ({', '.join(sorted(set(kinds)))}), which governance/policy.yaml keeps "
                "from going to a model; nothing was sent. Leave it out, or ask who answers for the data."
            )
        return Restoring(hidden, pseudonyms) if pseudonyms.given else Passage(hidden)


class Restoring(Passage):
    """Puts back what was replaced, also where a placeholder comes in several pieces."""

    def __init__(self, messages: list[BaseMessage], pseudonyms: Pseudonyms) -> None:
        super().__init__(messages)
        self._restore, self._pending = pseudonyms.restore, pseudonyms.pending
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
            content = self._text("string", 0, content, last)
        else:
            content = [
                {**block, "text": self._text("block", block.get("index", 0), block["text"], last)}
                if isinstance(block, dict) and block.get("type") == "text"
                else block
                for block in content
            ]
        calls = [
            tool_call_chunk(
                name=call["name"],
                args=self._json(call["index"], call["args"] or "", last),
                id=call["id"],
                index=call["index"],
            )
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
            if kind == "json":
                message = AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(args=text, index=index)])
            else:
                message = AIMessageChunk(
                    content=text if kind == "string" else [{"type": "text", "text": text, "index": index}]
                )
            chunks.append(ChatGenerationChunk(message=message))
        return chunks

    def _text(self, kind: str, index: Any, text: str, last: bool) -> str:
        text = self._restore(self._held.pop((kind, index), "") + text)
        return self._hold((kind, index), text, 0 if last else self._pending(text))

    def _json(self, index: Any, text: str, last: bool) -> str:
        text = CLOSING.sub("»", OPENING.sub("«", self._held.pop(("json", index), "") + text))
        text = PLACEHOLDER.sub(lambda match: json.dumps(self._restore(match[0]), ensure_ascii=False)[1:-1], text)
        escape = ESCAPE_BEGUN.search(text)
        begun = len(escape[0]) if escape else 0
        return self._hold(("json", index), text, 0 if last else begun + self._pending(text[: len(text) - begun]))

    def _hold(self, key: tuple[str, Any], text: str, characters: int) -> str:
        if characters:
            self._held[key] = text[-characters:]
        return text[: len(text) - characters]


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
                f"A message holds {value['type']} content, which cannot be searched for personal data; "
                "nothing was sent. Send its text instead."
            )
        return {key: item if key in MACHINERY else _change(item, change) for key, item in value.items()}
    return value
