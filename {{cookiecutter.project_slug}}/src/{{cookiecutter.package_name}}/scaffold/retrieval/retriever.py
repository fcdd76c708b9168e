"""The index as langchain's retriever, bound to one caller: a chain or a tool finds with it what that one may see."""

from __future__ import annotations

from dataclasses import asdict

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import SkipValidation

from ..governance.principal import Principal
from .index import Index


class CallerRetriever(BaseRetriever):
    """Finds passages for ``caller``. Make one for each request, and never keep it for another caller.

    ``create_retriever_tool`` of langchain makes a tool of it. Like any passage, what it finds is untrusted text.
    """

    index: SkipValidation[Index]
    caller: Principal
    k: int | None = None
    """How many; ``passages`` of ``config/retrieval.yaml`` where None."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return [
            Document(
                passage.text, id=passage.id, metadata={name: v for name, v in asdict(passage).items() if name != "text"}
            )
            for passage in self.index.search(query, self.caller, k or self.k)
        ]
