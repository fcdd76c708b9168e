"""The shape of ``governance/stages.yaml``: what a project must show before it may call itself fit for a stage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..config import File, Settings, load_yaml, nearest
from ..errors import UsageError
from ..retrieval.quality import DataRequired

CheckName = Literal[
    "access", "audit", "card", "conflicts", "data", "evaluation", "freshness", "owner", "personal_data", "reload"
]


class EvaluationRequired(File):
    """What the newest evaluation run must be."""

    suite: str = Field(description="Name of a file in evals/suites.")
    min_cases: int = Field(ge=1, description="Fewest reviewed cases.")
    max_age_hours: float = Field(gt=0, description="Oldest run that still counts.")
    min_cases_per_slice: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={}, description="Fewest reviewed cases with a tag, or of a locale as in 'locale:de'."
    )
    baseline: Literal["optional", "required"] = Field(
        default="optional", description="required: the run is held against an accepted baseline, by some margin."
    )
    live: bool = Field(default=False, description="Whether models must have been asked, not a recording replayed.")


class Stage(File):
    """One stage: its evaluation, its data, and the checks that must all pass."""

    evaluation: EvaluationRequired
    data: DataRequired = Field(default=DataRequired(), description="What the newest data check must be.")
    checks: list[CheckName] = Field(min_length=1, description="Checks that must all pass.")

    @field_validator("checks")
    @classmethod
    def _once(cls, checks: list[CheckName]) -> list[CheckName]:
        for name in checks:
            if checks.count(name) > 1:
                raise ValueError(f"{name!r} is listed twice")
        return checks


class StagesFile(File):
    """``governance/stages.yaml``."""

    stages: dict[str, Stage] = Field(
        min_length=1, description="Stages by name, in the order that a project takes them."
    )


def load_stage(settings: Settings, name: str) -> Stage:
    """The stage of that name. Raises ``UsageError`` naming the known ones, ``ConfigurationError`` for a wrong file."""
    stages = load_yaml(settings.path("governance", "stages.yaml"), StagesFile).stages
    if name not in stages:
        known = ", ".join(stages)
        raise UsageError(
            f"There is no stage {name!r} in governance/stages.yaml{nearest(name, stages)}; known: {known}."
        )
    return stages[name]
