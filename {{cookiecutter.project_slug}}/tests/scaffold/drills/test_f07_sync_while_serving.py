"""F07: documents change while the service answers from an index that one process at a time can open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application

QUESTION = {"question": "How long may a remote access session last?", "caller": "callum"}
CANTEEN = {"question": "When does the lighthouse canteen open?", "caller": "callum"}
PACKAGE = Application.__module__.partition(".")[0]
SERVICE = f"""
import os, signal, sys
from {PACKAGE}.app import build
from {PACKAGE}.scaffold.config import Settings
from {PACKAGE}.scaffold.retrieval import sync
from {PACKAGE}.scaffold.retrieval.stores import Store
from {PACKAGE}.scaffold.serving import serve

def dying(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

if "--dies" in sys.argv:
    Store.add_documents = dying
with build(Settings.load(offline=True)) as application:
    serve(application, "127.0.0.1", 0)
"""
COMMAND = f"""
import sys
from {PACKAGE}.app import build
from {PACKAGE}.scaffold import cli

cli.run(build)
"""
Serve = Callable[..., str]


@pytest.fixture
def environment(project: Path) -> dict[str, str]:
    """Of a process in the project."""
    own = {"APP_ROOT": str(project), "APP_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return {"PATH": os.environ["PATH"], **own}


@pytest.fixture
def serve(environment: dict[str, str]) -> Iterator[Serve]:
    """Starts the service in a process of its own; where it is."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return next(word for word in process.stdout.readline().split() if word.startswith("http"))

    yield run
    for process in started:
        process.kill()
        process.communicate()


@contextmanager
def asked_all_the_while(url: str) -> Iterator[Counter[str]]:
    """A caller that asks without a break; how it went."""
    outcomes, over = Counter[str](), threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            while not over.is_set():
                answer = client.post("/api/ask", json=QUESTION)
                good = answer.status_code == 200 and answer.json()["citations"]
                outcomes["answered" if good else answer.text] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield outcomes
    finally:
        over.set()
        asking.join()


@pytest.mark.drill("F07")
def test_a_sync_goes_on_beside_the_answers(serve: Serve, environment: dict[str, str], project: Path) -> None:
    """Staged: a document is added, changed, deleted, and each time synced from another process, under steady questions.
    Caught by: the service that has the index is asked, and syncs it beside its answers, which follow; none fails.
    """
    url = serve()
    path = project / "data" / "documents" / "travel" / "canteen.md"

    def ingest() -> dict[str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "ingest"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "asking   the service (" in done.stderr, done.stderr
        report = subprocess.run(
            [sys.executable, "-c", COMMAND, "ingest", "--dry-run", "--json"], env=environment, capture_output=True
        )
        said: dict[str, list[str]] = json.loads(report.stdout)
        assert (said["added"], said["changed"], said["removed"]) == ([], [], []), "all was brought in line"
        return said

    with asked_all_the_while(url) as outcomes, httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for hour in ("11:15", "11:45"):
            path.write_text(f"# Canteen\n\nThe lighthouse canteen opens at {hour}.\n", "utf-8")
            ingest()
            assert hour in client.post("/api/ask", json=CANTEEN).json()["answer"]
        path.unlink()
        ingest()
        assert "11:45" not in client.post("/api/ask", json=CANTEEN).json()["answer"]
    assert set(outcomes) == {"answered"}


@pytest.mark.drill("F07")
def test_a_service_that_dies_in_the_midst_of_a_sync_is_done_without(
    serve: Serve, environment: dict[str, str], project: Path
) -> None:
    """Staged: the service is killed while it syncs for a command of another process.
    Caught by: its lease ends with it; the command says so, and syncs by itself.
    """
    serve("--dies")
    (project / "data" / "documents" / "travel" / "canteen.md").write_text("# Canteen\n\nOpens at noon.\n", "utf-8")
    command = subprocess.run([sys.executable, "-c", COMMAND, "ingest"], env=environment, capture_output=True, text=True)
    out, err = command.stdout, command.stderr
    assert (command.returncode, "1 added, 0 changed, 0 removed" in out) == (0, True), out + err
    assert "alone    the service did not get through with it" in err
