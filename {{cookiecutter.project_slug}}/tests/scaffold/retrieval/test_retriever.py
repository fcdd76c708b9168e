"""langchain's retriever on the index: by langchain's own suite, and for one caller only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.retrieval import CallerRetriever, Index

from tests.scaffold.retrieval.conftest import STAFF, Project


@pytest.fixture
def index(documents: Project) -> Index:
    for number in range(5):
        documents.write(f"{number}.md", f"---\ntitle: Note {number}\n---\nBring an umbrella on day {number}.\n")
    index = documents.index()
    index.sync()
    return index


class TestStandard(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _on(self, index: Index) -> None:
        self.index = index

    @property
    def retriever_constructor(self) -> Callable[..., BaseRetriever]:  # type: ignore[override]
        return CallerRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self.index, "caller": STAFF}

    @property
    def retriever_query_example(self) -> str:
        return "umbrella"


def test_it_finds_what_its_caller_may_see_with_everything_to_cite_it_by(index: Index) -> None:
    found = CallerRetriever(index=index, caller=STAFF, k=1).invoke("umbrella on day 3")[0]
    assert (found.id, found.metadata["source"], found.metadata["title"]) == ("3.md#0", "3.md", "Note 3")
    assert CallerRetriever(index=index, caller=Principal("stranger")).invoke("umbrella") == []
