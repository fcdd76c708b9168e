"""The store that ``config/retrieval.yaml`` chooses."""

from __future__ import annotations

import os
import re
from pathlib import Path

from langchain_core.embeddings import Embeddings

from ...errors import ConfigurationError
from ...governance.principal import Principal
from ..settings import Edge, Qdrant, RetrievalFile
from .analysis import Analyser
from .edge import EdgeVectorStore
from .port import Store


def open_store(
    settings: RetrievalFile,
    name: str,
    embeddings: Embeddings,
    analyser: Analyser,
    var: Path,
    caller: Principal | None = None,
) -> Store:
    """The index ``name`` in the store that ``settings`` choose; nothing is connected to, made or locked yet.

    ``name``: letters, digits and _. It is the folder ``var/index/NAME``, the collection ``PREFIX-NAME`` or the table
    ``PREFIX_NAME``. Raises ``ConfigurationError`` where a package or an environment variable is missing.
    """
    if not re.fullmatch(r"[A-Za-z0-9_]{1,20}", name):
        raise ValueError(f"{name!r} is no name of an index")
    chosen = settings.store
    if isinstance(chosen, Edge):
        return EdgeVectorStore(var / "index" / name, embeddings, analyser, caller)
    try:
        if isinstance(chosen, Qdrant):
            from .qdrant import QdrantStore, connect

            key = _secret(chosen.api_key_env) if chosen.api_key_env else None
            client = connect(chosen.url, key, chosen.timeout_seconds)
            return QdrantStore(client, f"{chosen.prefix}-{name}", embeddings, analyser, caller, chosen.url)
        from .postgres import PostgresStore

        url = _secret(chosen.url_env)
        return PostgresStore(url, f"{chosen.prefix}_{name}", embeddings, analyser, caller)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The store {chosen.kind} needs the package {error.name}, which is not installed; "
            f"run: make setup EXTRAS={chosen.kind} (or: pip install '.[{chosen.kind}]')."
        ) from error


def _secret(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"config/retrieval.yaml names the environment variable {name} in store, but it is not set; set it."
        )
    return value
