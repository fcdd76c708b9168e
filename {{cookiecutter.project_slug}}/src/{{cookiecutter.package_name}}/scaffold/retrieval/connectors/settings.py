"""The shape of ``config/sources.yaml``: where documents come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from ...config import File, Settings, load_yaml

WHERE = "config/sources.yaml"


class Source(File):
    """What every source has."""

    fresh_within_hours: float = Field(
        default=24, gt=0, description="Oldest that a change may be before it must be in the index."
    )
    full_every_hours: float = Field(
        default=24, ge=0, description="How often a source that can list changes is listed as a whole all the same."
    )


class Files(Source):
    """A folder of files."""

    kind: Literal["files"]
    folder: str = Field(default="data/documents", description="Below the project's folder, or absolute.")


class SourcesFile(File):
    """``config/sources.yaml``: every source by its name, which stands before the names of its documents."""

    sources: dict[str, Files] = Field(min_length=1, description="Sources by name.")


DEFAULT = SourcesFile(sources={"documents": Files(kind="files")})
"""Where there is no file: the folder that the project ships with."""


def load_sources(settings: Settings) -> SourcesFile:
    """The sources of the project. Raises ``ConfigurationError`` where the file is wrong."""
    path = settings.path(*Path(WHERE).parts)
    return load_yaml(path, SourcesFile) if path.exists() else DEFAULT
