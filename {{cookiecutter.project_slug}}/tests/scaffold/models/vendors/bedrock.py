"""Amazon Bedrock's converse and invoke, with AWS's binary framing of streams."""

from __future__ import annotations

import json
import re
import struct
from binascii import crc32
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from tests.scaffold.models.vendors.wire import READ, WRITTEN, Asked, Reply, parts

STREAMED_AS = "application/vnd.amazon.eventstream"
PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke)")
KINDS = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException"}
KINDS |= {408: "ModelTimeoutException", 424: "ModelErrorException", 429: "ThrottlingException"}
KINDS |= {500: "InternalServerException", 503: "ServiceUnavailableException"}
USAGE = {"inputTokens": READ, "outputTokens": WRITTEN, "totalTokens": READ + WRITTEN}
METRICS = {"latencyMs": 1}
WITHHELD = "content_filtered"
"""The reason to stop that a filter gives."""


def refused(status: int, message: str) -> bytes:
    return json.dumps({"__type": KINDS.get(status, "UnknownOperationException"), "message": message}).encode()


REFUSED = {
    "context_length_exceeded": refused(400, "Input is too long for requested model."),
    "quota": json.dumps({"__type": "ServiceQuotaExceededException", "message": "Too many tokens per day"}).encode(),
}


def frame(kind: str, payload: dict[str, Any], message: str = "event") -> bytes:
    """One message of a stream: lengths and their checksum, headers, payload, checksum of all of it.

    Layout: https://smithy.io/2.0/aws/amazon-eventstream.html
    """
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in (
            (f":{message}-type", kind),
            (":message-type", message),
            (":content-type", "application/json"),
        )
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
    framed = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return framed + struct.pack("!I", crc32(framed))


FAILED_MIDWAY = frame("throttlingException", {"message": "Too many requests, please wait."}, "exception")


def asked(path: str, body: dict[str, Any]) -> Asked:
    found = PATH.fullmatch(path)
    assert found, path
    model = unquote(found[1])
    if found[2] == "invoke":  # Titan's shape takes one text, Cohere's several
        return Asked(model, texts=body["texts"] if "texts" in body else [body["inputText"]])
    said = "".join(_said(block) for block in body["messages"][-1]["content"])
    tools = [tool["toolSpec"]["name"] for tool in body.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
    return Asked(model, said, streamed=found[2] == "converse-stream", tools=tools)


def whole(reply: Reply) -> bytes:
    content: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
    if reply.tool:
        content = [{"toolUse": {"toolUseId": "tooluse_1", "name": reply.tool, "input": reply.arguments}}]
    response = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _reason(reply),
        "usage": USAGE,
        "metrics": METRICS,
    }
    return json.dumps(_checked("ConverseResponse", response)).encode()


def pieces(reply: Reply) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"text": part} for part in parts(reply.text)]
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    if reply.tool:
        start = {"toolUse": {"toolUseId": "tooluse_1", "name": reply.tool}}
        events.append(("contentBlockStart", {"contentBlockIndex": 0, "start": start}))
        deltas = [{"toolUse": {"input": part}} for part in parts(json.dumps(reply.arguments))]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
    events += [
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": _reason(reply)}),
        ("metadata", {"usage": USAGE, "metrics": METRICS}),
    ]
    for kind, payload in events:
        _checked("ConverseStreamOutput", {kind: payload})
    return [frame(kind, payload) for kind, payload in events]


def vectors(asked: Asked, vectors: list[list[float]]) -> bytes:
    return json.dumps({"embedding": vectors[0], "embeddings": vectors, "inputTextTokenCount": READ}).encode()


def _said(block: dict[str, Any]) -> str:
    results = block.get("toolResult", {}).get("content", [])
    return str(block.get("text", "")) + "".join(_said(result) for result in results)


def _reason(reply: Reply) -> str:
    return WITHHELD if reply.withheld else "tool_use" if reply.tool else "end_turn"


@cache
def _service() -> ServiceModel:
    return ServiceModel(Loader(include_default_search_paths=True).load_service_model("bedrock-runtime", "service-2"))


def _checked(shape: str, value: dict[str, Any]) -> dict[str, Any]:
    """``value``, which has the shape that AWS publishes."""
    validate_parameters(value, _service().shape_for(shape))
    return value
