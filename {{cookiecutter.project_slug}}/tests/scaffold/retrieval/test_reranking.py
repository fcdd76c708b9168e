"""The project's own reranker: it orders what the caller may see, and no search fails with it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import load_yaml
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.retrieval import RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.reranking import find_reranker, ranked_hits
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Analyser, EdgeVectorStore

ANN = Principal("ann", frozenset({"hr"}))
TEXTS = [f"The harbour has berth {number}." for number in range(30)]


@pytest.fixture
def store(tmp_path: Path) -> EdgeVectorStore:
    store = EdgeVectorStore(tmp_path / "index", HashEmbeddings(64), Analyser(["en"]), ANN)
    store.add_texts(TEXTS)
    store.add_texts(["The harbour has a secret berth."], [{"allow": ["user:bob"]}])
    return store


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], RetrievalFile]:
    """Settings whose reranker is the function given."""

    def configure(function: Any) -> RetrievalFile:
        module = ModuleType("rerankers_of_tests")
        module.best = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return RetrievalFile(reranker="rerankers_of_tests:best", passages=3)

    return configure


def by_number(query: str, passages: Sequence[str]) -> list[float]:
    return [float(passage.rstrip(".").split()[-1]) for passage in passages]


def texts_of(hits: Sequence[Any]) -> list[str]:
    return [hit.document.page_content for hit in hits]


def test_its_order_counts_among_the_candidates(
    store: EdgeVectorStore, telemetry: Telemetry, configured: Callable[[Any], RetrievalFile]
) -> None:
    candidates = texts_of(store.hits("harbour berth", ANN, 12))
    expected = sorted(candidates, key=lambda text: by_number("", [text]), reverse=True)[:3]
    assert texts_of(ranked_hits(store, "harbour berth", ANN, 3, configured(by_number), telemetry)) == expected
    assert 'app_reranks_total{outcome="reranked"} 1.0' in telemetry.metrics_page().decode()


def test_equals_stay_in_fused_order_and_without_one_nothing_changes(
    store: EdgeVectorStore, telemetry: Telemetry, configured: Callable[[Any], RetrievalFile]
) -> None:
    fused = store.hits("harbour berth 7", ANN, 3)
    level = configured(lambda query, passages: [1] * len(passages))
    assert ranked_hits(store, "harbour berth 7", ANN, 3, level, telemetry) == fused
    assert ranked_hits(store, "harbour berth 7", ANN, 3, RetrievalFile(), telemetry) == fused


def test_it_is_shown_what_the_caller_may_see_and_nothing_else(
    store: EdgeVectorStore, telemetry: Telemetry, configured: Callable[[Any], RetrievalFile]
) -> None:
    shown: list[str] = []

    def watching(query: str, passages: Sequence[str]) -> list[float]:
        shown.extend(passages)
        return [0.0] * len(passages)

    settings = configured(watching)
    ranked_hits(store, "secret berth", ANN, 9, settings, telemetry)
    assert set(shown) == set(TEXTS)
    shown.clear()
    assert ranked_hits(store, "secret berth", None, 9, settings, telemetry) == []
    assert ranked_hits(store, "secret berth", Principal("eve"), 9, settings, telemetry) == []
    assert shown == []


def broken(query: str, passages: Sequence[str]) -> list[float]:
    raise RuntimeError(f"cannot rank {passages[0]}")


FAILURES: list[tuple[str, Any, str]] = [
    ("it raises", broken, "RuntimeError at "),
    ("too few", lambda query, passages: [1.0], "1 numbers for 12 passages"),
    ("too many", lambda query, passages: [1.0] * 13, "13 numbers for 12 passages"),
    ("no number", lambda query, passages: [float("nan")] * 12, "a number that is none"),
    ("words", lambda query, passages: ["best"] * 12, "ValueError at "),
    ("nothing", lambda query, passages: None, "TypeError at "),
    ("other arguments", lambda: [1.0], "TypeError at "),
]


@pytest.mark.parametrize(("name", "function", "problem"), FAILURES, ids=[case[0] for case in FAILURES])
def test_where_it_fails_the_fused_order_stays_and_is_told(
    store: EdgeVectorStore,
    telemetry: Telemetry,
    configured: Callable[[Any], RetrievalFile],
    caplog: pytest.LogCaptureFixture,
    name: str,
    function: Any,
    problem: str,
) -> None:
    with caplog.at_level(logging.WARNING):
        hits = ranked_hits(store, "harbour berth 7", ANN, 3, configured(function), telemetry)
    assert texts_of(hits) == texts_of(store.hits("harbour berth 7", ANN, 3))
    assert 'app_reranks_total{outcome="failed"} 1.0' in telemetry.metrics_page().decode()
    assert f"The reranker rerankers_of_tests:best failed ({problem}" in caplog.text
    assert "The harbour" not in caplog.text, "passages do not belong into the log"


UNKNOWN = [
    ("no_such_module_anywhere:best", "no_such_module_anywhere cannot be imported (ModuleNotFoundError"),
    ("rerankers_of_tests:bes", "rerankers_of_tests has no function 'bes' (did you mean 'best'?)"),
    ("rerankers_of_tests:__doc__", "rerankers_of_tests has no function '__doc__'"),
]


@pytest.mark.parametrize(("name", "message"), UNKNOWN)
def test_one_that_is_not_there_is_named(configured: Callable[[Any], RetrievalFile], name: str, message: str) -> None:
    configured(by_number)
    with pytest.raises(ConfigurationError) as raised:
        find_reranker(name)
    assert f"config/retrieval.yaml: reranker: {message}" in str(raised.value)


@pytest.mark.parametrize("name", ["best", "a.b.c", "a:b:c", "a b:c", "../a:b", "a:", ":b", ""])
def test_what_is_no_name_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "retrieval.yaml").write_text(f"passages: 5\nreranker: '{name}'\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"retrieval\.yaml:2: reranker: "):
        load_yaml(tmp_path / "retrieval.yaml", RetrievalFile)
