"""Drift: false alarms without any, and what is seen of it; made in a fresh project, by `inside/drift.py` there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from demo import make  # noqa: E402
from render import render  # noqa: E402


def main() -> int:
    project = render("default", ROOT / "build" / "bench")
    try:
        make(project, "setup")
        python = project / ".venv" / "bin" / "python"
        inside = Path(__file__).parent / "inside" / "drift.py"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("APP_", "OTEL_"))}
        subprocess.run([python, inside, *sys.argv[1:]], cwd=project, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        print(f"\n`{error.cmd}` failed; its output is above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
