"""Who asks: callers, their groups, and the directory that the project ships with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, Field

from ..config import File, nearest
from ..errors import UsageError


@dataclass(frozen=True)
class Principal:
    """A caller with their groups. Without groups, nothing that is limited to groups is seen."""

    id: str
    groups: frozenset[str] = field(default_factory=frozenset)
    locale: str = "en"

    @property
    def names(self) -> frozenset[str]:
        """What access lists call this caller: ``user:ID`` and ``group:NAME`` for each group."""
        return frozenset({f"user:{self.id}", *(f"group:{name}" for name in self.groups)})


def access_name(name: str) -> str:
    """``name``, where it is one that access lists may hold. Raises ``ValueError``: what nobody is called never fits."""
    kind, _, rest = name.partition(":")
    if kind not in ("group", "user") or not rest or rest != rest.strip():
        raise ValueError(f"{name!r} must be group:NAME or user:NAME")
    return name


def _bare(name: str) -> str:
    if name.startswith(("group:", "user:")) or not name or name != name.strip():
        raise ValueError(f"{name!r} must be the name of a group alone, without group: or blanks around it")
    return name


class Caller(File):
    """One entry of the directory."""

    name: str = Field(description="The person's name, as shown on the page.")
    groups: list[Annotated[str, AfterValidator(_bare)]] = Field(default=[], description="Groups that the person is in.")
    locale: str = Field(default="en", description="Language of prompts and messages for this person.")


AccessName = Annotated[str, AfterValidator(access_name)]


class Rule(File):
    """Who may see the documents whose path matches."""

    path: str = Field(description="Path below data/documents; * within a folder, ** across folders.")
    allow: list[AccessName] = Field(description="group:NAME or user:NAME that may see them.")
    deny: list[AccessName] = Field(default=[], description="group:NAME or user:NAME that may not, whatever is allowed.")


class AccessFile(File):
    """``data/access.yaml``: the directory of callers, and who may see which documents."""

    callers: dict[str, Caller] = Field(description="Who may ask: the shipped directory.")
    rules: list[Rule] = Field(description="First match wins; a document that no rule names is visible to nobody.")


class Directory:
    """Callers by name, from ``data/access.yaml``."""

    def __init__(self, callers: dict[str, Caller]) -> None:
        self.callers = callers

    def get(self, name: str) -> Principal:
        """The caller of that name. Raises ``UsageError`` naming who is known."""
        caller = self.callers.get(name)
        if caller is None:
            known = ", ".join(sorted(self.callers)) or "nobody"
            raise UsageError(
                f"There is no caller {name!r} in data/access.yaml{nearest(name, self.callers)}; known: {known}."
            )
        return Principal(name, frozenset(caller.groups), caller.locale)
