"""Ollama's chat and embeddings."""

from __future__ import annotations

import json
from typing import Any

from ollama import ChatResponse, EmbedResponse, Message

from tests.scaffold.models.vendors.wire import READ, WRITTEN, Asked, Reply, parts, text_of, texts

STREAMED_AS = "application/x-ndjson"


def refused(status: int, message: str) -> bytes:
    return json.dumps({"error": message}).encode()


REFUSED = {"context_length_exceeded": refused(400, "the input length exceeds the context length")}
FAILED_MIDWAY = refused(500, "an error was encountered while running the model") + b"\n"


def asked(path: str, body: dict[str, Any]) -> Asked:
    if "input" in body:
        return Asked(body["model"], texts=texts(body["input"]))
    tools = [tool["function"]["name"] for tool in body.get("tools") or []]
    said = text_of(body["messages"][-1]["content"])
    return Asked(body["model"], said, streamed=bool(body.get("stream", True)), tools=tools)


def whole(reply: Reply) -> bytes:
    return _end(reply, _message(reply, reply.text))


def pieces(reply: Reply) -> list[bytes]:
    messages = [_message(reply, part) for part in ([""] if reply.tool else parts(reply.text))]
    begun = [ChatResponse(model=reply.model, done=False, message=message) for message in messages]
    return [*(_line(piece) for piece in begun), _end(reply, Message(role="assistant", content=""))]


def vectors(asked: Asked, vectors: list[list[float]]) -> bytes:
    return EmbedResponse(model=asked.model, embeddings=vectors).model_dump_json().encode()


def _message(reply: Reply, text: str) -> Message:
    if not reply.tool:
        return Message(role="assistant", content=text)
    function = Message.ToolCall.Function(name=reply.tool, arguments=reply.arguments)
    return Message(role="assistant", content="", tool_calls=[Message.ToolCall(function=function)])


def _end(reply: Reply, message: Message) -> bytes:
    return _line(
        ChatResponse(
            model=reply.model,
            done=True,
            done_reason="stop",
            prompt_eval_count=READ,
            eval_count=WRITTEN,
            message=message,
        )
    )


def _line(response: ChatResponse) -> bytes:
    return response.model_dump_json(exclude_none=True).encode() + b"\n"
