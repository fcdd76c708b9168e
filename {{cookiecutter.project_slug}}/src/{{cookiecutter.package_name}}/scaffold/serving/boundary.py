"""What every request passes on its way in and every response on its way out."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..observability import Telemetry, trace_id
from .callers import is_loopback

log = logging.getLogger(__name__)

# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def problem(status: int, kind: str, message: str, after: float = 0) -> JSONResponse:
    """The one shape of an error; from 500 on it names the trace that the log and the audit know it by.

    ``after`` are the seconds to wait before another try, where they are known (RFC 9110, section 10.2.3).
    """
    error = {"type": kind, "message": message}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        error["trace_id"] = trace_id()
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    if after > 0:
        headers["retry-after"] = str(math.ceil(after))
    return JSONResponse({"error": error}, status, headers)


class Boundary:
    """Refuses what should not come in, traces what does, and lets nothing unexpected out.

    ``local`` is whether no keys are set. Then a foreign ``Host`` is refused, because a page elsewhere could point its
    own name at this machine (DNS rebinding). ``limit`` gives the number of bytes that a body may have, by its path.
    """

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, local: bool, limit: Callable[[str], int]) -> None:
        """Stand in front of ``app``."""
        self.app, self.telemetry, self.local, self.limit = app, telemetry, local, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI wants it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"].startswith("/api/"):
            started = perf_counter()
            with self.telemetry.span(f"{scope['method']} /api"):
                status = await self._guarded(scope, receive, send)
                milliseconds = (perf_counter() - started) * 1000
                log.info("%s %s %d in %.0f ms", scope["method"], scope["path"], status, milliseconds)
        else:
            await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer the request and return the status that was sent; 0 where nothing was."""
        status = 0
        limit = self.limit(scope["path"])

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        try:
            refusal = self._refusal(scope["method"], Headers(scope=scope), limit)
            await (refusal or self.app)(scope, receive_within_limit, send_with_headers)
        except Exception:
            # An exception's text may hold what somebody asked: it goes to the log, which is redacted, and no further.
            log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise
            failure = problem(500, "InternalError", "Something went wrong on our side; the trace id leads to the log.")
            await failure(scope, receive, send_with_headers)
        return status

    def _refusal(self, method: str, headers: Headers, limit: int) -> JSONResponse | None:
        host = headers.get("host", "")
        if self.local and not is_loopback(_authority(f"//{host}")[0]):
            return problem(400, "UsageError", "Without APP_API_KEYS the service answers to localhost only.")
        if method in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        if origin is not None and _authority(origin)[1] != host.lower():
            message = "A page of another origin may not ask here; a proxy in between must pass the Host header on."
            return problem(403, "PolicyViolation", message)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12 or int(length) > limit:
            return problem(413, "RequestError", _too_large(limit))
        return None


def _too_large(limit: int) -> str:
    return f"The request is too large; at most {limit} bytes are read."


def _authority(url: str) -> tuple[str, str]:
    """Host, and host with port, of a URL; empty where it has none, or where a user stands before the host."""
    try:
        parts = urlsplit(url)
        return ("", "") if "@" in parts.netloc else (parts.hostname or "", parts.netloc.lower())
    except ValueError:
        return "", ""
