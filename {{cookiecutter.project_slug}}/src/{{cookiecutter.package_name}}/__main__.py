"""Starts the command line, and stays quiet where it is interrupted while everything is still being imported."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """The command line."""
    try:
        interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # and not ignored
        if interruptible:
            # Nothing is begun yet. What is imported may swallow a KeyboardInterrupt, or make an error of its own of it.
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        try:
            from .app import main as run
        finally:
            if interruptible:
                signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
