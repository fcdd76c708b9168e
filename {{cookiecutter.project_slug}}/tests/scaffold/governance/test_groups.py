"""Which groups a caller is in: as the one place says that is asked, or nobody is let through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from {{ cookiecutter.package_name }}.scaffold.errors import (
    AuthenticationError,
    ConfigurationError,
    RightsUnknown,
)
from {{ cookiecutter.package_name }}.scaffold.governance.groups import (
    Asked,
    FromFile,
    FromHttp,
    FromToken,
    Lookup,
    open_groups,
)
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Caller, Directory

from tests.scaffold.governance.rights import Service, serving
from tests.scaffold.models.vendors import nobody_there

DIRECTORY = Directory({"anna": Caller(name="Anna", groups=["everyone", "hr"]), "guest": Caller(name="Guest")})


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


def asking(service: Service, **fields: Any) -> FromHttp:
    return FromHttp(kind="http", url=service.url + "/users/{user}/groups", **fields)


def test_groups_stand_in_the_file() -> None:
    groups = open_groups(FromFile(), lambda: DIRECTORY)
    assert groups.of("anna", None) == {"everyone", "hr"}
    assert groups.of("guest", {"groups": ["hr"]}) == frozenset()
    with pytest.raises(AuthenticationError, match=r"data/access\.yaml"):
        groups.of("zoe", {"groups": ["hr"]})


@pytest.mark.parametrize(
    ("claim", "claims", "groups"),
    [
        ("groups", {"groups": ["hr", "hr", "everyone"]}, {"hr", "everyone"}),
        ("groups", {"groups": []}, set()),
        ("realm.roles", {"realm": {"roles": ["hr"]}}, {"hr"}),
        ("https://acme.test/groups", {"https://acme.test/groups": ["hr"]}, {"hr"}),
        ("groups", {}, None),
        ("groups", {"groups": "hr"}, None),
        ("groups", {"groups": ["hr", 7]}, None),
        ("groups", {"groups": ["hr", " "]}, None),
        ("groups", {"groups": {"hr": True}}, None),
        ("realm.roles", {"realm": ["roles"]}, None),
        ("groups", None, None),
    ],
)
def test_groups_stand_in_the_token_or_the_caller_is_refused(
    claim: str, claims: dict[str, Any] | None, groups: set[str] | None
) -> None:
    lookup = open_groups(FromToken(kind="token", claim=claim), lambda: DIRECTORY)
    if groups is None:
        with pytest.raises(AuthenticationError):
            lookup.of("anna", claims)
    else:
        assert lookup.of("anna", claims) == groups


@pytest.mark.parametrize(
    ("path", "answer", "groups"),
    [
        ("", ["hr", "everyone"], {"hr", "everyone"}),
        ("", [], set()),
        ("member.of", {"member": {"of": ["hr"]}}, {"hr"}),
        ("value.displayName", {"value": [{"displayName": "hr"}, {"displayName": "legal"}]}, {"hr", "legal"}),
        ("value.displayName", {"value": []}, set()),
    ],
)
def test_groups_come_from_a_service(service: Service, path: str, answer: Any, groups: set[str]) -> None:
    service.answer = answer
    assert Asked(asking(service, path=path)).of("anna/../x y", None) == groups
    assert service.asked == [("/users/anna%2F..%2Fx%20y/groups", None)]


def test_the_service_is_asked_with_the_token_of_the_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = asking(service, token_env="DIRECTORY_TOKEN")
    for wrong in ("", "two words", "line\nbreak"):
        monkeypatch.setenv("DIRECTORY_TOKEN", wrong)
        with pytest.raises(ConfigurationError, match="DIRECTORY_TOKEN"):
            open_groups(lookup, lambda: DIRECTORY)
    monkeypatch.setenv("DIRECTORY_TOKEN", "secret")
    open_groups(lookup, lambda: DIRECTORY).of("anna", None)
    assert service.asked[-1][1] == "Bearer secret"


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        *((status, ["hr"]) for status in (500, 503, 302, 204, 403)),
        ("hang", ["hr"]),
        ("endless", ["hr"]),
        *((None, wrong) for wrong in (b"", b"<html>", b"[" * 100_000, {"groups": ["hr"]}, "hr", None, ["hr", None], 7)),
    ],
)
def test_a_service_that_does_not_say_for_certain_lets_nobody_through(
    service: Service, fault: int | str | None, answer: Any
) -> None:
    service.fault, service.answer = fault, answer
    with pytest.raises(RightsUnknown, match="try again later") as caught:
        Asked(asking(service, timeout_seconds=0.3)).of("anna", None)
    assert service.url not in str(caught.value)


def test_a_service_that_is_down_or_knows_nobody_of_that_name_lets_nobody_through(service: Service) -> None:
    with pytest.raises(RightsUnknown):
        Asked(FromHttp(kind="http", url=nobody_there() + "/{user}")).of("anna", None)
    for path, answer in (("groups", ["hr"]), ("groups", {"other": []}), ("a.b", {"a": "text"}), ("a.b", {"a": [[]]})):
        service.answer = answer
        with pytest.raises(RightsUnknown):
            Asked(asking(service, path=path)).of("anna", None)
    service.fault = 404
    with pytest.raises(AuthenticationError):
        Asked(asking(service)).of("anna", None)


def test_groups_are_remembered_for_as_long_as_the_file_says_and_no_longer(service: Service) -> None:
    clock = 0.0
    groups = Asked(asking(service, cache_seconds=60), lambda: clock)
    service.answer = ["hr"]
    assert groups.of("anna", None) == {"hr"}
    service.answer, clock = ["legal"], 59.9
    assert groups.of("anna", None) == {"hr"}
    assert groups.of("ben", None) == {"legal"}
    clock = 60.0
    assert groups.of("anna", None) == {"legal"}
    service.fault, clock = 500, 119.9
    assert groups.of("anna", None) == {"legal"}
    clock = 121.0
    for _ in range(2):
        with pytest.raises(RightsUnknown):
            groups.of("anna", None)


def test_without_a_cache_the_service_is_asked_each_time(service: Service) -> None:
    groups = Asked(asking(service, cache_seconds=0))
    for _ in range(3):
        groups.of("anna", None)
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        ({"kind": "http", "url": "https://directory.acme.test/groups"}, "{user}"),
        ({"kind": "http", "url": "http://directory.acme.test/{user}"}, "https"),
        ({"kind": "http", "url": "http://localhost.acme.test/{user}"}, "https"),
        ({"kind": "http", "url": "file:///etc/{user}"}, "URL"),
        ({"kind": "http", "url": "https:///{user}"}, "URL"),
        ({"kind": "http", "url": "https://a.test/{user}", "cache_seconds": 86400}, "3600"),
        ({"kind": "ldap"}, "file, token or http"),
    ],
)
def test_a_lookup_that_is_not_safe_is_refused_when_it_is_read(lookup: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Lookup).validate_python(lookup)
    assert said in str(caught.value)
