"""Documents, indexed and searched for a caller: nobody finds what they may not see."""

from .index import Embedders, Index, Passage
from .packing import Excerpt, Packed, pack
from .report import SyncReport
from .retriever import CallerRetriever
from .settings import RetrievalFile

__all__ = [
    "CallerRetriever",
    "Embedders",
    "Excerpt",
    "Index",
    "Packed",
    "Passage",
    "RetrievalFile",
    "SyncReport",
    "pack",
]
