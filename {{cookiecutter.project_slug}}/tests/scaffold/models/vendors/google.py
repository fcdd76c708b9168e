"""Google's Gemini API, and the same models on Vertex AI behind Google Cloud's login."""

from __future__ import annotations

import json
import re
from typing import Any

from google.genai.types import (
    BlockedReason,
    Candidate,
    Content,
    ContentEmbedding,
    FinishReason,
    FunctionCall,
    GenerateContentResponse,
    GenerateContentResponsePromptFeedback,
    GenerateContentResponseUsageMetadata,
    Part,
)

from tests.scaffold.models.vendors.wire import READ, WRITTEN, Asked, Reply, parts, text_of

STREAMED_AS = "text/event-stream"
GEMINI = r"/v1beta/models"
VERTEX = r"/v1beta1/projects/[^/]+/locations/[^/]+/publishers/google/models"
PATH = re.compile(rf"(?:{GEMINI}|{VERTEX})/([^/:]+):(\w+)(?:\?alt=sse)?")
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
STATUSES |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


def refused(status: int, message: str, *details: dict[str, Any]) -> bytes:
    error = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN"), "details": details}
    return json.dumps({"error": error}).encode()


def told_to_wait(seconds: float) -> dict[str, Any]:
    """The detail of a refusal that says when to come back."""
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}


REASON = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
REFUSED = {
    "context_length_exceeded": refused(
        400, "The input token count (1200003) exceeds the maximum number of tokens allowed (1048576)."
    ),
    "bad_key": refused(400, "API key not valid. Please pass a valid API key.", REASON),
}
FAILED_MIDWAY = b"data: %b\n\n" % refused(503, "The model is overloaded.")
PROMPT_BLOCKED = GenerateContentResponse(
    prompt_feedback=GenerateContentResponsePromptFeedback(block_reason=BlockedReason.SAFETY)
)
"""The answer to a prompt that the filter found something in: no candidate at all."""


def asked(path: str, body: dict[str, Any]) -> Asked:
    found = PATH.fullmatch(path)
    assert found, path
    model, verb = found.groups()
    if verb == "batchEmbedContents":
        return Asked(model, texts=[text_of(each["content"]["parts"]) for each in body["requests"]])
    if verb == "embedContent":
        return Asked(model, texts=[text_of(body["content"]["parts"])])
    if verb == "predict":
        return Asked(model, texts=[each["content"] for each in body["instances"]])
    said = "".join(_said(part) for part in body["contents"][-1]["parts"])
    declared = [each for tool in body.get("tools", []) for each in tool.get("functionDeclarations", [])]
    return Asked(
        model, said, streamed=verb == "streamGenerateContent", tools=[function["name"] for function in declared]
    )


def whole(reply: Reply) -> bytes:
    return _json(_response(reply, _content(reply), last=True))


def pieces(reply: Reply) -> list[bytes]:
    # Each piece tells how many tokens it has been so far.
    contents = [[Part(text=part)] for part in parts(reply.text)] if not reply.tool else [_content(reply)]
    chunks = [_response(reply, content, last=False) for content in contents]
    return [b"data: %b\r\n\r\n" % _json(chunk) for chunk in [*chunks, _response(reply, [], last=True)]]


def vectors(asked: Asked, vectors: list[list[float]]) -> bytes:
    embeddings = [ContentEmbedding(values=vector).model_dump(include={"values"}) for vector in vectors]
    if asked.model == "gemini-embedding-2":  # the one that Vertex AI serves in a way of its own
        return json.dumps({"embeddings": embeddings, "embedding": embeddings[0]}).encode()
    # Of the Gemini API and of Vertex AI; the client of each reads its own.
    return json.dumps({"embeddings": embeddings, "predictions": [{"embeddings": each} for each in embeddings]}).encode()


def _said(part: dict[str, Any]) -> str:
    answer = part.get("functionResponse", {}).get("response", {})
    return text_of(part.get("text") or answer.get("output") or "")


def _content(reply: Reply) -> list[Part]:
    if reply.tool:
        return [Part(function_call=FunctionCall(name=reply.tool, args=reply.arguments))]
    return [Part(text=reply.text)] if reply.text else []


def _response(reply: Reply, content: list[Part], last: bool) -> GenerateContentResponse:
    reason = FinishReason.SAFETY if reply.withheld else FinishReason.STOP
    written = WRITTEN if last else 1
    return GenerateContentResponse(
        candidates=[
            Candidate(content=Content(role="model", parts=content), finish_reason=reason if last else None, index=0)
        ],
        usage_metadata=GenerateContentResponseUsageMetadata(
            prompt_token_count=READ, candidates_token_count=written, total_token_count=READ + written
        ),
        model_version=reply.model,
    )


def _json(response: GenerateContentResponse) -> bytes:
    return response.model_dump_json(by_alias=True, exclude_none=True).encode()
