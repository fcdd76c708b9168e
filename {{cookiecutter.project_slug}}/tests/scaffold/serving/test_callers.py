from __future__ import annotations

import pytest
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.scaffold.errors import AuthenticationError, ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.groups import FromFile, open_groups
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Caller, Directory, Principal
from {{ cookiecutter.package_name }}.scaffold.serving.callers import (
    Door,
    holder,
    identify,
    is_loopback,
    read_keys,
)

LONG, LONGER = "0123456789abcdef", "0123456789abcdefg"
NAMES = ("anna", "ben")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (None, {}),
        ("", {}),
        (f"anna:{LONG}", {LONG: "anna"}),
        (f" anna : {LONG} ,ben:{LONGER}", {LONG: "anna", LONGER: "ben"}),
        (f"anna:{LONG},anna:{LONGER}", {LONG: "anna", LONGER: "anna"}),
        (f"anna:{LONG}:with:colons", {f"{LONG}:with:colons": "anna"}),
        ("anna:schlüssel-0123456", {"schlüssel-0123456": "anna"}),
    ],
)
def test_each_key_has_its_caller(text: str | None, keys: dict[str, str]) -> None:
    found = read_keys(None if text is None else SecretStr(text), NAMES)
    assert found == {key.encode(): name for key, name in keys.items()}


@pytest.mark.parametrize(
    ("text", "entry", "reason"),
    [
        ("annas-key-without-name", 1, "no colon"),
        (" ", 1, "no colon"),
        (f"anna:{LONG},", 2, "no colon"),
        (f"anna:{LONG},carla:{LONGER}", 2, "known: anna, ben"),
        (f":{LONG}", 1, "known: anna, ben"),
        (f"{LONGER}:anna", 1, "known: anna, ben"),
        ("anna:", 1, "shorter than 16"),
        ("anna:0123456789abcde", 1, "shorter than 16"),
        (f"anna:{LONG},ben:{LONG}", 2, "repeats a key"),
    ],
)
def test_malformed_keys_are_refused_at_start_without_being_told(text: str, entry: int, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_keys(SecretStr(text), NAMES)
    message = str(caught.value)
    assert message.startswith(f"APP_API_KEYS: entry {entry} ")
    assert reason in message
    assert "0123456789" not in message
    assert "annas-key" not in message


def door(text: str, callers: dict[str, Caller]) -> Door:
    directory = Directory(callers)
    return Door(
        read_keys(SecretStr(text), callers), None, open_groups(FromFile(), lambda: directory), lambda: directory
    )


def test_a_key_goes_with_its_caller() -> None:
    callers = {"anna": Caller(name="Anna", groups=["hr"], locale="de")}
    opened = door(f"anna:{LONG}", callers)
    assert identify(opened, LONG, None, None) == Principal("anna", frozenset({"hr"}), "de")
    callers.pop("anna")
    with pytest.raises(AuthenticationError, match="not known"):
        holder(opened, LONG)


@pytest.mark.parametrize("key", ["schlüssel-0123456", "ключ-0123456789abcdef"])
def test_a_key_may_be_of_any_characters(key: str) -> None:
    sent = key.encode().decode("latin-1")  # how a server hands header bytes over
    assert holder(door(f"anna:{key}", {"anna": Caller(name="Anna")}), sent) == ("anna", None)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("0", False),
        ("localhost.acme.test", False),
        ("127.0.0.1.acme.test", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
