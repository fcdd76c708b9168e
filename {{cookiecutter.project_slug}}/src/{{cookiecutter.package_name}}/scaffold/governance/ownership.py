"""Who answers for the service: ``governance/ownership.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, Field

from ..config import File


class Contact(File):
    """A person or a team that answers mail."""

    name: str = Field(description="Name of the person or team.")
    email: str = Field(description="Address that somebody reads.")


class OnCall(File):
    """Who is called when an alert fires."""

    schedule: str = Field(description="Where it is written who is on call, or the hours of a team without a rota.")
    contact: str = Field(description="Address, number or channel that reaches them.")


class OwnershipFile(File):
    """Who owns the service, who is asked next, and who owns its purpose. CODEOWNERS names the same team."""

    service_owner: Contact = Field(description="The team that runs the service and merges its changes.")
    escalation: Contact = Field(description="Who decides when the owner does not answer.")
    repository: str = Field(default="", description="Where the source lives.")
    business_owner: Contact | None = Field(
        default=None, description="Who wants the outcome and pays for it; the pilot stage asks for one."
    )
    on_call: OnCall | None = Field(default=None, description="Who is called; the production stage asks for it.")


_EMPTY_WORDS = re.compile(
    r"\W*(?:tb[adc]|to ?do|fix ?me|x{2,}|n/?a|none|nobody|no one|some(?:one|body)|unknown|change[-_ ]?me|place ?holder|"
    r"your[-_ ].*|(?:the )?(?:name|team|owner|e-?mail)|(?:john|jane) doe|max mustermann|<.*>|\[.*\])?\W*",
    re.IGNORECASE,
)
# RFC 2606 section 2 and 3: names that never belong to anybody.
_RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.(?:com|org|net))?|invalid)$", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def placeholders(ownership: OwnershipFile) -> list[str]:
    """What in the file names nobody: each as ``field: what is wrong with it``; empty where all of it is filled.

    A section that is not there yet (``business_owner``, ``on_call``) is not reported: the stage that needs it asks.
    """
    return [f"{field}: {problem}" for field, value in _fields(ownership) if (problem := _problem(field, value))]


def placeholder(value: str) -> bool:
    """Whether ``value`` stands for something that is still to be written."""
    return bool(_EMPTY_WORDS.fullmatch(value) or _RESERVED.search(value.strip()))


def _fields(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in model:
        if isinstance(value, BaseModel):
            yield from _fields(value, f"{prefix}{name}.")
        elif isinstance(value, str) and prefix:
            yield prefix + name, value


def _problem(field: str, value: str) -> str | None:
    if not value.strip():
        return "is empty"
    if placeholder(value):
        return f"{value!r} is a placeholder"
    if field.endswith(".email") and not _EMAIL.fullmatch(value.strip()):
        return f"{value!r} is not an e-mail address"
    return None
