"""OpenAI's chat completions and embeddings."""

from __future__ import annotations

import json
from typing import Any

from openai.types import CompletionUsage, CreateEmbeddingResponse, Embedding
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.scaffold.models.vendors.wire import READ, WRITTEN, Asked, Reply, parts, text_of, texts

STREAMED_AS = "text/event-stream"
USAGE = CompletionUsage(prompt_tokens=READ, completion_tokens=WRITTEN, total_tokens=READ + WRITTEN).model_dump()


def refused(status: int, message: str, code: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()


REFUSED = {
    "context_length_exceeded": refused(400, "the input exceeds the context window", "context_length_exceeded"),
}
FAILED_MIDWAY = b"data: %b\n\n" % refused(500, "the server had an error", "server_error")


def asked(path: str, body: dict[str, Any], model: str | None = None) -> Asked:
    model = model or body["model"]
    if "input" in body:
        return Asked(model, texts=texts(body["input"]))
    tools = [tool["function"]["name"] for tool in body.get("tools", [])]
    return Asked(model, text_of(body["messages"][-1]["content"]), streamed=bool(body.get("stream")), tools=tools)


def whole(reply: Reply) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.tool:
        function = {"name": reply.tool, "arguments": json.dumps(reply.arguments)}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    choice = {"index": 0, "finish_reason": _reason(reply), "message": message}
    return (
        ChatCompletion.model_validate({**_head(reply, "chat.completion"), "choices": [choice], "usage": USAGE})
        .model_dump_json()
        .encode()
    )


def pieces(reply: Reply) -> list[bytes]:
    begun: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas: list[dict[str, Any]] = [*begun, *({"content": part} for part in parts(reply.text))]
    if reply.tool:
        function = {"name": reply.tool, "arguments": ""}
        deltas = [*begun, {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}]
        arguments = parts(json.dumps(reply.arguments))
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in arguments]
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices += [[{"index": 0, "delta": {}, "finish_reason": _reason(reply)}], []]
    head = _head(reply, "chat.completion.chunk")
    chunks = [
        ChatCompletionChunk.model_validate({**head, "choices": each, "usage": None if each else USAGE})
        for each in choices
    ]
    return [*(b"data: %b\n\n" % chunk.model_dump_json().encode() for chunk in chunks), b"data: [DONE]\n\n"]


def vectors(asked: Asked, vectors: list[list[float]]) -> bytes:
    data = [Embedding(embedding=vector, index=i, object="embedding") for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    response = {"data": data, "model": asked.model, "object": "list", "usage": usage}
    return CreateEmbeddingResponse.model_validate(response).model_dump_json().encode()


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "created": 1, "model": reply.model, "object": kind}


def _reason(reply: Reply) -> str:
    return "content_filter" if reply.withheld else "tool_calls" if reply.tool else "stop"
