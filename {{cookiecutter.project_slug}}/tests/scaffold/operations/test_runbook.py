"""The commands of the runbook and of the pages for newcomers are run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COMMAND: str = next(iter(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]))
MODULE = "{{ cookiecutter.package_name }}.app"
PAGES = [
    page
    for page in ("operations/runbook.md", "docs/onboarding.md", "docs/documents.md", "docs/connectors.md")
    if (ROOT / page).is_file()
]
MARK = re.compile(r"<!-- (?:(?P<run>run)|not run: (?P<reason>\S.*)) -->")


@dataclass(frozen=True)
class Block:
    """Commands between fences; ``mark`` is the line above, which says whether they are run."""

    line: int
    mark: str
    commands: str

    @property
    def is_run(self) -> bool:
        return self.mark == "<!-- run -->"


def blocks(page: str) -> list[Block]:
    lines = (ROOT / page).read_text("utf-8").splitlines()
    found, start = [], None
    for number, line in enumerate(lines):
        if line.startswith("```"):
            if start is None:
                start = number
            else:
                if lines[start] in ("```bash", "```sh", "```"):
                    found.append(Block(start + 1, lines[start - 1], "\n".join(lines[start + 1 : number])))
                start = None
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_commands_says_whether_it_is_run(page: str) -> None:
    silent = [block.line for block in blocks(page) if not MARK.fullmatch(block.mark)]
    assert not silent, f"{page}, lines {silent}: put <!-- run --> or <!-- not run: reason --> above the block"
    assert any(block.is_run for block in blocks(page))


@pytest.mark.parametrize("page", PAGES)
def test_commands_run_as_written(page: str, installed: Path, service: str) -> None:
    # One shell for the page, as a person would have: what one block exports, the next ones use.
    script = "\n".join(f"printf '\\n@ line {b.line}\\n'\n{b.commands}" for b in blocks(page) if b.is_run)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=installed,
        env={**os.environ, "APP_OFFLINE": "1", "SERVICE": service},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    at = done.stdout.rpartition("@ line ")[2]
    assert done.returncode == 0, f"{page}: the block on line {at}"


@pytest.fixture
def installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``project`` as ``make setup`` leaves it: in git with some history, the console command in ``.venv/bin``."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    _write_command(project)
    shutil.copy(ROOT / ".gitignore", project)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # nobody's signatures and hooks
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@localhost")
    _git(project, "init", "--quiet")
    _git(project, "add", ".")
    _git(project, "commit", "--quiet", "--message", "First")
    prompt = project / "config/prompts/answer.en.yaml"
    prompt.write_text(prompt.read_text("utf-8") + "# A change to look at.\n", "utf-8")
    _git(project, "commit", "--quiet", "--all", "--message", "Change the prompt")
    return project


@pytest.fixture
def service(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of the service, running on a copy of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    root = shutil.copytree(indexed, tmp_path / "service")
    settings = root / "config/service.yaml"
    settings.write_text(re.sub(r"^port: .*$", "port: 0", settings.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    with subprocess.Popen(
        [_write_command(root), "serve"],
        cwd=root,
        env={**os.environ, "APP_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            address = re.search(r"http://\S+", said)
            assert address, f"serve said {said!r}"
            yield address[0]
        finally:
            process.terminate()


def _write_command(root: Path) -> Path:
    """The console command where ``make setup`` puts it, on the Python that runs this test."""
    path = root / ".venv/bin" / COMMAND
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {MODULE} "$@"\n', "utf-8")
    path.chmod(0o755)
    return path


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)
