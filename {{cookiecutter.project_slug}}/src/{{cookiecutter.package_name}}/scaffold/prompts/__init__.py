"""Prompts from files: versioned, validated at load, reloaded while running."""

from __future__ import annotations

from .files import Prompt, PromptFile, Prompts
from .parameters import Parameters

__all__ = ["Parameters", "Prompt", "PromptFile", "Prompts"]
