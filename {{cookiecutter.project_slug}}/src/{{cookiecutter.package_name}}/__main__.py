"""Starts the command line, and stays quiet where it is interrupted while everything is still being imported."""

from __future__ import annotations

import sys


def main() -> None:
    """The command line."""
    try:
        from .app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
