"""Where documents come from. One class a kind of source; see ``port`` for what each can do."""

from __future__ import annotations

from ...config import Settings
from ...models.request import Pace
from ..settings import RetrievalFile
from .contract import Record
from .custom import Custom as CustomConnector
from .http import JsonApi
from .port import Connector, Entry
from .records import document, entry
from .s3 import Bucket
from .settings import DEFAULT, S3, Custom, HttpJson, Place, Source, SourcesFile, Sql, load_sources
from .sql import Database

__all__ = [
    "Connector",
    "Entry",
    "Record",
    "Source",
    "SourcesFile",
    "connect",
    "document",
    "entry",
    "load_sources",
    "prefix_of",
]


def connect(
    name: str, source: Source, settings: Settings, retrieval: RetrievalFile, pace: Pace | None = None
) -> Connector:
    """The connector of the source ``name``. Raises ``SourceError`` where its settings name what is not there."""
    place, pace, max_bytes = Place(settings, name), pace or Pace(), int(retrieval.max_megabytes * 1_000_000)
    match source:
        case HttpJson():
            return JsonApi(source, place, pace)
        case Sql():
            return Database(source, place, pace)
        case S3():
            return Bucket(source, place, max_bytes, pace)
        case Custom():
            return CustomConnector(source, place)
    raise TypeError(f"no connector for {type(source).__name__}")


def prefix_of(name: str) -> str:
    """What stands before the names of a source's documents: those of the shipped folder go by their path alone."""
    return "" if name in DEFAULT.sources else f"{name}/"
