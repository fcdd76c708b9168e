"""2,000 cases end to end, by our runner and by others.

Measured by `inside/evaluation_speed.py` in a fresh project. inspect-ai and deepeval are installed into that project's
environment, which is thrown away. Where they cannot be had, or do not go together with the project's packages, their
lines are left out and the reason is printed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fresh import ROOT, measured

OTHERS = ["inspect-ai", "deepeval"]


def install(project: Path) -> None:
    """Put the others into the project's environment, or say why not."""
    uv, python = ROOT / ".venv" / "bin" / "uv", project / ".venv" / "bin" / "python"
    with_uv = [str(uv), "pip", "install", "--python", str(python)]
    installer = with_uv if uv.exists() else [str(python), "-m", "pip", "install"]
    got = subprocess.run([*installer, "--quiet", *OTHERS], capture_output=True, text=True)
    if got.returncode:
        print(f"{' and '.join(OTHERS)} cannot be installed here: {got.stderr.strip()[-300:]}")


if __name__ == "__main__":
    sys.exit(measured("evaluation_speed.py", prepare=install))
