"""F16: no authentication or roles. Tokens of an issuer, and groups from where they are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.serving import create_api, serve, server

from tests.scaffold.drills.test_f16_closed_service import OPEN
from tests.scaffold.governance.rights import AUDIENCE, Issuer, Service, serving

KEY = "anna-0123456789abcdef"
ISSUER, OTHER = Issuer(), Issuer()
QUESTION = "What is the middle of salary band N4 in Hamburg?"
Open = Callable[..., TestClient]


@pytest.fixture
def service() -> Iterator[Service]:
    """The service that knows groups."""
    with serving() as running:
        yield running


@pytest.fixture
def opened(project: Path) -> Iterator[Open]:
    """The service of a project whose ``config/service.yaml`` says so, called from elsewhere."""
    applications = []

    def make(groups: dict[str, Any], keys: str = "", published: str = "keys.json") -> TestClient:
        path = project / "config" / "service.yaml"
        (project / "keys.json").write_text(json.dumps(ISSUER.keys), "utf-8")
        tokens = {"issuer": ISSUER.url, "audience": AUDIENCE, "keys": published}
        file = yaml.safe_load(path.read_text("utf-8"))
        path.write_text(yaml.safe_dump({**file, "tokens": tokens, "groups": groups}), "utf-8")
        applications.append(build(Settings(root=project, offline=True, api_keys=SecretStr(keys))))
        api = create_api(applications[-1])
        return TestClient(api, "https://answers.acme.test", client=("192.0.2.7", 5000))

    yield make
    for application in applications:
        application.close()


def ask(client: TestClient, bearer: str | None, **body: str) -> tuple[int, dict[str, Any]]:
    """Status and answer, or status and error."""
    headers = {"authorization": f"Bearer {bearer}"} if bearer is not None else {}
    response = client.post("/api/ask", json={"question": QUESTION, **body}, headers=headers)
    said = response.json()
    return response.status_code, said.get("error", said)


@pytest.mark.drill("F16")
def test_only_a_good_token_opens_a_route(opened: Open) -> None:
    """Staged: every route without a token, with a bad one, with a lesser one and with a good one.
    Caught by: signature, issuer, audience and dates of the token; its groups decide what is seen.
    """
    client = opened({"kind": "token"})
    bad = {
        "none": None,
        "forged": OTHER.token("anna", groups=["everyone", "hr"]),
        "expired": ISSUER.token("anna", exp=int(time.time()) - 60),
        "for another service": ISSUER.token("anna", aud="payroll"),
        "without groups": ISSUER.token("anna", groups=None),
    }
    for name, token in bad.items():
        status, said = ask(client, token)
        assert (status, said.get("type")) == (401, "AuthenticationError"), name
        headers = {"authorization": f"Bearer {token}"} if token else {}
        metrics = client.get("/metrics", headers=headers).status_code
        assert metrics == (200 if name == "without groups" else 401), name
    lesser, good = ISSUER.token("zoe"), ISSUER.token("zoe", groups=["everyone", "hr"])
    assert ask(client, lesser)[1]["refused"]
    answer = ask(client, good)[1]
    assert [citation["source"] for citation in answer["citations"]] == ["hr/salaries/salary-bands-2026.md"]
    assert ask(client, good, caller="anna")[0] == 403
    statuses = {path: client.get(path).status_code for path in (*OPEN, "/metrics", "/api/callers")}
    assert statuses == {**dict.fromkeys(OPEN, 200), "/metrics": 401, "/api/callers": 404}


@pytest.mark.drill("F16")
def test_a_denied_user_stays_denied_whatever_their_token_says(opened: Open) -> None:
    """Staged: somebody whom a rule denies by name comes with a token that holds the right group.
    Caught by: the token's holder goes by their name too; callers need no entry in data/access.yaml.
    """
    client = opened({"kind": "token"})
    for user, refused in (("ben", True), ("zoe", False)):
        assert ask(client, ISSUER.token(user, groups=["everyone", "hr"]))[1]["refused"] is refused, user


@pytest.mark.drill("F16")
@pytest.mark.parametrize("fault", [500, 302, "hang", "endless", "garbage"])
def test_nobody_is_let_through_while_groups_cannot_be_looked_up(
    opened: Open, service: Service, fault: int | str
) -> None:
    """Staged: the service that knows groups fails, hangs, redirects, or answers without sense or end.
    Caught by: the lookup; the question is refused with 503, for a key and for a token alike.
    """
    lookup = {"kind": "http", "url": service.url + "/{user}", "cache_seconds": 0}
    client = opened({**lookup, "timeout_seconds": 30}, keys=f"anna:{KEY}")
    callers = {"anna": KEY, "zoe": ISSUER.token("zoe", groups=["everyone", "hr"])}
    service.answer = ["everyone", "hr"]
    for user, bearer in callers.items():
        assert (ask(client, bearer)[0], service.asked[-1][0]) == (200, f"/{user}")
    if fault == "garbage":
        service.answer = {"groups": "hr"}
    else:
        service.fault = fault
    impatient = opened({**lookup, "timeout_seconds": 0.3}, keys=f"anna:{KEY}")
    for bearer in callers.values():
        status, said = ask(impatient, bearer)
        assert (status, said.get("type")) == (503, "RightsUnknown")
    service.fault = 404
    assert ask(client, KEY)[0] == 401


@pytest.mark.drill("F16")
def test_nobody_is_let_through_while_tokens_cannot_be_checked(opened: Open, service: Service) -> None:
    """Staged: the issuer's keys cannot be read; somebody comes with a token.
    Caught by: no keys, no answer. Keys of this service still open it.
    """
    service.fault = 500
    client = opened({"kind": "file"}, keys=f"anna:{KEY}", published=service.url)
    status, said = ask(client, ISSUER.token("anna"))
    assert (status, said.get("type")) == (503, "RightsUnknown")
    assert ask(client, KEY)[0] == 200


@pytest.mark.drill("F16")
def test_where_groups_stand_decides_for_everybody(opened: Open) -> None:
    """Staged: a key on a service whose groups come from tokens; a stranger's token where they stand in the file.
    Caught by: one lookup for all; what it cannot know is refused, not taken for "in no group".
    """
    assert ask(opened({"kind": "token"}, keys=f"anna:{KEY}"), KEY)[0] == 401
    client = opened({"kind": "file"})
    assert ask(client, ISSUER.token("zoe", groups=["hr"]))[0] == 401
    assert ask(client, ISSUER.token("ben", groups=["hr"]))[1]["refused"]
    assert not ask(client, ISSUER.token("anna", groups=[]))[1]["refused"]


def test_a_service_with_tokens_may_listen_anywhere(
    opened: Open, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened({"kind": "token"})

    def listen(*_: object) -> None:
        raise ConfigurationError("Listening.")

    monkeypatch.setattr(server, "listen", listen)
    with (
        build(Settings(root=project, offline=True)) as application,
        pytest.raises(ConfigurationError, match="Listening"),
    ):
        serve(application, "0.0.0.0")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"groups": {"kind": "token"}}, "no tokens are accepted; add tokens"),
        ({"groups": {"kind": "ldap"}}, "groups: kind must be file, token or http"),
        ({"groups": {"kind": "http", "url": "https://a.test/"}}, "url: must hold {user}"),
        ({"tokens": {"issuer": "a", "audience": "b", "keys": "http://a.test"}}, "tokens.keys: must begin with https"),
        ({"tokens": {"issuer": "a", "keys": "k.json"}}, "tokens.audience: this field is required"),
    ],
)
def test_a_mistake_in_the_file_is_named_at_the_start(project: Path, fields: dict[str, Any], said: str) -> None:
    path = project / "config" / "service.yaml"
    path.write_text(path.read_text("utf-8") + yaml.safe_dump(fields), "utf-8")
    with build(Settings(root=project, offline=True)) as application, pytest.raises(ConfigurationError) as caught:
        create_api(application)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
