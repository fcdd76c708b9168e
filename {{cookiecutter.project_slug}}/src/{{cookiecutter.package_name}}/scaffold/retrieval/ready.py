"""A document that was read, as it goes into an index."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_core.documents import Document as Stored

from .access import Access
from .chunking import in_context
from .manifest import Pending, Row
from .processing import Processed


@dataclass(frozen=True)
class Ready:
    """A document in passages, and the row that says so once they are indexed."""

    row: Row
    passages: list[Stored]


def ready(taken: Pending, access: Access, document: Processed, how: str) -> Ready:
    """``document``, which was listed as ``taken``, for those of ``access``; ``how``: digest of how it is indexed."""
    texts = [in_context(document.title, chunk.section, chunk.text) for chunk in document.chunks]
    row = Row(
        source=taken.source,
        origin=taken.origin,
        version=taken.entry.version or document.sha256,
        sha256=document.sha256,
        how=how,
        access=access.digest,
        chunks=len(document.chunks),
        size=sum(len(text.encode(errors="replace")) for text in texts),
        own=Row.written(taken.entry.access),
        updated=document.updated,
    )
    about = {
        "source": document.source,
        "origin": taken.origin,
        "title": document.title,
        "updated": document.updated,
        "status": document.status,
        "language": document.language,
        "sha256": document.sha256,
        "allow": access.allow,
        "deny": access.deny,
    }
    passages = [
        Stored(
            id=f"{document.source}#{chunk.number}",
            page_content=chunk.text,
            metadata={**about, "section": chunk.section, "chunk": chunk.number},
        )
        for chunk in document.chunks
    ]
    return Ready(row, passages)
