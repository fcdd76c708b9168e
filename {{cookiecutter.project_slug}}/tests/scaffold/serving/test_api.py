from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import create_engine

from {{ cookiecutter.package_name }}.scaffold import errors
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.models.settings import DEADLINE
from {{ cookiecutter.package_name }}.scaffold.observability import configure_logging
from {{ cookiecutter.package_name }}.scaffold.serving import create_api
from {{ cookiecutter.package_name }}.scaffold.serving.settings import ServiceFile, follow
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer, Citation

Told = Callable[[Callable[[str, Principal], Answer]], TestClient]
MARKUP = "<script>alert(1)</script>"


def echo(question: str, caller: Principal) -> Answer:
    citation = Citation(number=1, source="a.md", title=MARKUP, passage=MARKUP, score=1, sha256="0" * 64)
    text = f"{caller.id}: {question} [1]"
    return Answer(answer=text, citations=[citation], confidence=1, model="m", prompt="p", trace_id="0" * 32)


def raising(error: Exception) -> Callable[[str, Principal], Answer]:
    def reply(question: str, caller: Principal) -> Answer:
        raise error

    return reply


def change(project: Path, old: str, new: str) -> None:
    path = project / "config" / "service.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_an_answer_carries_everything_it_can_be_traced_by(local: TestClient, answering: Application) -> None:
    body = {"question": "How many days a week can I work from home?", "caller": "tom"}
    response = local.post("/api/ask", json=body)
    assert response.status_code == 200
    answer = Answer.model_validate(response.json())
    assert not answer.refused
    assert answer.citations
    assert answer.trace_id in {record["trace_id"] for record in answering.audit.records()}


def test_who_can_be_asked_as_is_told_on_this_machine(local: TestClient, answering: Application) -> None:
    callers = {caller["id"]: caller for caller in local.get("/api/callers").json()}
    assert callers.keys() == answering.index.directory.callers.keys()
    assert callers["anna"] == {"id": "anna", "name": "Anna Brandt", "groups": ["everyone", "hr"]}


def test_markup_stays_text_in_json(told: Told) -> None:
    response = told(echo).post("/api/ask", json={"question": MARKUP, "caller": "anna"})
    assert response.headers["content-type"] == "application/json"
    assert response.json()["answer"] == f"anna: {MARKUP} [1]"
    assert response.json()["citations"][0]["title"] == MARKUP


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"not json", 422, "not valid JSON"),
        (b"", 422, "Send a JSON object"),
        (b"[]", 422, "Send a JSON object"),
        (b'"text"', 422, "Send a JSON object"),
        (b'{"question": "\xff"}', 400, "parsing the body"),
        (b"[" * 20_000, 400, "parsing the body"),
        (b"{}", 422, "question: field required"),
        (b'{"question": 7}', 422, "question: input should be a valid string"),
        (b'{"question": null}', 422, "question: input should be a valid string"),
        (b'{"question": "\\ud800", "caller": "anna"}', 422, "question: half of a surrogate pair"),
        (b'{"question": "a", "user": "anna"}', 422, "only the fields question and caller"),
        (b'{"question": "a", "caller": ["anna"]}', 422, "caller: input should be a valid string"),
        (b'{"question": "", "caller": "anna"}', 400, "empty"),
        (b'{"question": " \\n ", "caller": "anna"}', 400, "empty"),
        (b'{"question": "a"}', 400, "Say who asks: add caller to the request; known: anna, ben"),
        (b'{"question": "a", "caller": ""}', 400, "Say who asks"),
        (b'{"question": "a", "caller": "ana"}', 400, "did you mean 'anna'"),
        (b'{"question": "' + b"x" * 2001 + b'", "caller": "anna"}', 400, "has 2001 characters; at most 2000"),
        (b'{"question": "' + b"x" * 30_000 + b'", "caller": "anna"}', 413, "too large"),
    ],
)
def test_a_wrong_request_is_told_in_one_sentence_what_is_wrong(
    local: TestClient, body: bytes, status: int, words: str
) -> None:
    response = local.post("/api/ask", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert response.json().keys() == {"error"}
    assert response.json()["error"].keys() == {"type", "message"}
    assert words in response.json()["error"]["message"]
    assert "\n" not in response.json()["error"]["message"]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_of_another_site_could_send_is_not_taken_as_json(local: TestClient, media_type: str) -> None:
    body = json.dumps({"question": "a", "caller": "anna"})
    assert local.post("/api/ask", content=body, headers={"Content-Type": media_type}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/api/ask", 405), ("DELETE", "/", 405)]
)
def test_other_addresses_and_methods_answer_in_the_same_shape(
    local: TestClient, method: str, path: str, status: int
) -> None:
    response = local.request(method, path)
    assert (response.status_code, response.json()["error"]["type"]) == (status, "RequestError")


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ScaffoldError)]
)
def test_an_error_that_a_person_can_mend_is_told_with_its_status(told: Told, kind: type[ScaffoldError]) -> None:
    response = told(raising(kind("What, where, and how to mend it."))).post(
        "/api/ask", json={"question": "a", "caller": "anna"}
    )
    assert response.status_code == kind.http_status
    error = response.json()["error"]
    assert (error["type"], error["message"]) == (kind.__name__, "What, where, and how to mend it.")
    assert ("trace_id" in error) == (kind.http_status >= 500)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.RateLimited("Wait.", after=1.2), "2"),
        (errors.LimitReached("Wait.", after=3600), "3600"),
        (errors.ModelUnavailable("Wait.", after=20), "20"),
        (errors.CircuitOpen("Wait.", again=False, after=0.1), "1"),
        (errors.ModelsStopped("Wait."), None),
        (errors.ModelTimeout("Wait."), None),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else None,
)
def test_when_to_come_back_is_told_where_it_is_known(told: Told, error: ScaffoldError, seconds: str | None) -> None:
    response = told(raising(error)).post("/api/ask", json={"question": "a", "caller": "anna"})
    assert (response.status_code, response.headers.get("retry-after")) == (error.http_status, seconds)


def test_an_unexpected_error_says_nothing_but_its_trace(
    told: Told, answering: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(answering.settings, redact)
    client = told(raising(RuntimeError("asked by jane.doe@acme.test")))
    response = client.post("/api/ask", json={"question": "a", "caller": "anna"})
    assert response.status_code == 500
    error = response.json()["error"]
    assert error.keys() == {"type", "message", "trace_id"}
    assert "jane" not in response.text
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [line for line in lines if line["level"] == "ERROR"]
    assert line["trace_id"] == error["trace_id"]
    assert "RuntimeError: asked by [EMAIL]" in line["exception"]
    assert response.headers.get("x-content-type-options") == "nosniff"


def test_a_question_that_takes_too_long_is_given_up(application: Application, project: Path) -> None:
    class Hanging:
        async def ask(self, question: str, caller: Principal) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    change(project, "request_timeout_seconds: 75", "request_timeout_seconds: 0.01")
    client = TestClient(create_api(replace(application, usecase=Hanging())), "http://localhost", client=("::1", 1))
    response = client.post("/api/ask", json={"question": "a", "caller": "anna"})
    assert response.status_code == 503
    assert response.json()["error"]["message"].startswith("There was no answer within 0.01 s")


def test_the_models_own_error_comes_before_the_services(answering: Application) -> None:
    waits = (follow(answering.settings).get(), ServiceFile())
    assert min(service.request_timeout_seconds for service in waits) > DEADLINE


def test_limits_follow_the_file_while_the_service_runs(own: TestClient, project: Path) -> None:
    body = {"question": "x" * 30, "caller": "anna"}
    assert own.post("/api/ask", json=body).status_code == 200
    change(project, "question_max_characters: 2000", "question_max_characters: 20")
    assert own.post("/api/ask", json=body).json()["error"]["message"].endswith("at most 20 are answered.")


def test_the_longest_question_fits_however_it_is_written(told: Told) -> None:
    body = json.dumps({"question": "\U0001f40b" * 2000, "caller": "anna"})
    assert len(body) > 24_000
    response = told(echo).post("/api/ask", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200


def test_it_is_up_and_ready(local: TestClient) -> None:
    assert local.get("/healthz").json() == {"status": "up"}
    assert local.get("/readyz").json() == {"status": "ready", "warnings": []}


def test_an_empty_index_is_not_ready(application: Application) -> None:
    for path in application.settings.path("data", "documents").rglob("*"):
        if path.is_file():
            path.unlink()
    application.index.sync()
    response = TestClient(create_api(application), "http://localhost").get("/readyz")
    assert response.status_code == 503
    assert response.json()["reasons"] == ["The index is empty; run ingest."]


def test_a_state_database_out_of_reach_is_not_ready(answering: Application, tmp_path: Path) -> None:
    gone = replace(answering, state=create_engine(f"sqlite:///{tmp_path}/gone/state.db"))
    client = TestClient(create_api(gone), "http://localhost")
    assert client.get("/readyz").json()["reasons"] == ["The state database cannot be reached."]
    assert client.get("/healthz").status_code == 200


def test_a_wrong_change_of_configuration_is_a_warning_and_the_last_good_one_serves(
    own: TestClient, project: Path
) -> None:
    body = {"question": "How many days a week can I work from home?", "caller": "tom"}
    for name in ("service.yaml", "models.yaml", "limits.yaml", "prompts/answer.en.yaml"):
        path = project / "config" / name
        good = path.read_text("utf-8")
        path.write_text("secret-looking: value\n", "utf-8")
        assert own.post("/api/ask", json=body).status_code == 200, name
        response = own.get("/readyz")
        assert response.status_code == 200, name
        assert [warning.split()[0] for warning in response.json()["warnings"]] == [f"config/{name.split('/')[0]}"]
        assert "secret-looking" not in response.text
        path.write_text(good, "utf-8")
        assert own.post("/api/ask", json=body).status_code == 200, name
        assert own.get("/readyz").json()["warnings"] == [], name


def test_metrics_show_a_question_that_was_asked(own: TestClient) -> None:
    own.post("/api/ask", json={"question": "How many days a week can I work from home?", "caller": "anna"})
    response = own.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r'^app_requests_total\{channel="api",outcome="answered"\} 1\.0$', response.text, re.MULTILINE)
    assert "anna" not in response.text


def test_a_wrong_file_is_refused_at_start(application: Application, project: Path) -> None:
    cases = {
        ("port: 8000", "port: 80000"): "service.yaml:6: port",
        ("port: 80000", "prot: 8000"): "did you mean 'port'",
        ("prot: 8000", "host: 127.0.0.1"): "written twice",
    }
    for (old, new), words in cases.items():
        change(project, old, new)
        with pytest.raises(ConfigurationError, match=re.escape(words)):
            create_api(application)


def test_wrong_keys_are_refused_at_start(answering: Application) -> None:
    settings = answering.settings.model_copy(update={"api_keys": SecretStr("anna:short")})
    with pytest.raises(ConfigurationError, match="APP_API_KEYS: entry 1"):
        create_api(replace(answering, settings=settings))
