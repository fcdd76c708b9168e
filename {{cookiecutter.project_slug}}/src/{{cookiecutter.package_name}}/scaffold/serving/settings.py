"""``config/service.yaml``: where the service listens, its limits, and what its page shows."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ..application import QUESTION_MAX_CHARACTERS
from ..config import File, Settings, load_yaml
from ..governance.groups import FromFile, FromToken, Lookup
from ..live import LastGood, Live
from .tokens import TokensRule

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ServiceFile(File):
    """Shape of ``config/service.yaml``."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; anything but loopback needs APP_API_KEYS."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    title: Line = Field(default="Assistant", description="Name of the assistant, on the page.")
    examples: list[Line] = Field(default=[], max_length=6, description="Questions that the page offers to start with.")
    question_max_characters: int = Field(
        default=2000,
        ge=1,
        le=QUESTION_MAX_CHARACTERS,
        description="Longer questions are refused before anything is searched or sent.",
    )
    request_timeout_seconds: float = Field(
        default=75,  # longer than a role's deadline, so that the model's own error, which says more, comes first
        gt=0,
        le=600,
        description="A question that takes longer is given up and answered with 503.",
    )
    tokens: TokensRule | None = Field(
        default=None, description="Bearer tokens that are accepted beside APP_API_KEYS; read at the start only."
    )
    groups: Lookup = Field(
        default=FromFile(), description="Where the groups of callers are looked up; read at the start only."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What the log holds.")

    @model_validator(mode="after")
    def _tokens_for_their_groups(self) -> Self:
        if isinstance(self.groups, FromToken) and self.tokens is None:
            raise ValueError("groups come from tokens (kind: token), but no tokens are accepted; add tokens")
        return self


def follow(settings: Settings, live: Live | None = None) -> LastGood[ServiceFile]:
    """``config/service.yaml`` of the project, read anew when it changes. Raises ``ConfigurationError``."""
    path = settings.path("config", "service.yaml")
    return LastGood(lambda: [path], lambda: load_yaml(path, ServiceFile), "config/service.yaml", live)
