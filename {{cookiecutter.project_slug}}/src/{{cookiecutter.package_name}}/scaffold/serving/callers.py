"""Who is calling. The way in is closed: a key or a token names its caller; else only this machine is answered."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from ..errors import AuthenticationError, ConfigurationError, PolicyViolation, UsageError
from ..governance.groups import Claims, Groups
from ..governance.principal import Directory, Principal
from .tokens import Tokens

KEY_MIN_CHARACTERS = 16


def read_keys(api_keys: SecretStr | None, names: Collection[str]) -> dict[bytes, str]:
    """The caller of each key, from ``APP_API_KEYS``; a caller may have two keys, so that one can replace the other.

    Raises ``ConfigurationError`` by the number of the entry: what it says may be a key in the wrong place.
    """
    keys: dict[bytes, str] = {}
    text = api_keys.get_secret_value() if api_keys else ""
    for number, entry in enumerate(text.split(",") if text else [], start=1):
        name, colon, key = (part.strip() for part in entry.partition(":"))
        problem = ""
        if not colon:
            problem = "has no colon; write name:key"
        elif name not in names:
            known = ", ".join(sorted(names)) or "nobody"
            problem = f"names nobody in data/access.yaml; known: {known}"
        elif len(key) < KEY_MIN_CHARACTERS:
            problem = f"has a key shorter than {KEY_MIN_CHARACTERS} characters; take a longer random one"
        elif key.encode() in keys:
            problem = "repeats a key; every caller needs a key of their own"
        if problem:
            raise ConfigurationError(f"APP_API_KEYS: entry {number} {problem}.")
        keys[key.encode()] = name
    return keys


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine only; a name other than localhost is not, whatever it resolves to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Door:
    """How callers prove who they are, and where their groups are looked up. Fixed while the service runs."""

    keys: Mapping[bytes, str]
    tokens: Tokens | None
    groups: Groups
    directory: Callable[[], Directory]

    @property
    def closed(self) -> bool:
        """Whether callers have to prove who they are; if not, only this machine is answered."""
        return bool(self.keys) or self.tokens is not None


def holder(door: Door, presented: str | None) -> tuple[str, Claims | None]:
    """The caller that the key or token ``presented`` belongs to, and the claims of the token.

    Raises ``AuthenticationError``, or ``RightsUnknown`` where tokens cannot be checked.
    """
    if not presented:
        raise AuthenticationError("This service needs a key: send it as Authorization: Bearer KEY.")
    secret = presented.encode("latin-1", "replace")  # the bytes that were sent: header values are decoded as latin-1
    found = None
    for key, name in door.keys.items():  # every key is compared, so that the time taken tells nothing
        if hmac.compare_digest(key, secret):
            found = name
    if found in door.directory().callers:
        return found, None
    if found is None and door.tokens and presented.count(".") == 2:
        return door.tokens.holder(presented)
    raise AuthenticationError("This key is not known; ask the owner of the service for a valid one.")


def identify(door: Door, presented: str | None, claimed: str | None, client: str | None) -> Principal:
    """Who asks, with their groups as of now: the holder of a key or a token, or, on a service that is not closed, whom
    a request from this machine claims to be.

    ``claimed`` is the request's ``caller``, ``client`` the address that it came from. Raises ``AuthenticationError``,
    ``PolicyViolation`` where the holder claims to be someone else, ``UsageError`` for an unknown caller, and
    ``RightsUnknown`` where it cannot be found out who asks or what they may see.
    """
    directory = door.directory()
    if door.closed:
        name, claims = holder(door, presented)
        if claimed is not None and claimed != name:
            raise PolicyViolation("This key is not that caller's; leave caller out, the key says who asks.")
    elif client is None or not is_loopback(client):
        raise AuthenticationError("Without APP_API_KEYS the service answers this machine only; set keys to open it.")
    elif not claimed:
        known = ", ".join(sorted(directory.callers)) or "nobody"
        raise UsageError(f"Say who asks: add caller to the request; known: {known}.")
    else:
        name, claims = directory.get(claimed).id, None
    told = door.tokens.locale(claims) if door.tokens and claims is not None else None
    listed = directory.callers.get(name)
    return Principal(name, door.groups.of(name, claims), told or (listed.locale if listed else "en"))
