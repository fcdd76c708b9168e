"""Documents, indexed and searched for a caller: nobody finds what they may not see."""

from .index import Index, Passage
from .settings import RetrievalFile
from .sync import SyncReport

__all__ = ["Index", "Passage", "RetrievalFile", "SyncReport"]
