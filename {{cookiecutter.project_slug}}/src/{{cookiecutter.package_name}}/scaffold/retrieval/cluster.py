"""Documents read on a Ray cluster (extra ``ray``): the one that ``RAY_ADDRESS`` names, else one on this machine."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from .settings import RetrievalFile
from .workers import Workers, alarm

if TYPE_CHECKING:
    from .documents import Raw
    from .processing import Processed

AHEAD = 8
"""Batches a core that are in the cluster's memory at a time."""


def run(
    batches: Iterable[Sequence[Raw]], settings: RetrievalFile, workers: Workers[Raw, Processed]
) -> Iterator[list[Processed]]:
    """Each batch's results, in order. Batches among which a document ends its process are done again by ``workers``.

    Raises ``ConfigurationError`` where Ray is not installed or no cluster can be reached.
    """
    ray = _started()
    source = iter(batches)
    while window := list(islice(source, AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1))))):
        rows = [{"number": number, "batch": pickle.dumps(list(batch))} for number, batch in enumerate(window)]
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _read, batch_size=1, fn_kwargs={"settings": settings}, ray_remote_args_fn=_once
        )
        try:
            done = {row["number"]: row["processed"] for row in data.take_all()}
        except ray.exceptions.RayError:
            yield from workers.run(window)
        else:
            yield from (pickle.loads(done[number]) for number in range(len(window)))  # noqa: S301  our own


def _read(rows: dict[str, Any], settings: RetrievalFile) -> dict[str, Any]:
    from .processing import process_one

    processed = []
    for raw in pickle.loads(rows["batch"][0]):  # noqa: S301  our own
        alarm(settings.limits.seconds)
        processed.append(process_one(raw, settings))
        alarm(0)
    return {"number": rows["number"], "processed": [pickle.dumps(processed)]}


def _once() -> dict[str, Any]:
    return {"max_retries": 0}


def _started() -> Any:
    # Ray reports its use to its makers unless told not to, and would copy the project's folder to each process.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    here = not os.environ.get("RAY_ADDRESS")
    if here:  # whatever the system: a Ray that is not to be a cluster listens on the loopback address only
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
        import ray.data
    except ImportError:
        raise ConfigurationError(
            "config/retrieval.yaml says workers: ray, but Ray is not installed; install the extra 'ray', or set "
            "workers: auto."
        ) from None
    if not ray.is_initialized():
        local: dict[str, Any] = {}
        if here:
            paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            local = {"address": "local", "include_dashboard": False, "runtime_env": {"env_vars": paths}}
        try:
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **local)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigurationError(f"No Ray cluster can be reached ({' '.join(str(error).split())[:200]}).") from None
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what went wrong is said in our words
    return ray


def stop() -> None:
    """Let go of the cluster; one on this machine ends."""
    if ray := sys.modules.get("ray"):
        ray.shutdown()
