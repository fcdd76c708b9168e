"""JSON from another service that rights depend on: whole, within a time and a size, over a connection that is safe."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

MAX_BYTES = 1_000_000
"""More is no list of groups or keys."""


def safe(url: str) -> str:
    """``url``, where what it answers may decide about rights. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be the URL of a service, such as https://login.example.org/keys")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must begin with https: over plain http anybody in between could give rights")
    return url


SafeUrl = Annotated[str, AfterValidator(safe)]
"""https, or http on this machine."""


class NotFetched(Exception):
    """There is no such answer; ``status`` where the service gave one."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


def fetch(url: str, timeout_seconds: float, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON at ``url``, of a status 200 and no other; no redirect is followed. Raises ``NotFetched``."""
    import httpx  # takes a while to load, and most projects fetch nothing

    asked = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
    data = bytearray()
    try:
        with httpx.Client(timeout=timeout_seconds) as client:
            ends = time.monotonic() + timeout_seconds
            with client.stream("GET", url, headers=asked) as response:
                if response.status_code != httpx.codes.OK:
                    raise NotFetched(f"it answers with status {response.status_code}", response.status_code)
                for piece in response.iter_raw():
                    data += piece
                    if len(data) > MAX_BYTES or time.monotonic() > ends:
                        raise NotFetched(f"its answer takes longer than {timeout_seconds:g} s or {MAX_BYTES} bytes")
        return json.loads(data)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotFetched(f"it does not answer ({type(error).__name__})") from None
    except (ValueError, RecursionError):
        raise NotFetched("its answer is no JSON") from None
