"""A JSON API on loopback that pages in every way, asks for every kind of credentials, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.scaffold.loopback import Quiet, listening

CLIENT = "Basic " + b64encode(b"acme:loopback-secret").decode()


@dataclass(frozen=True)
class Fault:
    """What one request gets in place of its answer."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False
    gone: bool = False
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Api:
    """``records`` are handed over ``size`` a page; ``faults`` are what the next requests get, in turn."""

    def __init__(self, host: str) -> None:
        self.records: list[Any] = []
        self.size = 2
        self.faults: list[Fault | None] = []
        self.requests: list[Request] = []
        self.headers: dict[str, str] = {}
        """What every request must have, or it is refused."""
        self.next_host: str | None = None
        self.speak: Callable[[Request], tuple[bytes, dict[str, str]]] | None = None
        """Another protocol than ours."""
        self.tokens = 0
        self.release = threading.Event()
        self.host, self.url = host, f"{host}/records"

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of each request."""
        return [request.query for request in self.requests if request.path == "/records"]

    def answer(self, query: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """A page, which tells of the next one in every way at once."""
        since = query.get("changed_after", "")
        records = [each for each in self.records if not since or str(each["changed"]) >= since]
        size = int(query.get("limit", self.size))
        size = min(size, self.size)
        start = int(query.get("offset", 0)) or (int(query.get("page", 1)) - 1) * size
        start = int(query.get("after", start))
        left = start + size < len(records)
        link = f"{self.next_host or ''}/records?" + urlencode({**query, "after": start + size})
        meta = {"total": len(records), "cursor": str(start + size) if left else "", "next": link if left else None}
        headers = {"Link": f'<{link}>; rel="last next", </records>; rel="first"'} if left else {}
        return {"meta": meta, "data": {"items": records[start : start + size]}}, headers


@contextmanager
def running() -> Iterator[Api]:
    """An API that answers until the block ends."""
    with listening(_Handler) as (server, host):
        api = server.api = Api(host)  # type: ignore[attr-defined]
        try:
            yield api
        finally:
            api.release.set()


class _Handler(Quiet):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """The login of OAuth 2.0: a new token each time, which from then on is the one to come with."""
        api: Api = self.server.api  # type: ignore[attr-defined]
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._note(api)
        if self.headers["Authorization"] != CLIENT or "grant_type=client_credentials" not in form:
            self._send(b'{"error": "invalid_client"}', 401)
            return
        api.tokens += 1
        api.headers["authorization"] = f"Bearer token-{api.tokens}"
        self._send(json.dumps({"access_token": f"token-{api.tokens}", "expires_in": 600}).encode())

    def do_GET(self) -> None:
        api: Api = self.server.api  # type: ignore[attr-defined]
        query = self._note(api)
        fault = api.faults.pop(0) if api.faults else None
        if fault and fault.hang:
            api.release.wait()
        elif fault and fault.gone:
            self.close_connection = True
        elif any(self.headers.get(name) != value for name, value in api.headers.items()):
            self._send(b'{"error": "who are you?"}', 401)
        elif fault and (fault.status != 200 or fault.body is not None):
            self._send(fault.body or b"{}", fault.status, fault.headers)
        elif api.speak:
            body, headers = api.speak(api.requests[-1])
            self._send(body, 200, headers, cut=bool(fault and fault.cut))
        else:
            page, headers = api.answer(query)
            self._send(json.dumps(page).encode(), 200, headers, cut=bool(fault and fault.cut))

    def _note(self, api: Api) -> dict[str, str]:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        api.requests.append(Request(parts.path, query, {name.lower(): value for name, value in self.headers.items()}))
        return query

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None, cut: bool = False) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Connection": "close", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
