"""What a protocol module takes and gives, so that the server itself speaks none of them."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field
from typing import Any

MODEL = "loopback-1"
PIECE = 3  # characters of each piece of a stream: placeholders come in several
READ, WRITTEN = 7, 5  # tokens of every call


@dataclass(frozen=True)
class Asked:
    """One request: the text of its last message, or ``texts`` to make vectors of; ``tools`` that it offers."""

    model: str = MODEL
    said: str = ""
    texts: list[str] | None = None
    streamed: bool = False
    tools: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reply:
    """One answer: a text, or a call of ``tool``; ``withheld`` where the vendor's content filter kept it back."""

    model: str
    text: str
    tool: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    withheld: bool = False


class Protocol(typing.Protocol):
    """What each module here has."""

    STREAMED_AS: str
    """The content type of a stream."""
    REFUSED: dict[str, bytes]
    """The bodies of refusals with status 400 that say more than a status, by fault: context_length_exceeded, ..."""
    FAILED_MIDWAY: bytes
    """The piece by which a vendor says in a stream that it cannot go on."""

    def asked(self, path: str, body: dict[str, Any]) -> Asked:
        """What is asked for."""

    def whole(self, reply: Reply) -> bytes:
        """The body of an answer in one."""

    def pieces(self, reply: Reply) -> list[bytes]:
        """The pieces of a streamed answer; the vendor says only in the second half that it has finished."""

    def vectors(self, asked: Asked, vectors: list[list[float]]) -> bytes:
        """The body of an answer with vectors."""

    def refused(self, status: int, message: str) -> bytes:
        """The body that goes with an error's status."""


def parts(text: str) -> list[str]:
    """A text in pieces; none of an empty one."""
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def texts(given: str | list[str]) -> list[str]:
    """What is to be embedded, as a list."""
    return [given] if isinstance(given, str) else given


def text_of(content: Any) -> str:
    """The text of a message, which is a text or a list of blocks; tool results hold further ones."""
    if isinstance(content, list):
        return "".join(text_of(block) for block in content)
    if isinstance(content, dict):
        return text_of(content.get("text") or content.get("content") or "")
    return str(content or "")
