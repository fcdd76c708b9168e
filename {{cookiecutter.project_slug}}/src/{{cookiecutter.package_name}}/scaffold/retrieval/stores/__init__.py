"""Vector stores. Their clients are imported nowhere else."""

from .analysis import Analyser
from .edge import EdgeVectorStore, Hit

__all__ = ["Analyser", "EdgeVectorStore", "Hit"]
