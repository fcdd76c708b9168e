"""Which groups a caller is in, asked at every request. Whatever is not known for certain is refused, never guessed.

Closed in both directions: taking somebody for a member of nothing would hide documents, but it would also lift every
``deny`` that names a group.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import quote

from cachetools import TTLCache
from pydantic import Discriminator, Field, Tag, field_validator

from ..config import File
from ..errors import AuthenticationError, ConfigurationError, RightsUnknown
from .fetched import NotFetched, SafeUrl, fetch
from .principal import Directory

log = logging.getLogger(__name__)

Claims = Mapping[str, Any]
"""What a verified token says of its holder."""
CACHED_CALLERS = 10_000
"""Callers whose groups are remembered, at most."""


class Groups(Protocol):
    """A way to look groups up."""

    def of(self, caller: str, claims: Claims | None) -> frozenset[str]:
        """Every group of ``caller``; ``claims`` are those of their token, None where they came with a key.

        Raises ``AuthenticationError`` where nobody knows this caller, ``RightsUnknown`` where it cannot be found out.
        """


class FromFile(File):
    """``data/access.yaml`` says who is in which group."""

    kind: Literal["file"] = "file"


class FromToken(File):
    """The caller's token says which groups they are in; keys have none, and are refused."""

    kind: Literal["token"]
    claim: str = Field(default="groups", min_length=1, description="Claim with the groups; a.b is b inside a.")


class FromHttp(File):
    """Another service is asked, for callers with a key and with a token alike."""

    kind: Literal["http"]
    url: SafeUrl = Field(description="Where to ask; {user} stands for the caller. It must tell all groups at once.")
    path: str = Field(
        default="", description="Fields that lead to the names, such as value.displayName; empty: it is a plain list."
    )
    token_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_]\w*$", description="Environment variable with the token to ask with."
    )
    timeout_seconds: float = Field(default=3, gt=0, le=60, description="After this the question is refused.")
    cache_seconds: float = Field(
        default=120, ge=0, le=3600, description="How long groups are remembered: so late a lost right may be noticed."
    )

    @field_validator("url")
    @classmethod
    def _names_the_user(cls, url: str) -> str:
        if "{user}" not in url:
            raise ValueError("must hold {user}, which stands for the caller")
        return url


def _kind(lookup: Any) -> str:
    return str(lookup.get("kind", "file") if isinstance(lookup, Mapping) else getattr(lookup, "kind", ""))


Lookup = Annotated[
    Annotated[FromFile, Tag("file")] | Annotated[FromToken, Tag("token")] | Annotated[FromHttp, Tag("http")],
    Discriminator(_kind, "kind", "kind must be file, token or http"),
]


def open_groups(lookup: Lookup, directory: Callable[[], Directory]) -> Groups:
    """The way that ``lookup`` names. Raises ``ConfigurationError`` where its environment variable is not set."""
    if isinstance(lookup, FromToken):
        return InToken(lookup)
    if isinstance(lookup, FromHttp):
        return Asked(lookup)
    return Listed(directory)


class Listed:
    """Groups as ``data/access.yaml`` lists them now."""

    def __init__(self, directory: Callable[[], Directory]) -> None:
        self._directory = directory

    def of(self, caller: str, claims: Claims | None) -> frozenset[str]:
        """See ``Groups``."""
        if caller not in self._directory().callers:
            raise AuthenticationError("Nobody of your name is in data/access.yaml; ask the owner of the service.")
        return frozenset(self._directory().callers[caller].groups)


class InToken:
    """Groups as the caller's token names them."""

    def __init__(self, lookup: FromToken) -> None:
        self._claim = lookup.claim

    def of(self, caller: str, claims: Claims | None) -> frozenset[str]:
        """See ``Groups``. A token without the claim is refused: some issuers leave it out where it would be long."""
        if claims is None:
            raise AuthenticationError("Groups come from tokens here, and a key has none; send a token of the issuer.")
        groups = _names(claim(claims, self._claim))
        if groups is None:
            log.warning("a token's claim %r is missing, or no list of names", self._claim)
            raise AuthenticationError(
                f"Your token does not say which groups you are in (claim {self._claim}); ask the owner of the service."
            )
        return groups


class Asked:
    """Groups as another service tells them, remembered for a while; only what it did tell, and no longer."""

    def __init__(self, lookup: FromHttp, now: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._kept: TTLCache[str, frozenset[str]] = TTLCache(CACHED_CALLERS, lookup.cache_seconds, now)
        self._turn = Lock()
        self._secret()

    def of(self, caller: str, claims: Claims | None) -> frozenset[str]:
        """See ``Groups``."""
        with self._turn:
            kept = self._kept.get(caller)
        if kept is None:
            kept = self._ask(caller)
            with self._turn:
                self._kept[caller] = kept
        return kept

    def _ask(self, caller: str) -> frozenset[str]:
        url = self._lookup.url.replace("{user}", quote(caller, safe=""))
        try:
            data = fetch(url, self._lookup.timeout_seconds, self._secret())
            for field in filter(None, self._lookup.path.split(".")):
                data = [each[field] for each in data] if isinstance(data, list) else data[field]
        except NotFetched as error:
            if error.status == 404:
                raise AuthenticationError("Nobody knows your groups; ask the owner of the service.") from None
            raise self._unknown(str(error)) from None
        except (KeyError, TypeError, IndexError):
            raise self._unknown(f"its answer has no {self._lookup.path}") from None
        groups = _names(data)
        if groups is None:
            raise self._unknown("its answer is no list of names")
        return groups

    def _secret(self) -> dict[str, str]:
        name = self._lookup.token_env
        if name is None:
            return {}
        secret = os.environ.get(name, "")
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigurationError(
                f"groups in config/service.yaml asks with the token in {name}; set it, in one word."
            )
        return {"authorization": f"Bearer {secret}"}

    def _unknown(self, reason: str) -> RightsUnknown:
        log.error("groups cannot be looked up at %s: %s", self._lookup.url, reason)
        return RightsUnknown("Which groups you are in cannot be looked up right now; try again later.")


def claim(claims: Claims, name: str) -> Any:
    """The claim of that name; ``a.b`` is also ``b`` inside ``a``. None where there is no such claim."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _names(value: Any) -> frozenset[str] | None:
    """A list of names as a set; None for anything else."""
    if isinstance(value, list) and all(isinstance(name, str) and name.strip() for name in value):
        return frozenset(value)
    return None
