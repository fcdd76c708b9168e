"""Which store ``config/retrieval.yaml`` chooses, and what it says where that cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import load_yaml
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval import RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Store, open_store

from .conftest import ANALYSER, ANN


def opened(folder: Path, store: str, name: str = "7") -> Store:
    file = folder / "retrieval.yaml"
    file.write_text(f"passages: 5\n{store}", "utf-8")
    return open_store(load_yaml(file, RetrievalFile), name, HashEmbeddings(8), ANALYSER, folder / "var", ANN)


CHOSEN = [
    ("", "The index in {var}/index/7"),
    ("store: {kind: edge}", "The index in {var}/index/7"),
    ("store: {}", "The index in {var}/index/7"),
    (
        "store: {kind: qdrant, url: 'http://127.0.0.1:6333'}",
        "The collection passages-7 of the Qdrant server at http://127.0.0.1:6333",
    ),
    (
        "store: {kind: qdrant, url: 'https://q.example', api_key_env: KEY, prefix: acme}",
        "The collection acme-7 of the Qdrant server at https://q.example",
    ),
    ("store: {kind: pgvector}", "The table passages_7 of PostgreSQL at db.example/acme"),
    ("store: {kind: pgvector, url_env: OTHER, prefix: acme}", "The table acme_7 of PostgreSQL at other.example/acme"),
]


@pytest.mark.parametrize(("store", "place"), CHOSEN)
def test_the_file_chooses_and_nothing_is_asked_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, place: str
) -> None:
    monkeypatch.setenv("KEY", "secret")
    monkeypatch.setenv("PGVECTOR_URL", "postgresql://me:secret@db.example/acme")
    monkeypatch.setenv("OTHER", "postgres://me:secret@other.example:5433/acme?sslmode=require")
    found = opened(tmp_path, store)
    assert found.place == place.format(var=tmp_path / "var")
    assert not (tmp_path / "var").exists()
    found.close()


REFUSED = [
    ("store: {kind: chroma}", "retrieval.yaml:2: store: its kind must be edge, qdrant or pgvector"),
    ("store: edge", "retrieval.yaml:2: store: "),
    ("store: {kind: qdrant}", "retrieval.yaml:2: store.qdrant.url: this field is required"),
    ("store: {kind: qdrant, url: 'http://key@host'}", "retrieval.yaml:2: store.qdrant.url: "),
    ("store: {kind: qdrant, url: 'host:6333'}", "retrieval.yaml:2: store.qdrant.url: "),
    ("store: {kind: qdrant, url: 'http://h', api_key: x}", "there is no such field; known: "),
    ("store: {kind: qdrant, url: 'http://h', api_key_env: NOT_SET}", "variable NOT_SET in store, but it is not set"),
    ("store: {kind: qdrant, url: 'http://h', api_key_env: 'sk-12'}", "store.qdrant.api_key_env: "),
    ("store: {kind: pgvector}", "variable PGVECTOR_URL in store, but it is not set"),
    ("store: {kind: pgvector, url_env: NO_URL}", "The address of PostgreSQL is none; write postgresql://user"),
    ("store: {kind: pgvector, prefix: 'a\"; DROP TABLE x; --'}", "store.pgvector.prefix: "),
    ("store: {kind: pgvector, prefix: Acme}", "store.pgvector.prefix: "),
    ("store: {kind: qdrant, url: 'http://h', prefix: '../x'}", "store.qdrant.prefix: "),
]


@pytest.mark.parametrize(("store", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, message: str
) -> None:
    monkeypatch.delenv("PGVECTOR_URL", raising=False)
    monkeypatch.setenv("NO_URL", "host=db password=secret")
    with pytest.raises(ConfigurationError) as refused:
        opened(tmp_path, store)
    assert message in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("store", "package", "extra"),
    [
        ("store: {kind: qdrant, url: 'http://h'}", "qdrant_client", "qdrant"),
        ("store: {kind: pgvector}", "pgvector", "pgvector"),
        ("store: {kind: pgvector}", "psycopg", "pgvector"),
    ],
)
def test_a_missing_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, package: str, extra: str
) -> None:
    monkeypatch.setenv("PGVECTOR_URL", "postgresql://db.example/acme")
    mine = {f"{Store.__module__.rpartition('.')[0]}.{name}" for name in ("qdrant", "postgres")}
    for name in list(sys.modules):
        if name in mine or name.startswith(f"{package}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"is not installed; run: make setup EXTRAS={extra} "):
        opened(tmp_path, store)


@pytest.mark.parametrize("name", ["", "../1", "a/b", "1;", "x" * 21])
def test_a_name_that_is_no_name_opens_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name of an index"):
        opened(tmp_path, "", name)
