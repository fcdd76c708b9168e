"""The command line's commands, a file a family; each has ``register(app, shell)``."""

from . import card, data, drift, evaluation, ingest, quarantine, reindex
from .shell import Json, Offline, Shell

EVERY = (card, data, drift, evaluation, ingest, quarantine, reindex)
"""In no order: help lists commands as typer does."""

__all__ = ["EVERY", "Json", "Offline", "Shell"]
