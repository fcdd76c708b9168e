"""Where documents come from. One class a kind of source; see ``port`` for what each can do."""

from __future__ import annotations

from ...config import Settings
from ...errors import SourceError
from ...models.request import Pace
from ..settings import RetrievalFile
from .contract import Record
from .custom import Custom as CustomConnector
from .custom import Unusable
from .files import FileTree
from .http import JsonApi
from .place import Place
from .port import Connector, Entry
from .records import document, entry
from .s3 import Bucket
from .settings import DEFAULT, S3, Custom, Files, HttpJson, Source, SourcesFile, Sql, load_sources
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
    """The connector of the source ``name``. One that cannot be made says so when it is to list something."""
    try:
        return _made(source, Place(settings, name), settings, int(retrieval.max_megabytes * 1_000_000), pace or Pace())
    except SourceError as error:
        return Unusable(error)


def _made(source: Source, place: Place, settings: Settings, max_bytes: int, pace: Pace) -> Connector:
    match source:
        case Files():
            return FileTree(settings.path(source.folder), max_bytes)
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
