"""Documents, indexed and searched for a caller: nobody finds what they may not see."""

from .embedders import Embedders
from .index import Index
from .packing import Excerpt, Packed, pack
from .passages import Passage
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
