"""Your use case. Updates of the template never touch this folder."""

from __future__ import annotations

from .assistant import KnowledgeAssistant

__all__ = ["KnowledgeAssistant"]
