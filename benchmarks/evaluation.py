"""How the evaluation decides, measured by `inside/gate_rates.py` in a fresh project."""

from __future__ import annotations

import sys

from fresh import measured

if __name__ == "__main__":
    sys.exit(measured("gate_rates.py"))
