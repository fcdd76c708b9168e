"""langchain's own suite on each store, as a caller who sees what they added."""

from __future__ import annotations

import pytest
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from .conftest import ANN, KINDS, Open


class TestStandard(VectorStoreIntegrationTests):
    @pytest.fixture(params=KINDS)
    def vectorstore(self, open_kind: Open, request: pytest.FixtureRequest) -> VectorStore:
        return open_kind(request.param, caller=ANN, embeddings=self.get_embeddings())
