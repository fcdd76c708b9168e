"""On loopback: an issuer of tokens with its keys, and a service that knows who is in which group."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joserfc import jwk, jws, jwt

from tests.scaffold.loopback import Quiet, listening

AUDIENCE = "assistant"


class Service:
    """Answers every GET with ``answer``, as JSON unless it is bytes, and keeps what was asked.

    ``fault`` makes it misbehave: a status, ``hang`` (nothing until the end), ``endless`` (an answer without end).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Any = []
        self.fault: int | str | None = None
        self.asked: list[tuple[str, str | None]] = []
        self.released = threading.Event()


@contextmanager
def serving() -> Iterator[Service]:
    """A service that answers until the block ends."""
    with listening(_Handler) as (server, url):
        service = server.service = Service(url)  # type: ignore[attr-defined]
        try:
            yield service
        finally:
            service.released.set()


class _Handler(Quiet):
    def do_GET(self) -> None:
        service: Service = self.server.service  # type: ignore[attr-defined]
        service.asked.append((self.path, self.headers["authorization"]))
        body = service.answer if isinstance(service.answer, bytes) else json.dumps(service.answer).encode()
        if service.fault == "hang":
            service.released.wait()
            return
        self.send_response(service.fault if isinstance(service.fault, int) else 200)
        self.send_header("location", "/elsewhere")
        self.end_headers()
        try:
            while service.fault == "endless":
                self.wfile.write(b" " * 100_000)
            self.wfile.write(body)
        except OSError:
            pass  # nobody listens any more, which is as it should be


class Issuer:
    """Signs tokens; ``keys`` is what it publishes."""

    def __init__(self, url: str = "https://login.acme.test") -> None:
        self.url = url
        self.key = self.renew("first")

    def renew(self, kid: str) -> jwk.Key:
        """Sign with a new key of that name from now on."""
        self.key = jwk.generate_key("EC", "P-256", {"kid": kid, "alg": "ES256", "use": "sig"})
        return self.key

    @property
    def keys(self) -> dict[str, Any]:
        """The public key, as JWKS."""
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, user: str = "zoe", header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A good token for ``user``, but for what is given; a claim that is None is left out."""
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 600,
            "sub": user,
            "groups": ["everyone"],
            **claims,
        }
        named = {"alg": "ES256", "kid": self.key.kid, **(header or {})}
        named, said = ({name: value for name, value in each.items() if value is not None} for each in (named, said))
        registry = jws.JWSRegistry(algorithms=[named["alg"]], strict_check_header=False)
        registry.max_payload_length = 1_000_000
        return jwt.encode(named, said, key or self.key, registry=registry)
