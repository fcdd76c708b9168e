"""A model vendor on loopback, which speaks every protocol that the providers use, and their faults.

It answers by repeating the last message, so that a test sees what came through. Each protocol is a module here, which
builds its answers from the vendor's own types.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from tests.scaffold.loopback import Quiet, listening
from tests.scaffold.models.vendors.wire import MODEL, Asked, Protocol, Reply

__all__ = ["KEY", "MODEL", "TOKEN", "Vendor", "nobody_there", "running"]

KEY = "sk-loopback-1234"
TOKEN = "token-of-loopback"
LOGGED_IN = json.dumps({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}).encode()
PROTOCOLS = {
    r"/v1/(chat/completions|embeddings)": "openai",
    r"/openai/deployments/.*": "azure",
    r"/api/(chat|embed)": "ollama",
    r"/v1/messages": "anthropic",
    r"/v1beta1?/.*": "google",
    r"/model/.*": "bedrock",
}
"""From a path to the module that speaks its protocol, which is loaded then: vendors' packages take seconds."""
HALF = ("cut off", "ended early", "stall", "fails midway")
"""Faults in the midst of an answer."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]  # names in small letters
    body: dict[str, Any]

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


class Vendor:
    """The server; set ``fault`` to make it misbehave, and ``tool`` to make it call a tool.

    ``recovers`` is after how many more requests the fault is gone; ``retry_after`` goes with a status.
    """

    def __init__(self, host: str) -> None:
        self.requests: list[Request] = []
        self.fault: int | str | None = None
        self.recovers: int | None = None
        self.retry_after: str | None = None
        self.tool: str | None = None
        self.keeps, self.kept = False, list[socket.socket]()  # connections, for the requests that follow
        self.arrived, self.release = threading.Event(), threading.Event()
        self.host, self.openai = host, f"{host}/v1"

    @property
    def received(self) -> str:
        """Everything that it was sent, as one text."""
        return "\n".join(json.dumps(request.body, ensure_ascii=False) for request in self.requests)


@contextmanager
def running() -> Iterator[Vendor]:
    """A vendor that answers until the block ends."""
    with listening(_Handler) as (server, host):
        vendor = server.vendor = Vendor(host)  # type: ignore[attr-defined]
        try:
            yield vendor
        finally:
            vendor.release.set()
            for kept in vendor.kept:
                with suppress(OSError):  # the client may have hung up
                    kept.shutdown(socket.SHUT_RDWR)


def nobody_there() -> str:
    """An address on loopback that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class _Handler(Quiet):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        vendor: Vendor = self.server.vendor  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":  # Google Cloud's login, before a call
            self._send(LOGGED_IN)
            return
        body = json.loads(content)
        headers = {name.lower(): value for name, value in self.headers.items()}
        vendor.requests.append(Request(self.path, headers, body))
        vendor.arrived.set()
        self.close_connection = not vendor.keeps
        if vendor.keeps:
            vendor.kept.append(self.connection)
        if vendor.recovers is not None:
            if vendor.recovers == 0:
                vendor.fault = None
            vendor.recovers -= 1
        fault = vendor.fault
        protocol = _protocol(self.path)
        if fault == "hang":
            vendor.release.wait()
        elif fault == "reset":
            # Closing with nothing to linger for sends a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.wfile.close()
            self.rfile.close()
            self.connection.close()
        elif fault == "malformed":
            self._send(b"<html>It works!</html>")
        elif isinstance(fault, int):
            self._send(protocol.refused(fault, f"status {fault} from loopback"), fault)
        elif fault in protocol.REFUSED:
            self._send(protocol.REFUSED[fault], 400)
        elif (asked := protocol.asked(self.path, body)).texts is not None and fault == "drip":
            self._drip(vendor.release, b" ", "application/json")
        elif asked.texts is not None:
            texts = asked.texts[fault == "too few" :]
            self._send(protocol.vectors(asked, [[float(len(text)), 1.0] for text in texts]))
        else:
            reply = _reply(asked, vendor)
            if fault == "drip":
                self._drip(vendor.release, protocol.pieces(reply)[0] if asked.streamed else b" ", protocol.STREAMED_AS)
            elif asked.streamed:
                self._stream(protocol, reply, vendor)
            else:
                self._plain(protocol.whole(reply), vendor)

    def _plain(self, whole: bytes, vendor: Vendor) -> None:
        # Cut off in the midst of what was announced.
        self._send(whole, cut=vendor.fault in HALF)
        if vendor.fault == "stall":
            self.wfile.flush()
            vendor.release.wait()

    def _stream(self, protocol: Protocol, reply: Reply, vendor: Vendor) -> None:
        pieces, fault = protocol.pieces(reply), vendor.fault
        if fault in HALF:
            pieces = pieces[: len(pieces) // 2]
        if fault == "fails midway":
            pieces.append(protocol.FAILED_MIDWAY)
        self._begin(protocol.STREAMED_AS)
        for piece in pieces:
            self._chunk(piece)
        if fault == "stall":
            vendor.release.wait()
        if fault != "cut off":  # without the last chunk the client knows that something is missing
            self._chunk(b"")

    def _drip(self, release: threading.Event, drop: bytes, kind: str) -> None:
        """Never silent, and not done for three seconds."""
        self._begin(kind)
        with suppress(OSError):  # until the client hangs up
            for _ in range(300):
                if release.wait(0.01):
                    break
                self._chunk(drop)
            self._chunk(b"")

    def _begin(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))

    def _send(self, content: bytes, status: int = 200, cut: bool = False) -> None:
        self.send_response(status)
        if status != 200 and (seconds := self.server.vendor.retry_after):  # type: ignore[attr-defined]
            self.send_header("Retry-After", seconds)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def end_headers(self) -> None:
        if not self.server.vendor.keeps:  # type: ignore[attr-defined]
            self.send_header("Connection", "close")  # or a client would send its next request into the closing one
        super().end_headers()


def _protocol(path: str) -> Protocol:
    name = next(name for paths, name in PROTOCOLS.items() if re.fullmatch(paths, path))
    return cast("Protocol", import_module(f"{__name__}.{name}"))


def said(text: str) -> str:
    """The answer to a text."""
    return f"You wrote: {text}"


def _reply(asked: Asked, vendor: Vendor) -> Reply:
    if vendor.fault == "wrong shape":  # structured output comes as a tool call where the vendor was offered a tool
        wrong = {"unexpected": "shape"}
        return Reply(asked.model, json.dumps(wrong), next(iter(asked.tools), None), wrong)
    silent = vendor.fault in ("empty", "content_filter")
    return Reply(
        asked.model,
        "" if silent else said(asked.said),
        tool=vendor.tool,
        arguments={"text": asked.said},
        withheld=vendor.fault == "content_filter",
    )
