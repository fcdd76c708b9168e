"""Prompts from files: versioned, validated at load, reloaded while running."""

from __future__ import annotations

from .files import Prompt, PromptFile, Prompts

__all__ = ["Prompt", "PromptFile", "Prompts"]
