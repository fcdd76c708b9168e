from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import {{ cookiecutter.package_name }}
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.serving import serve

PROGRAM = """
from {package}.app import build
from {package}.scaffold.config import Settings
from {package}.scaffold.serving import serve

with build(Settings.load(offline=True)) as application:
    serve(application, {host!r}, 0)
print("closed")
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start the service in a process of its own, on a free port."""
    started = []

    def run(host: str, **environment: str) -> subprocess.Popen[str]:
        package = {{ cookiecutter.package_name }}.__name__
        source = str(Path(str({{ cookiecutter.package_name }}.__file__)).parent.parent)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(package=package, host=host)],
            env={**os.environ, "PYTHONPATH": source, "APP_ROOT": str(project), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line or process.communicate()[1]
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_answers_and_closes_what_it_opened(start: Start, number: int) -> None:
    process = start("127.0.0.1")
    url = address(process)
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        assert client.get("/readyz").json() == {"status": "ready", "warnings": []}
        assert "<title>" in client.get("/").text
        body = {"question": "How many days a week can I work from home? Mail jane.doe@acme.test", "caller": "tom"}
        answer = client.post("/api/ask", json=body, headers={"Origin": url}).json()
        assert answer["trace_id"]
        assert client.post("/api/ask", json=body, headers={"Host": "evil.test"}).status_code == 400
        assert "server" not in client.get("/healthz").headers
    process.send_signal(number)
    out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "closed\n")
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line["trace_id"] == answer["trace_id"] and "POST /api/ask 200" in line["message"] for line in lines)
    assert "jane.doe" not in log


def test_with_keys_it_may_be_reached_from_elsewhere_and_wants_one(start: Start) -> None:
    key = "tom-0123456789abcdef"
    url = address(start("0.0.0.0", APP_API_KEYS=f"tom:{key}")).replace("0.0.0.0", "127.0.0.1")
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        body = {"question": "How many days a week can I work from home?"}
        assert client.post("/api/ask", json=body).status_code == 401
        answer = client.post("/api/ask", json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200


def test_a_port_in_use_is_one_sentence(answering: Application) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}: another program listens there"):
            serve(answering, "127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [("127.0.0.1", 70000, "ports go from 0 to 65535"), ("::1%none", 0, "")],
)
def test_an_address_that_cannot_be_is_one_sentence(answering: Application, host: str, port: int, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"Cannot listen on {host}, port {port}: {reason}")):
        serve(answering, host, port)
