"""The shape of ``config/quality.yaml``, and of what a stage demands of the data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...config import File, Settings, load_yaml
from .kinds import KINDS, KindName

WHERE = "config/quality.yaml"


class QualityFile(File):
    """``config/quality.yaml``: from when on something counts as a defect. Every field has a default."""

    near_duplicate: float = Field(
        default=0.7, ge=0.6, le=1, description="Near duplicates share at least this part of their three-word sequences."
    )
    max_age_days: int = Field(default=1095, ge=1, description="Older documents are outdated.")
    timeless: list[str] = Field(
        default=[], description="Names of documents that do not become outdated, such as minutes/*; * crosses folders."
    )
    date_tolerance_days: int = Field(
        default=31, ge=0, description="Dates of one document that lie further apart contradict each other."
    )
    min_words: int = Field(default=4, ge=1, description="Documents of fewer words are empty.")
    max_characters: int = Field(default=300_000, ge=1000, description="Longer documents are too large.")
    max_table_rows: int = Field(
        default=200, ge=10, description="A document of more rows than this, and little else, is a table dump."
    )
    mixed_share: float = Field(
        default=0.2, gt=0, le=0.5, description="Least part in another language that makes a document mixed."
    )
    everyone: list[str] = Field(default=["everyone"], description="Groups that everyone is in.")
    wide_share: float = Field(
        default=0.8, gt=0, le=1, description="An access list that lets this part of all callers in counts as everyone."
    )
    confidential_words: list[str] = Field(
        default=["confidential", "vertraulich", "geheim", "secret"],
        description="A path, a status, a title or a line at the top that is marked with one of these is confidential.",
    )
    contacts: int = Field(
        default=10, ge=1, description="So many addresses and telephone numbers are a list of people, not a contact."
    )


def load_quality(settings: Settings) -> QualityFile:
    """``config/quality.yaml``; the defaults where there is none. Raises ``ConfigurationError`` where it is wrong."""
    path = settings.path(WHERE)
    return load_yaml(path, QualityFile) if path.exists() else QualityFile()


class DataRequired(File):
    """What the newest data check must be, for a stage of ``governance/stages.yaml``."""

    max_age_hours: float = Field(default=168, gt=0, description="Oldest check that still counts.")
    largest_share: dict[KindName, Annotated[float, Field(ge=0, le=1)]] = Field(
        default={}, description="Largest share of a source's documents with a defect, 0 to 1, by kind."
    )

    def limit(self, kind: KindName) -> float:
        """The largest share for ``kind``, the default where the stage does not say."""
        return self.largest_share.get(kind, KINDS[kind].limit)
