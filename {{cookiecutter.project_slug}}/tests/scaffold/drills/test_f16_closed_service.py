"""F16: no authentication or roles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.serving import create_api, serve, server
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

ANNA, BEN = "anna-0123456789abcdef", "ben-0123456789abcdef"

KEYS = {
    "no key": "",
    "empty key": "Bearer ",
    "bad key": "Bearer anna-0123456789abcdeF",
    "beginning of a key": f"Bearer {ANNA[:-1]}",
    "name and key": f"Bearer anna:{ANNA}",
    "other scheme": f"Basic {ANNA}",
    "no ASCII": "Bearer schlüssel-0123456789",
    "anna's key": f"Bearer {ANNA}",
    "ben's key": f"bearer {BEN}",
}
HOLDERS = {"anna's key": "anna", "ben's key": "ben"}
OPEN = ("/", "/healthz", "/readyz", "/openapi.json", "/page/page.js", "/page/page.css")

LOCAL: list[tuple[str, dict[str, str], int]] = [
    ("127.0.0.1", {}, 200),
    ("127.0.0.1", {"Host": "localhost:8000"}, 200),
    ("127.0.0.1", {"Host": "[::1]:8000"}, 200),
    ("::1", {}, 200),
    ("192.0.2.7", {}, 401),
    ("192.0.2.7", {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"}, 401),
    ("127.0.0.1", {"Host": "rebound.evil.test"}, 400),
    ("127.0.0.1", {"Host": "127.0.0.1.evil.test:8000"}, 400),
    ("127.0.0.1", {"Host": "evil.test:8000@localhost"}, 400),
    ("127.0.0.1", {"Host": "["}, 400),
    ("127.0.0.1", {"Host": ""}, 400),
    ("127.0.0.1", {"Origin": "http://127.0.0.1"}, 200),
    ("127.0.0.1", {"Origin": "https://evil.test"}, 403),
    ("127.0.0.1", {"Origin": "http://127.0.0.1:9000"}, 403),
    ("127.0.0.1", {"Origin": "null"}, 403),
]


class WhoAsks:
    """A use case that answers with whom the service took the caller for."""

    async def ask(self, question: str, caller: Principal) -> Answer:
        text = f"You are {caller.id} of {', '.join(sorted(caller.groups))}."
        return Answer(answer=text, confidence=1, model="none", prompt="none", trace_id="0" * 32)


@pytest.fixture
def keyed(application: Application) -> TestClient:
    """The service with a key each for anna and ben, called from elsewhere."""
    keys = SecretStr(f"anna:{ANNA}, ben:{BEN}")
    settings = application.settings.model_copy(update={"api_keys": keys})
    with_keys = replace(application, settings=settings, usecase=WhoAsks())
    return TestClient(create_api(with_keys), "https://answers.acme.test", client=("192.0.2.7", 5000))


@pytest.mark.drill("F16")
def test_a_key_says_who_asks_and_nothing_else_does(keyed: TestClient) -> None:
    """Staged: questions with no key, a bad key, and a key whose holder claims to be somebody else.
    Caught by: authentication in the service; the answer is for the key's holder, with the holder's groups.
    """
    for key, authorization in KEYS.items():
        headers = {b"authorization": authorization.encode()} if authorization else {}
        holder = HOLDERS.get(key)
        for claimed in (None, "anna", "ben", "nobody"):
            body = {"question": "Who am I?"} | ({"caller": claimed} if claimed else {})
            response = keyed.post("/api/ask", json=body, headers=headers)
            expected = 401 if holder is None else 200 if claimed in (None, holder) else 403
            assert response.status_code == expected, (key, claimed)
            assert ("www-authenticate" in response.headers) == (expected == 401)
            assert (f"You are {holder} of everyone, hr." in response.text) == (expected == 200), (key, claimed)
            assert ("You are" in response.text) == (expected == 200), (key, claimed)


@pytest.mark.drill("F16")
def test_every_other_route_is_closed_or_tells_nothing(keyed: TestClient) -> None:
    """Staged: every route of the service, with no key, a bad key and a good one.
    Caught by: a route that is not on the short list of open ones wants a key; nobody is told who the callers are.
    """
    for key, authorization in KEYS.items():
        headers = {b"authorization": authorization.encode()} if authorization else {}
        statuses = {path: keyed.get(path, headers=headers).status_code for path in (*OPEN, "/metrics", "/api/callers")}
        metrics = 200 if key in HOLDERS else 401
        said = {"trace_id": "0" * 32, "verdict": "up", "question": "?", "answer": "!"}
        feedback = keyed.post("/api/feedback", json=said, headers=headers).status_code
        assert feedback == (404 if key in HOLDERS else 401), key  # no answer of that trace was given to the holder
        assert statuses == {**dict.fromkeys(OPEN, 200), "/metrics": metrics, "/api/callers": 404}, key


def test_the_routes_above_are_all_there_are(keyed: TestClient) -> None:
    paths = set(keyed.get("/openapi.json").json()["paths"])
    assert paths <= {*OPEN, "/metrics", "/api/ask", "/api/feedback"}
    for path in ("/docs", "/redoc", "/page/index.html", "/page/../api.py", "/page/%2e%2e%2fapi.py", "/api/", "/mcp"):
        assert keyed.get(path).status_code == 404, path


@pytest.mark.drill("F16")
def test_without_keys_the_service_does_not_leave_this_machine(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staged: the service is started without keys on an address that others can reach.
    Caught by: it refuses to listen there, and says what to set.
    """
    listened = []

    def listen(host: str, _: int) -> None:
        listened.append(host)
        raise ConfigurationError("Listening.")

    monkeypatch.setattr(server, "listen", listen)
    for host in ("0.0.0.0", "::", "", "192.0.2.7", "answers.acme.test", "127.0.0.1.acme.test", "127.0.0.1"):
        with pytest.raises(ConfigurationError) as caught:
            serve(application, host)
        assert ("APP_API_KEYS" in str(caught.value)) == (host != "127.0.0.1")
    assert listened == ["127.0.0.1"]


@pytest.mark.drill("F16")
def test_without_keys_only_this_machine_is_answered(application: Application) -> None:
    """Staged: while no keys are set, another machine asks, or a foreign web page in somebody's browser on this one.
    Caught by: the client's address, the Host header (DNS rebinding) and the Origin header.
    """
    api = create_api(replace(application, usecase=WhoAsks()))
    for address, headers, status in LOCAL:
        client = TestClient(api, "http://127.0.0.1", client=(address, 5000))
        response = client.post("/api/ask", json={"question": "Who am I?", "caller": "anna"}, headers=headers)
        assert response.status_code == status, (address, headers)
        assert ("You are anna" in response.text) == (status == 200), (address, headers)
