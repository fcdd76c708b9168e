"""Where documents come from. One class a kind of source; see ``port`` for what each can do."""

from __future__ import annotations

from ...config import Settings
from ..settings import RetrievalFile
from .files import FileTree
from .port import Connector, Entry
from .settings import DEFAULT, Files, Source, SourcesFile, load_sources

__all__ = ["Connector", "Entry", "Source", "SourcesFile", "connect", "load_sources", "prefix_of"]


def connect(source: Files, settings: Settings, retrieval: RetrievalFile) -> Connector:
    """The connector of ``source``. Raises ``ConfigurationError`` where it lacks something, ``SourceError`` later."""
    return FileTree(settings.path(source.folder), int(retrieval.max_megabytes * 1_000_000))


def prefix_of(name: str) -> str:
    """What stands before the names of a source's documents: those of the shipped folder go by their path alone."""
    return "" if name in DEFAULT.sources else f"{name}/"
