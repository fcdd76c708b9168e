"""Drift: false alarms without any, and what is seen of it; made in a fresh project, by `inside/drift.py` there."""

from __future__ import annotations

import sys

from fresh import measured

if __name__ == "__main__":
    sys.exit(measured("drift.py"))
