"""What the controls round a model call cost: made in a fresh project, measured by `inside/governed_call.py` there."""

from __future__ import annotations

import sys

from fresh import measured

if __name__ == "__main__":
    sys.exit(measured("governed_call.py"))
