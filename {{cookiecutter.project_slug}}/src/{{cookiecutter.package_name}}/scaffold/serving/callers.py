"""Who is calling. The way in is closed: a key names its caller, and without keys only this machine is answered."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Mapping

from pydantic import SecretStr

from ..errors import AuthenticationError, ConfigurationError, PolicyViolation, UsageError
from ..governance.principal import Directory, Principal

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


def holder(keys: Mapping[bytes, str], presented: str | None, directory: Directory) -> Principal:
    """The caller that ``presented`` belongs to. Raises ``AuthenticationError``."""
    if not presented:
        raise AuthenticationError("This service needs a key: send it as Authorization: Bearer KEY.")
    secret = presented.encode("latin-1", "replace")  # the bytes that were sent: header values are decoded as latin-1
    found = None
    for key, name in keys.items():  # every key is compared, so that the time taken tells nothing
        if hmac.compare_digest(key, secret):
            found = name
    if found is None or found not in directory.callers:
        raise AuthenticationError("This key is not known; ask the owner of the service for a valid one.")
    return directory.get(found)


def identify(
    keys: Mapping[bytes, str], presented: str | None, claimed: str | None, client: str | None, directory: Directory
) -> Principal:
    """Who asks: the key's holder, or, while no keys are set, whom a request from this machine claims to be.

    ``claimed`` is the request's ``caller``, ``client`` the address that it came from. Raises ``AuthenticationError``,
    ``PolicyViolation`` where a key's holder claims to be someone else, ``UsageError`` for an unknown caller.
    """
    if keys:
        caller = holder(keys, presented, directory)
        if claimed is not None and claimed != caller.id:
            raise PolicyViolation("This key is not that caller's; leave caller out, the key says who asks.")
        return caller
    if client is None or not is_loopback(client):
        raise AuthenticationError("Without APP_API_KEYS the service answers this machine only; set keys to open it.")
    if not claimed:
        known = ", ".join(sorted(directory.callers)) or "nobody"
        raise UsageError(f"Say who asks: add caller to the request; known: {known}.")
    return directory.get(claimed)
