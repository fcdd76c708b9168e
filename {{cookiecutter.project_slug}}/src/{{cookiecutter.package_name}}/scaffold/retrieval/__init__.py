"""Documents, indexed and searched for a caller: nobody finds what they may not see."""

from .index import Embedders, Index, Passage
from .report import SyncReport
from .settings import RetrievalFile

__all__ = ["Embedders", "Index", "Passage", "RetrievalFile", "SyncReport"]
