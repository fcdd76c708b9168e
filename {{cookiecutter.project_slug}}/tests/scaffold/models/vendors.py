"""A model vendor on loopback: OpenAI's chat completions and embeddings, Ollama's chat and embeddings, and their faults.

It answers by repeating the last message, so that a test sees what came through. Responses are built from the vendors'
own types.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ollama import ChatResponse, EmbedResponse, Message
from openai.types import CompletionUsage, CreateEmbeddingResponse, Embedding
from openai.types.chat import ChatCompletion, ChatCompletionChunk

KEY = "sk-loopback-1234"
MODEL = "loopback-1"
PIECE = 3  # characters of each piece of a stream: placeholders come in several


@dataclass(frozen=True)
class Request:
    path: str
    authorization: str | None
    body: dict[str, Any]


class Vendor:
    """The server; set ``fault`` to make it misbehave, and ``tool`` to make it call a tool.

    ``recovers`` is after how many more requests the fault is gone; ``retry_after`` goes with a status.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.requests: list[Request] = []
        self.fault: int | str | None = None
        self.recovers: int | None = None
        self.retry_after: str | None = None
        self.tool: str | None = None
        self.arrived, self.release = threading.Event(), threading.Event()
        self.host = f"http://127.0.0.1:{server.server_address[1]}"
        self.openai = f"{self.host}/v1"

    @property
    def received(self) -> str:
        """Everything that it was sent, as one text."""
        return "\n".join(json.dumps(request.body, ensure_ascii=False) for request in self.requests)


@contextmanager
def running() -> Iterator[Vendor]:
    """A vendor that answers until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = False
    vendor = Vendor(server)
    server.vendor = vendor  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vendor
    finally:
        vendor.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def nobody_there() -> str:
    """An address on loopback that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        vendor: Vendor = self.server.vendor  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vendor.requests.append(Request(self.path, self.headers["Authorization"], body))
        vendor.arrived.set()
        self.close_connection = True
        if vendor.recovers is not None:
            if vendor.recovers == 0:
                vendor.fault = None
            vendor.recovers -= 1
        if vendor.fault == "hang":
            vendor.release.wait()
            return
        if vendor.fault == "reset":
            # Closing with nothing to linger for sends a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.wfile.close()
            self.rfile.close()
            self.connection.close()
            return
        if vendor.fault == "drip":
            self._drip(vendor.release, b" " if not body.get("stream") else _openai(body, None)[1][0])
        elif vendor.fault == "malformed":
            self._send(b"<html>It works!</html>")
        elif isinstance(vendor.fault, int):
            self._refuse(vendor.fault, f"status {vendor.fault} from loopback", None)
        elif vendor.fault == "too few" and self.path == "/v1/embeddings":
            self._send(_openai_vectors(body["input"][1:]))
        elif vendor.fault == "too few":
            self._send(EmbedResponse(model=MODEL, embeddings=_vectors(body["input"][1:])).model_dump_json().encode())
        elif vendor.fault == "context_length_exceeded":
            self._refuse(400, "the input exceeds the context window", vendor.fault)
        elif self.path == "/v1/embeddings":
            self._send(_openai_vectors(body["input"]))
        elif self.path == "/api/embed":
            self._send(EmbedResponse(model=MODEL, embeddings=_vectors(body["input"])).model_dump_json().encode())
        elif self.path == "/v1/chat/completions":
            self._chat(_openai(body, vendor.tool, vendor.fault), body, vendor.fault, "text/event-stream")
        elif self.path == "/api/chat":
            self._chat(_ollama(body, vendor.tool), body, vendor.fault, "application/x-ndjson")
        else:
            self._send(b"{}", 404)

    def _chat(self, answer: tuple[bytes, list[bytes]], body: dict[str, Any], fault: object, kind: str) -> None:
        whole, pieces = answer
        if not body.get("stream"):
            # Cut off in the midst of what was announced.
            self._send(whole, cut=fault in ("cut off", "ended early", "stall"))
            if fault == "stall":
                self.wfile.flush()
                self.server.vendor.release.wait()  # type: ignore[attr-defined]
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces[: len(pieces) // 2] if fault in ("cut off", "ended early", "stall") else pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if fault == "stall":
            self.server.vendor.release.wait()  # type: ignore[attr-defined]
        if fault != "cut off":  # without the last chunk the client knows that something is missing
            self.wfile.write(b"0\r\n\r\n")

    def _drip(self, release: threading.Event, drop: bytes) -> None:
        """Never silent, and not done for three seconds."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):  # until the client hangs up
            for _ in range(300):
                if release.wait(0.01):
                    break
                self.wfile.write(b"%x\r\n%b\r\n" % (len(drop), drop))
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, status: int, message: str, code: str | None) -> None:
        error = message if self.path.startswith("/api") else {"message": message, "type": "error", "code": code}
        self._send(json.dumps({"error": error}).encode(), status)

    def _send(self, content: bytes, status: int = 200, cut: bool = False) -> None:
        self.send_response(status)
        if status != 200 and (seconds := self.server.vendor.retry_after):  # type: ignore[attr-defined]
            self.send_header("Retry-After", seconds)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def end_headers(self) -> None:
        self.send_header("Connection", "close")  # said, or a client would send its next request into the closing one
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


def _said(body: dict[str, Any]) -> str:
    return f"You wrote: {body['messages'][-1]['content']}"


def _openai(body: dict[str, Any], tool: str | None, fault: object = None) -> tuple[bytes, list[bytes]]:
    text = "" if fault in ("empty", "content_filter") else _said(body)
    arguments = json.dumps({"text": body["messages"][-1]["content"]})
    head: dict[str, Any] = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    usage = CompletionUsage(prompt_tokens=7, completion_tokens=5, total_tokens=12).model_dump()
    message: dict[str, Any] = {"role": "assistant", "content": text}
    deltas: list[dict[str, Any]] = [{"content": text[i : i + PIECE]} for i in range(0, len(text), PIECE)]
    deltas = deltas or [{"role": "assistant", "content": ""}]
    reason = "content_filter" if fault == "content_filter" else "stop"
    if tool:
        call: dict[str, Any] = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
        message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        started: dict[str, Any] = {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": tool, "arguments": ""},
        }
        parts = [arguments[i : i + PIECE] for i in range(0, len(arguments), PIECE)]
        deltas = [{"tool_calls": [started]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts]
    choice: dict[str, Any] = {"index": 0, "finish_reason": reason, "message": message}
    whole = ChatCompletion.model_validate({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices += [[{"index": 0, "delta": {}, "finish_reason": reason}], []]
    chunks = [
        ChatCompletionChunk.model_validate(
            {**head, "object": "chat.completion.chunk", "choices": each, "usage": usage if not each else None}
        )
        for each in choices
    ]
    pieces = [b"data: %b\n\n" % chunk.model_dump_json().encode() for chunk in chunks]
    return whole.model_dump_json().encode(), [*pieces, b"data: [DONE]\n\n"]


def _ollama(body: dict[str, Any], tool: str | None) -> tuple[bytes, list[bytes]]:
    text = _said(body)
    if tool:
        function = Message.ToolCall.Function(name=tool, arguments={"text": body["messages"][-1]["content"]})
        messages = [Message(role="assistant", content="", tool_calls=[Message.ToolCall(function=function)])]
    else:
        messages = [Message(role="assistant", content=text[i : i + PIECE]) for i in range(0, len(text), PIECE)]
    parts = [ChatResponse(model=body["model"], done=False, message=message) for message in messages]
    end = Message(role="assistant", content="")
    last = ChatResponse(
        model=body["model"], done=True, done_reason="stop", prompt_eval_count=7, eval_count=5, message=end
    )
    lines = [part.model_dump_json(exclude_none=True).encode() + b"\n" for part in [*parts, last]]
    return lines[-1], lines


def _vectors(texts: str | list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in ([texts] if isinstance(texts, str) else texts)]


def _openai_vectors(texts: str | list[str]) -> bytes:
    data = [Embedding(embedding=vector, index=i, object="embedding") for i, vector in enumerate(_vectors(texts))]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    response = CreateEmbeddingResponse.model_validate({"data": data, "model": MODEL, "object": "list", "usage": usage})
    return response.model_dump_json().encode()
