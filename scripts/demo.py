"""From nothing to a gate result: make a project with the default answers, install it, run its own demo."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from render import ROOT, render

FOLDER = ROOT / "build" / "demo"


def step(title: str, do: Callable[[], object]) -> None:
    print(f"\n== {title}", flush=True)
    start = time.monotonic()
    do()
    print(f"== {title}: {time.monotonic() - start:.1f} s", flush=True)


def make(project: Path, target: str) -> None:
    """Run a target of the project as its user would, without this repository's environment in the way."""
    ours = {"MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV"}
    inherited = {key: value for key, value in os.environ.items() if key not in ours}
    subprocess.run(["make", "--no-print-directory", target], cwd=project, env=inherited, check=True)


def main() -> int:
    start = time.monotonic()
    project = FOLDER / "acme-assistant"
    try:
        step("1/3 make a project", lambda: render("default", FOLDER))
        step("2/3 install it", lambda: make(project, "setup"))
        step("3/3 index, ask, evaluate, gate", lambda: make(project, "demo"))
    except subprocess.CalledProcessError as error:
        print(f"\n`{' '.join(error.cmd)}` failed in {project.relative_to(ROOT)}; its output is above.", file=sys.stderr)
        return 1
    print(f"\nDone in {time.monotonic() - start:.0f} s. See it in the browser:")
    print(f"  cd {project.relative_to(ROOT)} && make run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
