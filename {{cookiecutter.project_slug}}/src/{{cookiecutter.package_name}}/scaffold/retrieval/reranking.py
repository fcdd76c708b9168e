"""Searching with the project's own reranker, a function that ``config/retrieval.yaml`` may name."""

from __future__ import annotations

import importlib
import logging
import math
import traceback
from collections.abc import Callable, Sequence

from ..config import nearest
from ..errors import ConfigurationError
from ..governance.principal import Principal
from ..observability import Telemetry
from ..observability.names import RERANKS
from .chunking import in_context
from .settings import RetrievalFile
from .stores import Hit, Store
from .stores.point import Where

Reranker = Callable[[str, Sequence[str]], Sequence[float]]
"""From a question and passages to a number for each: the higher, the better it answers."""

SEEN = 4
"""A reranker is shown so many times the passages that are wanted."""

_log = logging.getLogger(__name__)


def find_reranker(name: str) -> Reranker:
    """The function ``package.module:function``. Raises ``ConfigurationError`` where there is none."""
    module, _, function = name.partition(":")
    try:
        found = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  a module may fail in any way when it is imported
        raise ConfigurationError(
            f"config/retrieval.yaml: reranker: {module} cannot be imported ({type(error).__name__}: {error})."
        ) from None
    reranker = getattr(found, function, None)
    if not callable(reranker):
        close = nearest(function, [other for other in vars(found) if callable(getattr(found, other))])
        raise ConfigurationError(f"config/retrieval.yaml: reranker: {module} has no function {function!r}{close}.")
    return reranker  # type: ignore[no-any-return]


def ranked_hits(
    store: Store,
    query: str,
    caller: Principal | None,
    k: int,
    settings: RetrievalFile,
    telemetry: Telemetry,
    where: Where | None = None,
) -> list[Hit]:
    """The ``k`` best passages of ``store`` that ``caller`` may see, in the reranker's order where there is one.

    The reranker is shown passages that the caller may see, and no others. Where it fails, the fused order stays, and
    the log and a metric say so. Raises ``ConfigurationError`` where there is no such reranker.
    """
    weight, diversity = settings.words_weight, settings.diversity
    if settings.reranker is None:
        return store.hits(query, caller, k, weight, where, diversity)
    reranker = find_reranker(settings.reranker)
    hits = store.hits(query, caller, SEEN * k, weight, where, diversity)
    if not hits:
        return []
    metadata = [hit.document.metadata for hit in hits]
    texts = [
        in_context(about.get("title", ""), about.get("section", ""), hit.document.page_content)
        for about, hit in zip(metadata, hits, strict=True)
    ]
    try:
        scores = [float(score) for score in reranker(query, texts)]
    except Exception as error:  # noqa: BLE001  whatever happens in it, the question is answered
        at = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__} at {at.filename}:{at.lineno}"  # its message may quote a passage
    else:
        problem = "" if len(scores) == len(hits) else f"{len(scores)} numbers for {len(hits)} passages"
        problem = problem or ("" if all(map(math.isfinite, scores)) else "a number that is none")
    telemetry.count(RERANKS, outcome="failed" if problem else "reranked")
    if problem:
        _log.warning("The reranker %s failed (%s); passages stay in fused order.", settings.reranker, problem)
        return hits[:k]
    best = sorted(range(len(hits)), key=lambda at: -scores[at])  # equals stay in fused order
    return [hits[at] for at in best[:k]]
