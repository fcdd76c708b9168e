"""A fresh project, installed, and a measurement inside it with the project's own Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from demo import make  # noqa: E402
from render import render  # noqa: E402


def measured(script: str, given: Sequence[str] = (), prepare: Callable[[Path], None] | None = None) -> int:
    """Run ``inside/SCRIPT`` in a new project, with ``given`` and then this command's own arguments; the exit code.

    ``prepare`` gets the installed project first. The script can import the project's tests; no setting of this shell
    reaches it.
    """
    try:
        project = render("default", ROOT / "build" / "bench")
        make(project, "setup")
        if prepare:
            prepare(project)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("APP_", "OTEL_"))}
        environment["PYTHONPATH"] = str(project)
        python, inside = project / ".venv" / "bin" / "python", ROOT / "benchmarks" / "inside" / script
        subprocess.run([python, inside, *given, *sys.argv[1:]], cwd=project, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        print(f"\n`{error.cmd}` failed; its output is above.", file=sys.stderr)
        return 1
    return 0
