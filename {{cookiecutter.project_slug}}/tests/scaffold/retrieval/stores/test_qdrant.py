"""A Qdrant server that is away, refuses, or is no Qdrant server: one sentence each."""

from __future__ import annotations

import json
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qdrant_client import models

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError, StoreUnavailable
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.qdrant import QdrantStore, connect

from .conftest import ANALYSER, ANN, Open
from tests.scaffold.loopback import Quiet, listening

Answer = tuple[int, Any]
"""Status and body; a body that is no text is sent as Qdrant's JSON."""

NEW = {"/": (200, {"title": "qdrant", "version": "1.19.0"}), "/exists": (200, {"result": {"exists": True}})}


class Server:
    """Answers as ``answers`` says, by the end of the path; keeps quiet where there is no answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, str, str | None]] = []
        self.quiet = threading.Event()


class Handler(Quiet):
    def do_GET(self) -> None:
        outer: Server = self.server.answering  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        outer.seen.append((self.path, body, self.headers.get("api-key")))
        found = next((answer for end, answer in outer.answers.items() if self.path.endswith(end)), None)
        if found is None:
            outer.quiet.wait(20)
            return
        status, content = found
        text = content if isinstance(content, str) else json.dumps({"time": 0.1, "status": "ok", **content})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_PUT = do_DELETE = do_GET


@pytest.fixture
def server() -> Iterator[Server]:
    with listening(Handler) as (listener, url):
        server = listener.answering = Server(url)  # type: ignore[attr-defined]
        yield server
        server.quiet.set()


def remote(url: str, timeout: int = 10) -> QdrantStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a key that goes over http, here to this machine
        client = connect(url, "key-1", timeout)
    return QdrantStore(client, "p-1", HashEmbeddings(8), ANALYSER, ANN, url)


USES: list[Callable[[QdrantStore], Any]] = [
    lambda store: store.similarity_search("harbour"),
    lambda store: store.add_texts(["harbour"]),
    lambda store: store.sources(),
    lambda store: store.remove("a.md"),
    lambda store: store.restrict("a.md", [], []),
    lambda store: list(store.points()),
    lambda store: store.drop(),
]

FAULTS: list[tuple[str, dict[str, Answer], type[ScaffoldError], str]] = [
    ("unauthorized", {"/": (401, "Must provide an API key")}, ConfigurationError, r"refuses the key \(401\)"),
    ("forbidden", {"/": (403, {"status": {"error": "no"}})}, ConfigurationError, r"refuses the key \(403\)"),
    ("broken", {"/": (500, {"status": {"error": "out of disk"}})}, StoreUnavailable, r"with 500 \(out of disk\)"),
    ("broken further on", {**NEW, "/p-1": (503, "oops")}, StoreUnavailable, r"with 503 \(Service Unavailable\)"),
    ("gone in between", {**NEW, "/p-1": (404, {"status": {"error": "gone"}})}, StoreUnavailable, r"with 404 \(gone\)"),
    ("busy", {"/": (429, {"status": {"error": "slow down"}})}, StoreUnavailable, "takes no more requests for now"),
    ("no Qdrant", {"/": (200, "<html>hello</html>")}, StoreUnavailable, "gives no such answer as Qdrant"),
    ("another shape", {"/": (200, {"hello": 1})}, StoreUnavailable, "gives no such answer as Qdrant"),
    ("too old", {"/": (200, {"title": "q", "version": "1.18.2"})}, ConfigurationError, r"version 1\.18\.2, but 1\.19"),
]


@pytest.mark.parametrize("use", USES, ids=["search", "add", "sources", "remove", "restrict", "points", "drop"])
@pytest.mark.parametrize(("name", "answers", "kind", "message"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_fault_is_one_sentence(
    server: Server,
    name: str,
    answers: dict[str, Answer],
    kind: type[ScaffoldError],
    message: str,
    use: Callable[[QdrantStore], Any],
) -> None:
    server.answers = answers
    with pytest.raises(kind, match=message) as raised:
        use(remote(server.url))
    assert f"The collection p-1 of the Qdrant server at {server.url} " in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.after == (7 if name == "busy" else 0)


def test_a_server_that_keeps_quiet_is_waited_for_as_long_as_it_says(server: Server) -> None:
    with pytest.raises(StoreUnavailable, match=r"cannot be reached or gives no such answer as Qdrant \(timed out\)"):
        remote(server.url, timeout=1).similarity_search("harbour")


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            StoreUnavailable, match=rf"server at {re.escape(url)} cannot be reached .*Connection refused"
        ):
            remote(url).similarity_search("harbour")


def test_the_key_goes_with_every_request_and_a_missing_collection_is_an_empty_store(server: Server) -> None:
    server.answers = {**NEW, "/exists": (200, {"result": {"exists": False}})}
    assert remote(server.url).similarity_search("harbour") == []
    assert [(path, key) for path, _, key in server.seen] == [
        ("/", "key-1"),
        ("/collections/p-1/exists", "key-1"),
        ("/collections/p-1/exists", "key-1"),
    ]


def test_another_projects_collection_is_left_alone(open_kind: Open) -> None:
    store = open_kind("qdrant", caller=ANN)
    assert isinstance(store, QdrantStore)
    store._client.create_collection(
        store._collection, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    for use in USES:
        with pytest.raises(ConfigurationError, match="was not made by this project; set another prefix"):
            use(store)
    store._client.delete_collection(store._collection)


def test_the_caller_is_in_the_filter_of_every_request_that_reads(
    open_kind: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_kind("qdrant", caller=ANN)
    assert isinstance(store, QdrantStore)
    [mine] = store.add_texts(["harbour"])
    asked: list[Any] = []

    def watch(method: str) -> None:
        original = getattr(store._client, method)

        def watched(*given: Any, **more: Any) -> Any:
            asked.append(given)
            return original(*given, **more)

        monkeypatch.setattr(store._client, method, watched)

    for method in ("query_batch_points", "scroll", "count"):
        watch(method)
    store.similarity_search("harbour")
    store.get_by_ids([mine])
    filters = []
    for given in asked:
        requests = given[1] if isinstance(given[1], list) else [None]
        filters += [request.filter if request else given[1] for request in requests]
        filters += [request.params.idf.corpus for request in requests if request and request.using == "bm25"]
    assert len(filters) == 8  # nearest, words and one word, with their statistics; count; read; read by id
    for each in filters:
        assert '"key":"allow"' in each.model_dump_json()
        assert "user:ann" in each.model_dump_json()
