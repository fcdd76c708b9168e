"""The review page: for this machine and its address only, and what is decided there stands in the dataset."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import Changes
from {{ cookiecutter.package_name }}.scaffold.serving import review

from tests.scaffold.evaluation.cases import UNREVIEWED, line, write

TOKEN = "t" * 32
ADDRESS = "http://127.0.0.1:5000"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [line("done"), line("one", review=UNREVIEWED), line("empty", review=UNREVIEWED, expected={})]
    return write(tmp_path / "cases.jsonl", lines)


@pytest.fixture
def client(application: Application, path: Path) -> TestClient:
    app = review.create_review(application, path, 'Ada "<b>"', TOKEN)
    return TestClient(app, ADDRESS, client=("127.0.0.1", 5001))


def decide(client: TestClient, id_: str, action: str, **changes: Any) -> Any:
    body = {"id": id_, "action": action} | ({"changes": changes} if changes else {})
    return client.post(f"/{TOKEN}/decide", json=body)


def test_the_page_holds_everything_and_no_script_of_others_can_run_on_it(client: TestClient) -> None:
    page = client.get(f"/{TOKEN}/")
    policy = page.headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', page.text))
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert "as Ada &quot;&lt;b&gt;&quot;" in page.text
    text = review.PAGE.read_text("utf-8")
    assert not re.findall(
        r"https?://|@import|url\(|innerHTML|insertAdjacent|document\.write|eval\(|\son\w+=|style=", text
    )


def test_it_shows_what_waits_with_the_passages_that_prove_it(client: TestClient) -> None:
    shown = client.get(f"/{TOKEN}/cases").json()
    assert [case["id"] for case in shown] == ["one", "empty"]
    assert "150 EUR" in shown[0]["passages"][0]["text"]
    assert [case["demands"] for case in shown] == [True, False]


def test_whatever_a_reviewer_may_change_can_be_changed_on_the_page() -> None:
    fields = re.findall(r'^  \["(\w+)", ', review.PAGE.read_text("utf-8"), re.MULTILINE)
    assert {*fields, "refusal"} == set(Changes.model_fields)


def test_what_is_decided_stands_in_the_dataset_at_once(client: TestClient, path: Path) -> None:
    def state() -> tuple[str, str]:
        case = {case.id: case for case in load_cases(path)}["one"]
        return case.review.state, case.review.by

    for action, state_then in (
        ("approve", ("reviewed", 'Ada "<b>"')),
        ("reset", ("unreviewed", "")),
        ("reject", ("rejected", 'Ada "<b>"')),
        ("edit", ("unreviewed", "")),
    ):
        answer = decide(client, "one", action, **({"question": "How?"} if action == "edit" else {}))
        assert (answer.status_code, answer.json()["review"]["state"]) == (200, state_then[0])
        assert state() == state_then
    assert {case.id: case.question for case in load_cases(path)}["one"] == "How?"


@pytest.mark.parametrize(
    ("id_", "action", "changes", "status", "message"),
    [
        ("empty", "approve", {}, 400, "accepts any answer; edit it"),
        ("gone", "approve", {}, 400, "there is no case 'gone'"),
        ("one", "edit", {"question": ""}, 400, "line 2: question: string should have at least 1 character"),
        ("one", "publish", {}, 422, "action: Input should be"),
        ("one", "edit", {"review": "reviewed"}, 422, "changes.review: Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    client: TestClient, path: Path, id_: str, action: str, changes: dict[str, Any], status: int, message: str
) -> None:
    before = path.read_bytes()
    answer = decide(client, id_, action, **changes)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("address", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, TOKEN, 200),
        ("127.0.0.1", {"origin": ADDRESS}, TOKEN, 200),
        ("192.0.2.7", {}, TOKEN, 403),
        ("127.0.0.1", {"host": "evil.test"}, TOKEN, 403),
        ("127.0.0.1", {"host": "evil.test:5000"}, TOKEN, 403),
        ("127.0.0.1", {}, "u" * 32, 404),
        ("127.0.0.1", {}, "é", 404),
        ("127.0.0.1", {"origin": "https://evil.test"}, TOKEN, 403),
        ("127.0.0.1", {"origin": "null"}, TOKEN, 403),
        ("127.0.0.1", {"content-type": "text/plain"}, TOKEN, 415),
    ],
)
def test_nobody_else_can_review(
    application: Application, path: Path, address: str, headers: dict[str, str], token: str, status: int
) -> None:
    app = review.create_review(application, path, "Ada", TOKEN)
    client = TestClient(app, ADDRESS, client=(address, 5001))
    sent = {"content-type": "application/json"} | headers
    answer = client.post(f"/{token}/decide", content='{"id": "one", "action": "approve"}', headers=sent)
    assert answer.status_code == status
    assert {case.id: case.review.state for case in load_cases(path)}["one"] == (
        "reviewed" if status == 200 else "unreviewed"
    )


def test_it_ends_when_its_reader_is_done(application: Application, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def ask(server: Any, sockets: list[Any]) -> None:
        host, port = sockets[0].getsockname()
        assert host == "127.0.0.1"
        client = TestClient(server.config.app, f"http://127.0.0.1:{port}", client=("127.0.0.1", 5001))
        found = re.search(r"http://127\.0\.0\.1:(\d+)/([\w-]{32})/ ", told[0])
        assert found
        assert found[1] == str(port)
        assert client.post(f"/{found[2]}/done", json={}).status_code == 200
        assert server.should_exit

    monkeypatch.setattr(uvicorn.Server, "run", ask)
    review.serve_review(application, path, "Ada", 0, told.append)
    assert len(told) == 1
