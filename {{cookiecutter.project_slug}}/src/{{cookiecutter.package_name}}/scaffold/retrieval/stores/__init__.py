"""Vector stores. Their clients are imported nowhere else."""

from .analysis import Analyser
from .edge import EdgeVectorStore
from .opening import open_store
from .point import Hit, Point
from .port import Store

__all__ = ["Analyser", "EdgeVectorStore", "Hit", "Point", "Store", "open_store"]
