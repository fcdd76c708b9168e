"""What a measurement was made on, by SHA-256, so that a gate can tell whether it still holds."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .application import Application

COMPARED = ("code", "models", "prompts", "dataset", "index", "policy")
"""The parts that must be the same; ``commit`` is for people, since uncommitted work is measured too."""

PACKAGE = Path(__file__).resolve().parents[1]


def fingerprint(application: Application, dataset: Path) -> dict[str, str]:
    """Digests of everything that decides how ``application`` answers the cases of ``dataset``, as it is now.

    ``index`` names the documents as indexed, how they are searched and who may see them; ``policy`` also the words that
    nobody wants to be answered with.
    """
    root = application.settings.root
    roles = sorted(application.models.roles)
    return {
        "code": digest_files(PACKAGE, (path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)),
        "models": _digest(f"{role}:{application.models.describe(role).sha256}" for role in roles),
        "prompts": digest_files(root, root.joinpath("config/prompts").rglob("*")),
        "dataset": digest_files(dataset.parent, [dataset]),
        "index": _digest(
            [
                application.index.digest(),
                digest_files(root, [root / "config/retrieval.yaml", root / "data/access.yaml"]),
            ]
        ),
        "policy": digest_files(root, [root / "governance/policy.yaml", root / "evals/toxicity.txt"]),
        "commit": commit(root),
    }


def digest_files(root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 over names (below ``root``) and contents of the files among ``paths``; folders are left out."""
    files = sorted(path for path in paths if path.is_file())
    named = ((path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    return _digest(f"{name}:{digest}" for name, digest in named)


def commit(root: Path) -> str:
    """The commit that is checked out at ``root``, with ``-dirty`` where tracked files differ; ``none`` without git."""
    git = shutil.which("git")
    if git is None:
        return "none"
    command = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return described.stdout.strip() if described.returncode == 0 else "none"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
