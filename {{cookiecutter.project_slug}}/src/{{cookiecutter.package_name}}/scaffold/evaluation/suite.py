"""Suites: which cases are run, how, and what the results must reach."""

from __future__ import annotations

import re

from pydantic import Field, field_validator, model_validator

from ..config import File, Settings, load_yaml, nearest
from ..errors import UsageError
from .graders import RATES, SHARES


class Threshold(File):
    """What a metric must reach. A metric that no case measures does not reach it."""

    min: float = Field(ge=0, le=1, description="Least mean over the cases.")
    lower_bound: float | None = Field(
        default=None, ge=0, le=1, description="Least lower bound of the 95 % interval; for rates only."
    )


class SuiteFile(File):
    """``evals/suites/NAME.yaml``."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,29}$", description="The file's name without .yaml.")
    dataset: str = Field(description="Cases, as a path below the project's folder.")
    sample: int | None = Field(
        default=None, ge=1, description="So many of the reviewed cases, the same ones each time; all without it."
    )
    k: int = Field(default=5, ge=1, le=100, description="Passages that retrieval metrics look at.")
    concurrency: int = Field(default=4, ge=1, le=64, description="Questions asked at the same time.")
    timeout: float = Field(default=60, gt=0, description="Seconds that one question may take.")
    thresholds: dict[str, Threshold] = Field(min_length=1, description="What each metric must reach.")

    @field_validator("thresholds")
    @classmethod
    def _known(cls, thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
        known = [*RATES, *SHARES]
        for name, threshold in thresholds.items():
            if name not in known:
                raise ValueError(f"there is no metric {name!r}{nearest(name, known)}; known: {', '.join(known)}")
            if name in SHARES and threshold.lower_bound is not None:
                raise ValueError(f"{name} is not a rate and has no lower_bound; set min alone")
        return thresholds

    @model_validator(mode="after")
    def _inside(self) -> SuiteFile:
        if self.dataset.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", self.dataset):
            raise ValueError(f"dataset must be a path below the project's folder, not {self.dataset!r}")
        return self


def load_suite(settings: Settings, name: str) -> SuiteFile:
    """The suite of that name. Raises ``UsageError`` naming the known ones, ``ConfigurationError`` where it is wrong."""
    folder = settings.path("evals", "suites")
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"There is no suite {name!r} in evals/suites{nearest(name, known)}; known: {listed}.")
    suite = load_yaml(folder / f"{name}.yaml", SuiteFile)
    if suite.name != name:
        raise UsageError(f"{folder / name}.yaml calls itself {suite.name!r}; name the file and the suite alike.")
    return suite
