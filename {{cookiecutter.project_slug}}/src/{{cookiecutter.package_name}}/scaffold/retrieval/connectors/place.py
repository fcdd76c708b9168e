"""Where a source stands in its file, which sentences about it begin with, and its secrets."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from ...config import Settings, locate
from ...errors import SourceError
from .settings import WHERE


class Place:
    """Where a source stands in the file: what a sentence about it begins with."""

    def __init__(self, settings: Settings, name: str) -> None:
        """``name``: the source's."""
        self.name, self._path = name, settings.path(*Path(WHERE).parts)

    def __call__(self, *field: str | int) -> str:
        """``path:line: sources.name.field``."""
        try:
            return locate(self._path, self._path.read_text("utf-8"), "sources", self.name, *field)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):  # gone or changed since it was read
            return f"{self._path}: {'.'.join(map(str, ('sources', self.name, *field)))}"

    def secret(self, variable: str, *field: str | int) -> str:
        """The value of an environment variable that ``field`` names. Raises ``SourceError`` where it has none."""
        value = os.environ.get(variable, "").strip()
        if not value.isprintable() or not value:
            what = "holds what cannot be typed" if value else "is not set"
            raise SourceError(f"{self(*field)}: the environment variable {variable} {what}; set it, or put it in .env.")
        return value
