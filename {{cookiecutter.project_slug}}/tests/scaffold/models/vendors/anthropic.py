"""Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import (
    InputJSONDelta,
    Message,
    MessageDeltaUsage,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    TextBlock,
    TextDelta,
    ToolUseBlock,
    Usage,
)
from anthropic.types.raw_message_delta_event import Delta
from pydantic import BaseModel

from tests.scaffold.models.vendors.wire import READ, WRITTEN, Asked, Reply, parts, text_of

STREAMED_AS = "text/event-stream"
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def refused(status: int, message: str) -> bytes:
    error = {"type": KINDS.get(status, "api_error"), "message": message}
    return json.dumps({"type": "error", "error": error}).encode()


REFUSED = {"context_length_exceeded": refused(400, "prompt is too long: 208310 tokens > 200000 maximum")}
FAILED_MIDWAY = b"event: error\ndata: %b\n\n" % refused(529, "Overloaded")


def asked(path: str, body: dict[str, Any]) -> Asked:
    tools = [tool["name"] for tool in body.get("tools", [])]
    said = text_of(body["messages"][-1]["content"])
    return Asked(body["model"], said, streamed=bool(body.get("stream")), tools=tools)


def whole(reply: Reply) -> bytes:
    blocks: list[TextBlock | ToolUseBlock] = [TextBlock(type="text", text=reply.text)] if reply.text else []
    if reply.tool:
        blocks = [ToolUseBlock(type="tool_use", id="toolu_1", name=reply.tool, input=reply.arguments)]
    return _message(reply, content=blocks, stop_reason=_reason(reply), output_tokens=WRITTEN).model_dump_json().encode()


def pieces(reply: Reply) -> list[bytes]:
    block: TextBlock | ToolUseBlock = TextBlock(type="text", text="")
    deltas: list[TextDelta | InputJSONDelta] = [TextDelta(type="text_delta", text=part) for part in parts(reply.text)]
    if reply.tool:
        block = ToolUseBlock(type="tool_use", id="toolu_1", name=reply.tool, input={})
        arguments = parts(json.dumps(reply.arguments))
        deltas = [InputJSONDelta(type="input_json_delta", partial_json=part) for part in arguments]
    # The tokens that were read are told at the start and again, with those that were written, at the end.
    start = _message(reply, content=[], stop_reason=None, output_tokens=1)
    events: list[BaseModel] = [RawMessageStartEvent(type="message_start", message=start)]
    if deltas:
        events += [
            RawContentBlockStartEvent(type="content_block_start", index=0, content_block=block),
            *(RawContentBlockDeltaEvent(type="content_block_delta", index=0, delta=delta) for delta in deltas),
            RawContentBlockStopEvent(type="content_block_stop", index=0),
        ]
    usage = MessageDeltaUsage(input_tokens=READ, output_tokens=WRITTEN)
    delta = Delta.model_validate({"stop_reason": _reason(reply), "stop_sequence": None})
    events += [
        RawMessageDeltaEvent(type="message_delta", delta=delta, usage=usage),
        RawMessageStopEvent(type="message_stop"),
    ]
    return [_event(event) for event in events]


def vectors(asked: Asked, vectors: list[list[float]]) -> bytes:
    return refused(404, "there are no embeddings here")


def _message(reply: Reply, content: list[Any], stop_reason: Any, output_tokens: int) -> Message:
    return Message(
        id="msg_1",
        type="message",
        role="assistant",
        model=reply.model,
        content=content,
        stop_reason=stop_reason,
        stop_sequence=None,
        usage=Usage(input_tokens=READ, output_tokens=output_tokens),
    )


def _event(event: BaseModel) -> bytes:
    kind = event.type  # type: ignore[attr-defined]
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), event.model_dump_json(exclude_none=True).encode())


def _reason(reply: Reply) -> str:
    return "refusal" if reply.withheld else "tool_use" if reply.tool else "end_turn"
