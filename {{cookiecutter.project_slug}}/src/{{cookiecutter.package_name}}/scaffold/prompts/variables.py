"""What a prompt takes: its variables, and what each may be."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..config import File

TYPES: dict[str | None, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "list": (list, tuple),
    None: object,
}


class Variable(File):
    """A variable of a prompt."""

    type: Literal["string", "integer", "number", "boolean", "list"] | None = Field(
        default=None, description="What it must be; anything where this is left out."
    )
    description: str = Field(default="", description="What it holds.")
    max_characters: int | None = Field(default=None, gt=0, description="Longest text; for the type string.")
    default: Any = Field(default=None, description="Taken where code gives none; without it the variable is required.")

    @field_validator("max_characters")
    @classmethod
    def _of_a_text(cls, most: int | None, info: ValidationInfo) -> int | None:
        if most is not None and "type" in info.data and info.data["type"] != "string":
            raise ValueError("is for the type string")
        return most

    @field_validator("default")
    @classmethod
    def _fits(cls, default: Any, info: ValidationInfo) -> Any:
        if "type" in info.data and (wrong := _wrong(default, info.data["type"])):
            raise ValueError(wrong)
        if too_long := _too_long(default, info.data.get("max_characters")):
            raise ValueError(too_long)
        return default

    @property
    def required(self) -> bool:
        """Whether code must give it."""
        return "default" not in self.model_fields_set

    @property
    def contract(self) -> tuple[object, ...]:
        """All that code and other locales rely on."""
        return self.type, self.max_characters, self.required, self.default

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value's type, if anything is."""
        return _wrong(value, self.type)

    def too_long(self, value: Any) -> str | None:
        """By how much a value is too long, if it is."""
        return _too_long(value, self.max_characters)


def by_name(given: Any) -> Any:
    """A list of names stands for variables that may be anything."""
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return {name: {} for name in given}
    return given


def _wrong(value: Any, kind: str | None) -> str | None:
    truth = isinstance(value, bool) and kind in ("integer", "number")  # which Python counts among the numbers
    if isinstance(value, TYPES[kind]) and not truth:
        return None
    return f"must be of the type {kind}, not {type(value).__name__}"


def _too_long(value: Any, most: int | None) -> str | None:
    if most is None or len(value) <= most:
        return None
    return f"has {len(value)} characters; at most {most} are allowed"
