"""Control: an HTTP API is asked with credentials that go to one host only, and its answers are taken whole or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from ...errors import SourceError
from ...models.refusals import seconds
from ...models.request import Pace
from .pacing import Paced, Passing
from .place import Place
from .settings import Basic, Bearer, ClientCredentials, HeaderKey, HttpJson

EARLY = 30.0
"""Seconds before its end that a token is replaced."""

REFUSALS = {
    400: "found the request invalid; check params, paging and since of the source",
    401: "did not accept the credentials; check auth of the source and the variables it names",
    403: "refused access with these credentials; ask whoever administers it",
    404: "knows no such address; check url of the source",
    410: "has nothing there any more; check url of the source",
}


@dataclass(frozen=True)
class Answer:
    """One answer, as read from JSON."""

    url: httpx.URL
    body: Any
    next_link: str | None
    """Where its header ``Link`` leads to as rel="next" (RFC 8288)."""


class Web:
    """The requests of one source."""

    def __init__(self, source: HttpJson, place: Place, pace: Pace) -> None:
        """Opens no connection."""
        self._source, self._place, self._pace = source, place, pace
        self._paced = Paced(source.requests_per_second, source.tries, pace)
        self._client = httpx.Client(timeout=source.timeout, headers={"Accept": "application/json"})
        self._max_bytes = int(source.max_megabytes * 1_000_000)
        self._token, self._until = "", 0.0

    def get(self, url: httpx.URL) -> Answer:
        """What is at ``url``, which must be of the source's own host. Raises ``SourceError``."""
        self._same_host(url)

        def once() -> Answer:
            headers, auth = self._credentials()
            return self._send(self._client.build_request("GET", url, headers=headers), auth)

        return self._paced.ask(once)

    def _same_host(self, url: httpx.URL) -> None:
        origin = httpx.URL(str(self._source.url))
        if (url.scheme, url.host, url.port) != (origin.scheme, origin.host, origin.port):
            raise SourceError(
                f"{self._place('url')}: the source sends us on to {url.scheme}://{url.netloc.decode()}, which is not "
                "followed, because it would get the credentials; name the address that it uses of itself as url."
            )

    @cached_property
    def _where(self) -> str:
        return self._place()  # which reads the file: not at every request

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, request: httpx.Request, auth: httpx.Auth | None) -> Answer:
        started = self._pace.now()
        told = f"{self._where}: {request.method} {request.url.copy_with(query=None)}"
        try:
            # The header Retry-After and the status decide what to do, and no redirect is followed.
            response = self._client.send(request, auth=auth, stream=True, follow_redirects=False)
            try:
                self._look(response, told)
                body = self._read(response, told, started)
            finally:
                response.close()
        except httpx.TimeoutException:
            raise self._slow(told) from None
        except httpx.RemoteProtocolError:
            raise Passing(f"{told}: broke off in the midst of its answer.") from None
        except httpx.DecodingError:
            raise SourceError(f"{told}: sent what is not compressed as its header says.") from None
        except httpx.TransportError as error:
            reason = str(error) if isinstance(error, httpx.ConnectError) else type(error).__name__
            raise Passing(f"{told}: cannot be reached ({reason}); check the network, and url of the source.") from None
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            kind = response.headers.get("content-type", "no type")
            raise SourceError(f"{told}: sent no JSON ({kind[:80]}); check url of the source.") from None
        links = [link for link in response.links.values() if "next" in link.get("rel", "").lower().split()]
        return Answer(request.url, read, links[0]["url"] if links else None)

    def _look(self, response: httpx.Response, told: str) -> None:
        status, after = response.status_code, seconds(response.headers.get("retry-after", ""))
        if status == 200:
            return
        if status == 401 and self._token:
            self._token = ""  # it may have been revoked; the next try asks for a new one
            raise Passing(f"{told}: {REFUSALS[401]}.")
        wait = f", in {after:.0f} seconds at the earliest" if after else ""
        if status == 429:
            raise Passing(f"{told}: limits the rate; it can be asked again{wait or ' later'}.", after)
        if status == 408 or status >= 500:
            raise Passing(f"{told}: has a fault of its own (status {status}); it can be asked again{wait}.", after)
        if 300 <= status < 400:
            raise SourceError(f"{told}: sends us elsewhere (status {status}), which is not followed; check its url.")
        raise SourceError(f"{told}: {REFUSALS.get(status, f'answered with status {status}')}.")

    def _read(self, response: httpx.Response, told: str, started: float) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > self._max_bytes:
                raise SourceError(
                    f"{told}: its answer is larger than {self._source.max_megabytes:g} megabytes; "
                    f"ask for smaller pages, or raise max_megabytes."
                )
            if self._pace.now() - started > self._source.timeout:
                raise self._slow(told)
        return bytes(body)

    def _slow(self, told: str) -> Passing:
        return Passing(f"{told}: did not answer within {self._source.timeout:g} seconds; try later, or raise timeout.")

    def _credentials(self) -> tuple[dict[bytes, bytes], httpx.Auth | None]:
        secret: Callable[..., str] = self._place.secret
        match self._source.auth:
            case Bearer() as auth:
                return {b"authorization": f"Bearer {secret(auth.token_env, 'auth', 'token_env')}".encode()}, None
            case HeaderKey() as auth:
                return {auth.header.encode(): secret(auth.token_env, "auth", "token_env").encode()}, None
            case Basic() as auth:
                user = secret(auth.user_env, "auth", "user_env")
                return {}, httpx.BasicAuth(user, secret(auth.password_env, "auth", "password_env"))
            case ClientCredentials() as auth:
                if not self._token or self._pace.now() >= self._until:
                    self._log_in(auth)
                return {b"authorization": f"Bearer {self._token}".encode()}, None
        return {}, None

    def _log_in(self, auth: ClientCredentials) -> None:
        """RFC 6749 sections 2.3.1, 4.4 and 5.1."""
        client = self._place.secret(auth.client_id_env, "auth", "client_id_env")
        secret = self._place.secret(auth.client_secret_env, "auth", "client_secret_env")
        form = {"grant_type": "client_credentials", **({"scope": auth.scope} if auth.scope else {})}
        request = self._client.build_request("POST", str(auth.token_url), data=form)
        told = self._send(request, httpx.BasicAuth(client, secret)).body
        token = told.get("access_token") if isinstance(told, dict) else None
        lasts = told.get("expires_in", 3600) if isinstance(told, dict) else 0
        if not isinstance(token, str) or not token.isprintable() or not isinstance(lasts, (int, float)):
            raise SourceError(f"{self._place('auth', 'token_url')}: the answer holds no access token.")
        self._token, self._until = token, self._pace.now() + max(lasts - EARLY, EARLY)
