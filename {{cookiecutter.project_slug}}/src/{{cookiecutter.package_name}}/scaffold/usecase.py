"""What a use case is to the scaffold: something that answers a caller's question, with citations."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, Field, JsonValue

from .governance.principal import Principal


class Citation(BaseModel):
    """A passage that an answer rests on."""

    number: int = Field(description="The [n] in the answer.")
    source: str = Field(description="The document's path below data/documents.")
    title: str
    passage: str = Field(description="The text of the passage, as indexed.")
    score: float = Field(description="Fused retrieval score; higher is nearer.")
    updated: str | None = Field(default=None, description="Date of the document, ISO 8601.")
    sha256: str = Field(description="Digest of the document's bytes when it was indexed.")
    ids: list[str] = Field(
        default=[], description="Passages of the index that it shows; what comes back by them is checked anew."
    )


class Usage(BaseModel):
    """Tokens of one answer; None where the model does not report them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = Field(default=None, description="US dollars for all calls, at most; None without a price.")
    seconds: float | None = Field(default=None, description="From the question to the answer.")


class Answer(BaseModel):
    """An answer, or a refusal, with everything needed to trace it back."""

    answer: str
    citations: list[Citation] = []
    fields: dict[str, JsonValue] = Field(default={}, description="What a use case answers that extracts or classifies.")
    confidence: float = Field(ge=0, le=1, description="How well the citations carry the answer and fit the question.")
    refused: bool = False
    model: str = Field(description="provider/model that wrote it, or 'none' where no model was asked.")
    prompt: str = Field(description="name.locale@version of the prompt.")
    usage: Usage = Usage()
    trace_id: str


class UseCase(Protocol):
    """The one door through which serving, evaluation and readiness drive a use case.

    A use case may have a ``name``, which reports of cost show; without one it is the name of its class.
    """

    async def ask(self, question: str, caller: Principal) -> Answer:
        """Answer ``question`` with what ``caller`` may see; refuse where that holds no answer."""
        ...


def name_of(usecase: UseCase) -> str:
    """What reports call a use case. No member of the protocol, so that a use case without a name remains one."""
    return str(getattr(usecase, "name", "") or type(usecase).__name__)
