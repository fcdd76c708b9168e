"""Control: what a source hands over is a document only where it fits a contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..access import Access

SKEW = timedelta(days=1)
"""How far ahead a date may lie: a day without a time may have begun elsewhere, and clocks differ."""


class Broken(ValueError):
    """Fields that break a contract, with the reasons; nothing of what they hold."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in reasons.items()))
        self.reasons = reasons


def identifier(value: Any) -> str:
    """A name that reads like a path below its source. Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("must be a text or a whole number")
    name = str(value)
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or name != name.strip() or len(name) > 400:
        raise ValueError("must be plain text of at most 400 characters, without \\")
    if not set(parts).isdisjoint(("", ".", "..")):  # rules of access go by path: none may be walked round
        raise ValueError("must not begin or end with /, nor hold //, . or .. as a part")
    return name


def moment(value: Any) -> datetime:
    """A date or time, in UTC where it names no zone. Raises ``ValueError``."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("must be a date or time as of ISO 8601") from None
    if not isinstance(value, datetime):
        raise ValueError("must be a date or time as of ISO 8601")
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside of the calendar") from None


def not_ahead(value: datetime, now: datetime) -> datetime:
    """``value``, if it does not lie in the future. Raises ``ValueError``."""
    if value > now + SKEW:
        raise ValueError(f"lies more than {SKEW.days} day in the future; a clock is wrong, or the field is another")
    return value


class Record(BaseModel):
    """What every record has to be. A contract of your own is a subclass; its messages must not quote the record."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: str
    """Reads like a path; the access rules of ``data/access.yaml`` see it behind the source's name."""
    text: str
    title: str | None = Field(default=None, max_length=300)
    updated: datetime | None = None
    language: str | None = None
    status: str | None = Field(default=None, max_length=100)
    allow: tuple[str, ...] | None = None
    """Who may see it; None where the source does not say, and the rules decide."""
    deny: tuple[str, ...] | None = None
    """Who may not, whatever is allowed."""

    @property
    def access(self) -> Access | None:
        """Who may see it as the source says; None where it says nothing, and the rules decide."""
        if self.allow is None:
            return None
        return Access(tuple(sorted(set(self.allow))), tuple(sorted(set(self.deny or ()))))

    # Methods, and no part of the fields' types: a subclass that narrows a field keeps them.

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("holds half of a character, which no text does")
        return value

    @field_validator("id", mode="before")
    @classmethod
    def _identifier(cls, value: Any) -> str:
        return identifier(value)

    @field_validator("text")
    @classmethod
    def _text(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        if "\0" in value:
            raise ValueError("holds zero bytes, which no text does")
        return value

    @field_validator("updated", mode="before")
    @classmethod
    def _updated(cls, value: Any, info: ValidationInfo[datetime]) -> datetime | None:
        return None if value is None else not_ahead(moment(value), info.context)

    @field_validator("language")
    @classmethod
    def _language(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z]{2}([-_].*)?", value):
            raise ValueError("must be two letters as of ISO 639-1, or a locale that begins so")
        return value and value[:2].lower()

    @field_validator("allow", "deny", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, str):  # of a column: a list in one text
            value = [name.strip() for name in value.split(",") if name.strip()]
        return tuple(value) if isinstance(value, list) else value

    @field_validator("allow", "deny")
    @classmethod
    def _principals(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if not re.fullmatch(r"(group|user):\S(.*\S)?", name) or not name.isprintable():
                raise ValueError("each name must be group:NAME or user:NAME")
        return names

    @model_validator(mode="after")
    def _both(self) -> Self:
        if self.deny is not None and self.allow is None:
            raise ValueError("deny needs allow beside it: lists of the source's own go before the rules")
        return self

    @field_validator("allow")
    @classmethod
    def _somebody(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if not names:
            raise ValueError("names nobody, so nobody could see it")
        return names


def check(contract: type[Record], values: Mapping[str, Any], now: datetime) -> Record:
    """The record that ``values`` are. Raises ``Broken``."""
    try:
        return contract.model_validate(values, context=now)
    except ValidationError as error:
        reasons: dict[str, str] = {}
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            field = str(each["loc"][0]) if each["loc"] else "record"
            reason = "is missing" if each["type"] == "missing" else each["msg"].removeprefix("Value error, ")
            reasons.setdefault(field, reason[:1].lower() + reason[1:])
        raise Broken(reasons) from None
