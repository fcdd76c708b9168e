"""Snapshots: an index as files that any store can be filled from.

``points.jsonl`` holds a passage a line, ``vectors.f32`` the embeddings in the same order (little-endian float32), and
``snapshot.json``, written last, what they were made with and their digests.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError
from .point import Built, Point

FILES = ("points.jsonl", "vectors.f32")


def write(folder: Path, built: Built, points: Iterable[Point]) -> int:
    """Write ``points`` into the new ``folder``, whole or not at all; returns how many there are."""
    if folder.exists():
        raise ConfigurationError(f"{folder} is there already; name a folder that is not.")
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # left by a process that died here
    new.mkdir(parents=True, mode=0o700)
    count = 0
    with (new / FILES[0]).open("w", encoding="utf-8") as lines, (new / FILES[1]).open("wb") as vectors:
        for count, point in enumerate(points, start=1):  # noqa: B007  counted while written
            fields = {
                "id": point.id,
                "text": point.text,
                "metadata": dict(point.metadata),
                "allow": list(point.allow),
                "deny": list(point.deny),
                "words": [list(point.words), list(point.words.values())],
            }
            lines.write(json.dumps(fields, ensure_ascii=False) + "\n")
            vectors.write(np.asarray(point.dense, dtype="<f4").tobytes())
        for file in (lines, vectors):
            file.flush()
            os.fsync(file.fileno())
    about = {"format": 1, "built": asdict(built), "points": count, "sha256": _digests(new)}
    (new / "snapshot.json").write_text(json.dumps(about), "utf-8")
    new.rename(folder)
    return count


def check(folder: Path) -> Built:
    """What the snapshot was made with. Raises ``ConfigurationError`` where it is not whole."""
    try:
        about = json.loads((folder / "snapshot.json").read_text("utf-8"))
        if about["format"] == 1 and about["sha256"] == _digests(folder):
            return Built(**about["built"])
        problem = "files differ from what was written"
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = f"{type(error).__name__}: {error}"
    raise ConfigurationError(f"{folder} is no whole snapshot ({problem}); take another.")


def read(folder: Path, built: Built) -> Iterator[Point]:
    """The passages of a snapshot that was checked."""
    size = 4 * built.dimensions
    with (folder / FILES[0]).open(encoding="utf-8") as lines, (folder / FILES[1]).open("rb") as vectors:
        for line in lines:
            fields = json.loads(line)
            words = dict(zip(*fields.pop("words"), strict=True))
            yield Point(**fields, words=words, dense=np.frombuffer(vectors.read(size), dtype="<f4").tolist())


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for name in FILES:
        with (folder / name).open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
