"""What the system is for, and what it is not for: ``governance/intended_use.yaml``."""

from __future__ import annotations

from pydantic import Field

from ..config import File
from .ownership import placeholder


class IntendedUseFile(File):
    """What people promise of the system. The system card sets it beside what was measured."""

    purpose: str = Field(description="What it is for, in a sentence.")
    users: list[str] = Field(min_length=1, description="Who asks it.")
    uses: list[str] = Field(min_length=1, description="What they may rely on it for.")
    out_of_scope: list[str] = Field(min_length=1, description="What it must not be used for.")
    oversight: str = Field(description="What a person checks before somebody relies on an answer.")


def unwritten(intended: IntendedUseFile) -> list[str]:
    """The fields that say nothing yet; empty where all of it is written."""
    return [
        name
        for name, value in intended
        if any(not each.strip() or placeholder(each) for each in ([value] if isinstance(value, str) else value))
    ]
