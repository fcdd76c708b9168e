from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

PATHS = ["/", "/page/page.js", "/page/page.css", "/healthz", "/readyz", "/metrics", "/api/callers", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_tells_the_browser_to_be_strict(local: TestClient, path: str) -> None:
    headers = local.get(path).headers
    assert "content-security-policy" in headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/page/") else "no-store")
    assert "server" not in headers


def test_refusals_carry_the_headers_too(local: TestClient) -> None:
    for response in (
        local.get("/", headers={"Host": "evil.test"}),
        local.post("/api/ask", headers={"Origin": "https://evil.test"}),
        local.post("/api/ask", content=b"x" * 50_000),
    ):
        assert response.status_code in (400, 403, 413)
        assert response.headers.get("x-content-type-options") == "nosniff"


def test_a_body_without_a_stated_length_is_read_no_further_than_the_limit(local: TestClient) -> None:
    sent = []

    def body() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield b"x" * 1000

    response = local.post("/api/ask", content=body(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert "too large" in response.json()["error"]["message"]


@pytest.mark.parametrize("length", ["-1", "many", "1e3", "99999999", "9" * 5000])
def test_a_stated_length_that_is_wrong_or_too_large_is_refused(local: TestClient, length: str) -> None:
    response = local.post("/api/ask", headers={"Content-Length": length})
    assert response.status_code == 413


def test_an_origin_is_compared_with_the_host_as_the_browser_wrote_it(local: TestClient) -> None:
    body = {"question": "", "caller": "anna"}
    for origin, status in [("http://LOCALHOST:8000", 400), ("http://localhost:8001", 403), ("http://[", 403)]:
        headers = {"Host": "localhost:8000", "Origin": origin}
        assert local.post("/api/ask", json=body, headers=headers).status_code == status, origin
