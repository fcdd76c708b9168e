"""Record a version in `releases.json`, commit that, and tag the commit; pushing is left to you.

Tags may not travel with a copy of the repository, so `releases.json` keeps the commit of every version: the
tests of updates start from each of them. A version's own commit cannot name itself, so the entry names its
parent, which holds the same template.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASES = ROOT / "releases.json"


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def refusal(version: str, known: dict[str, str]) -> str | None:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return f'"{version}" is not a version; write three numbers, such as 0.2.0: make release VERSION=0.2.0'
    number = tuple(map(int, version.split(".")))
    if any(tuple(map(int, old.split("."))) >= number for old in known):
        return f"{version} does not come after {list(known)[-1]}, the last release; choose a higher version."
    if git("status", "--porcelain"):
        return "There are changes that are not committed; commit or stash them first."
    if f"## {version}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        return f'CHANGELOG.md has no section "## {version}"; say what changes for a project that updates.'
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Record a version, commit and tag it.")
    parser.add_argument("version", nargs="?", default="")
    version = parser.parse_args().version
    known: dict[str, str] = json.loads(RELEASES.read_text(encoding="utf-8")) if RELEASES.exists() else {}
    if said := refusal(version, known):
        print(said, file=sys.stderr)
        return 2
    known[version] = git("rev-parse", "HEAD")
    RELEASES.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    git("add", "releases.json")
    git("commit", "--quiet", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"Version {version}")
    print(f"Tagged v{version}. Publish it with: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main())
