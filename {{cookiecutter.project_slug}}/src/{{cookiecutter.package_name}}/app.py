"""Composition root: the one file that knows both your use case and the scaffold."""

from __future__ import annotations

from .knowledge_assistant import KnowledgeAssistant
from .scaffold import cli
from .scaffold.application import Application, open_application
from .scaffold.config import Settings


def build(settings: Settings) -> Application:
    """The use case on the scaffold, for the project that ``settings`` names."""
    return open_application(settings, KnowledgeAssistant, service=__package__ or "app")


def main() -> None:
    """The command line."""
    cli.run(build)


if __name__ == "__main__":
    main()
