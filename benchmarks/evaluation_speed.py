"""2,000 cases end to end, by our runner and by others: measured by `inside/evaluation_speed.py` in a fresh project.

inspect-ai and deepeval are installed into that project's environment, which is thrown away. Where they cannot be had, or
do not go together with the project's packages, their lines are left out and the reason is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from demo import make  # noqa: E402
from render import render  # noqa: E402

OTHERS = ["inspect-ai", "deepeval"]


def main() -> int:
    project = render("default", ROOT / "build" / "bench")
    uv = ROOT / ".venv" / "bin" / "uv"
    try:
        make(project, "setup")
        python = project / ".venv" / "bin" / "python"
        installer = [uv, "pip", "install", "--python", python] if uv.exists() else [python, "-m", "pip", "install"]
        got = subprocess.run([*installer, "--quiet", *OTHERS], capture_output=True, text=True)
        if got.returncode:
            print(f"{' and '.join(OTHERS)} cannot be installed here: {got.stderr.strip()[-300:]}")
        inside = Path(__file__).parent / "inside" / "evaluation_speed.py"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("APP_", "OTEL_"))}
        subprocess.run([python, inside, *sys.argv[1:]], cwd=project, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        print(f"\n`{error.cmd}` failed; its output is above.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
