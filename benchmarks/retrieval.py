"""Retrieval at size, in a fresh project: measured by `inside/retrieval.py` there, with the text of Debian's packages.

The packages are downloaded once, by `apt-get download`, and unpacked into `.cache/documents`; nothing is installed.
Where there is no apt or no network, all text is made up, and the table says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fresh import ROOT, measured

PACKAGES = [
    "linux-doc-6.1",
    "linux-doc-6.12",
    "python3.11-doc",
    "python3.13-doc",
    "postgresql-doc-15",
    "postgresql-doc-17",
    "perl-doc",
    "debian-handbook",
    "debian-reference-de",
    "debian-reference-en",
]
"""Free ones, of Debian 12 and 13; those that a machine's sources do not offer are left out."""


def documents(cache: Path) -> Path | None:
    """The folder with what could be had of the packages, each in one of its own; None where that is nothing."""
    if not cache.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        unpacked = cache.with_name(f"{cache.name}.new")
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir()
        for package in PACKAGES:
            with tempfile.TemporaryDirectory() as folder:
                got = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True)
                if got.returncode == 0:
                    [file] = Path(folder).glob("*.deb")
                    subprocess.run(["dpkg", "-x", file, unpacked / package], check=True)
        if any(unpacked.iterdir()):
            unpacked.rename(cache)
    return cache if cache.exists() else None


if __name__ == "__main__":
    cache = ROOT / ".cache" / "documents"
    cache.parent.mkdir(exist_ok=True)
    packages = documents(cache)
    if packages is None:
        print("No documentation packages can be had here: all text is made up.")
    sys.exit(measured("retrieval.py", ["--packages", str(packages)] if packages else []))
