"""``config/drift.yaml``: what is compared with what, and how long that is kept."""

from __future__ import annotations

from pydantic import Field

from ..config import File, Settings, load_yaml

WHERE = "config/drift.yaml"


class DriftFile(File):
    """Shape of ``config/drift.yaml``; a project may do without."""

    window: int = Field(
        default=1000, ge=100, le=100_000, description="So many of the newest answers are compared with the reference."
    )
    least: int = Field(
        default=500, ge=20, le=100_000, description="Below so many answers, in either, nothing is said of drift."
    )
    days: int = Field(default=28, ge=1, le=366, description="Answers older than this are no longer recent.")
    reference: int = Field(
        default=5000, ge=100, le=100_000, description="Of an accepted period, at most so many of its last answers."
    )
    false_alarms: float = Field(
        default=0.01, gt=0, le=0.2, description="Chance of an alarm, over all features, where nothing drifts."
    )
    minor: float = Field(
        default=0.01, ge=0, le=1, description="However certain, a PSI (less its bias) below this is no alarm."
    )
    major: float = Field(default=0.25, gt=0, le=10, description="PSI, less its bias, from which on a drift is major.")
    keep_days: int = Field(default=400, ge=1, le=3660, description="Rows of older answers are deleted.")


def load_drift(settings: Settings) -> DriftFile:
    """The project's file, or the defaults. Raises ``ConfigurationError`` for a mistake in it."""
    path = settings.path(WHERE)
    return load_yaml(path, DriftFile) if path.exists() else DriftFile()
