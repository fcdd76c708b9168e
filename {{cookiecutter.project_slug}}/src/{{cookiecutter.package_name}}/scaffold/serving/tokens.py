"""Bearer tokens of an issuer (OpenID Connect): signed by one of its keys, meant for this service, and not expired."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ..config import File
from ..errors import AuthenticationError, RightsUnknown
from ..governance.fetched import NotFetched, fetch, safe
from ..governance.groups import Claims, claim

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
"""Least time between two readings of the issuer's keys, however many tokens name a key that is not there."""
USER_MAX_CHARACTERS = 200
"""Also no dots alone: a path in a URL would take them for a way up."""
REFUSED = "This token is not accepted; sign in again, or ask the owner of the service."

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures by a private key only: with a shared secret, or none at all, anybody could sign."""


def _place(where: str) -> str:
    return safe(where) if "://" in where else where


class TokensRule(File):
    """Which tokens are accepted, and what they say of a caller."""

    issuer: str = Field(min_length=1, description="Who issues them: the claim iss, letter by letter.")
    audience: str = Field(min_length=1, description="What they are issued for: the claim aud names it.")
    keys: Annotated[str, AfterValidator(_place)] = Field(
        min_length=1, description="The issuer's public keys (JWKS): a URL, or a file below the project's folder."
    )
    algorithms: list[Algorithm] = Field(default=["RS256", "ES256"], min_length=1, description="Accepted signatures.")
    user: str = Field(
        default="sub",
        min_length=1,
        description="Claim that names the caller; one that people cannot choose themselves.",
    )
    locale: str = Field(default="locale", min_length=1, description="Claim with the caller's language.")
    keys_seconds: float = Field(
        default=300, ge=30, le=86400, description="How long keys are used before they are read anew."
    )
    timeout_seconds: float = Field(default=5, gt=0, le=60, description="For reading the keys.")
    leeway_seconds: int = Field(default=30, ge=0, le=300, description="How far clocks may differ.")


class Tokens:
    """Verifies tokens. The issuer's keys are read when first needed, and anew when they are old or one is missing."""

    def __init__(self, rule: TokensRule, root: Path, now: Callable[[], float] = time.monotonic) -> None:
        """``root``: the project's folder, below which a file of keys is found."""
        self._rule, self._root, self._now = rule, root, now
        self._held: Any = None
        self._read_at = self._tried_at = -math.inf
        self._turn = Lock()

    def claims(self, token: str) -> Claims:
        """What ``token`` says, which is then true. Raises ``AuthenticationError``, ``RightsUnknown``."""
        from joserfc import errors, jws, jwt  # takes a while to load, and only services with tokens need it

        # Headers that are not known are ignored, as RFC 7515 (section 4) has it; critical ones are not.
        registry = jws.JWSRegistry(algorithms=list(self._rule.algorithms), strict_check_header=False)
        demanded = jwt.JWTClaimsRegistry(
            leeway=self._rule.leeway_seconds,
            iss={"essential": True, "value": self._rule.issuer},
            aud={"essential": True, "value": self._rule.audience},
            exp={"essential": True},
        )
        try:
            try:
                found = jwt.decode(token, self._keys(), registry=registry)
            except errors.InvalidKeyIdError:  # perhaps the issuer has a new one
                found = jwt.decode(token, self._keys(anew=True), registry=registry)
            demanded.validate(found.claims)
        except errors.ExpiredTokenError:
            raise AuthenticationError("This token has expired; sign in again.") from None
        except (errors.JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("a token was refused: %s", type(error).__name__)
            raise AuthenticationError(REFUSED) from None
        return found.claims

    def holder(self, token: str) -> tuple[str, Claims]:
        """The caller whom ``token`` names, and all that it says. Raises as ``claims`` does."""
        claims = self.claims(token)
        user = claim(claims, self._rule.user)
        if not isinstance(user, str) or not _is_name(user):
            log.warning("a token was refused: its claim %r names nobody", self._rule.user)
            raise AuthenticationError(REFUSED)
        return user, claims

    def locale(self, claims: Claims) -> str | None:
        """The two letters of the caller's language, where the token tells it."""
        told = claim(claims, self._rule.locale)
        found = re.match(r"[a-z]{2}(?![a-z])", told.lower()) if isinstance(told, str) else None
        return found[0] if found else None

    def _keys(self, anew: bool = False) -> Any:
        with self._turn:
            now = self._now()
            old = now - self._read_at >= self._rule.keys_seconds
            if (old or anew) and now - self._tried_at >= PAUSE_SECONDS:
                self._tried_at = now
                try:
                    self._held, self._read_at, old = self._read(), now, False
                except NotFetched as error:
                    log.error("the issuer's keys cannot be read from %s: %s", self._rule.keys, error)
            if old:
                raise RightsUnknown("Tokens cannot be checked right now; try again later.")
            return self._held

    def _read(self) -> Any:
        from joserfc import errors, jwk

        if "://" in self._rule.keys:
            data = fetch(self._rule.keys, self._rule.timeout_seconds)
        else:
            try:
                data = json.loads((self._root / self._rule.keys).read_bytes())
            except (OSError, ValueError) as error:
                raise NotFetched(f"the file cannot be read ({type(error).__name__})") from None
        listed, keys = data.get("keys") if isinstance(data, dict) else None, []
        for each in listed if isinstance(listed, list) else []:
            try:
                keys.append(jwk.JWKRegistry.import_key(each))
            except (errors.JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("a key of the issuer is left out, as nothing can be done with it: %s", type(error).__name__)
        if not keys:
            raise NotFetched("it holds no keys (JWKS)")
        return jwk.KeySet(keys)


def _is_name(user: str) -> bool:
    return user.isprintable() and user == user.strip() and user.strip(".") != "" and len(user) <= USER_MAX_CHARACTERS
