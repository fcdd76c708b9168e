"""How long a render takes, as a ratio to the time in which the same engine only prints its version.

Both are measured in one run on one machine, so that the ratio means the same elsewhere.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
ROUNDS = 7


def seconds(*command: str | Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([str(part) for part in command], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "genai-template"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(template)], check=True)
        commands: dict[str, list[str | Path]] = {
            "cookiecutter": [TOOLS / "cookiecutter", "--no-input", template],
            "copier": [TOOLS / "copier", "copy", "--defaults", "--vcs-ref", "HEAD", template, "acme-assistant"],
        }
        print(f"{'engine':<14}{'version':>10}{'render':>10}{'ratio':>8}   median of {ROUNDS}")
        for engine, command in commands.items():
            idle = statistics.median(seconds(TOOLS / engine, "--version") for _ in range(ROUNDS))
            busy = statistics.median(seconds(*command) for _ in range(ROUNDS))
            print(f"{engine:<14}{idle:>8.2f} s{busy:>8.2f} s{busy / idle:>8.1f}")


if __name__ == "__main__":
    main()
