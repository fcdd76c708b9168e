"""The engines that render the template, and what a test wants to know about the trees that they write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import copier
from cookiecutter.main import cookiecutter
from questions import ROOT, Spec, load

TREE = "{{cookiecutter.project_slug}}"
TOOLS = Path(sys.executable).parent  # where the engines' commands are
SPEC: Spec = load()
QUESTIONS: list[str] = SPEC["_questions"]
CHOICES: dict[str, list[str]] = {key: SPEC[key] for key in QUESTIONS if isinstance(SPEC[key], list)}
SLUG = "acme-assistant"  # of a project made with the default answers

Answers = Mapping[str, str]
Snapshot = dict[str, tuple[int, bytes | None]]


def run(
    *command: str | Path, cwd: Path, check: bool = True, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that must not ask anything; on failure the test shows everything that it said."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, "PWD": str(cwd), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if check:
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-8000:]}"
    return done


def git(repository: Path, *arguments: str) -> str:
    return run("git", *arguments, cwd=repository).stdout.strip()


def commit(repository: Path, message: str, tag: str | None = None) -> None:
    if not (repository / ".git").exists():
        git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--message", message)
    if tag:
        git(repository, "tag", "--annotate", tag, "--message", tag)


def template_files(root: Path = ROOT) -> list[str]:
    """What a clone would hold once everything is committed."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def copy_template(to: Path, *, only: Sequence[str] | None = None) -> Path:
    """A copy of this template as a clone would be: nothing that git ignores, and git's two modes."""
    for name in template_files() if only is None else only:
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
        target.chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
    return to


def by_cookiecutter(template: Path | str, into: Path, answers: Answers) -> Path:
    made = cookiecutter(
        str(template), no_input=True, default_config=True, extra_context=dict(answers), output_dir=str(into)
    )
    return Path(made)


def by_copier(template: Path | str, to: Path, answers: Answers, **options: Any) -> Path:
    copier.run_copy(str(template), to, data=dict(answers), defaults=True, quiet=True, **options)
    return to


def by_cookiecutter_command(template: Path | str, into: Path, answers: Answers) -> Path:
    into.mkdir(parents=True, exist_ok=True)
    given = [f"{key}={value}" for key, value in answers.items()]
    run("cookiecutter", "--no-input", template, *given, cwd=into)
    return into / answers.get("project_slug", SLUG)


def by_copier_command(template: Path | str, into: Path, answers: Answers) -> Path:
    into.mkdir(parents=True, exist_ok=True)
    slug = answers.get("project_slug", SLUG)
    given = [part for key, value in answers.items() for part in ("--data", f"{key}={value}")]
    run("copier", "copy", "--defaults", *given, template, slug, cwd=into)
    return into / slug


def by_cruft_command(template: Path | str, into: Path, answers: Answers) -> Path:
    into.mkdir(parents=True, exist_ok=True)
    given = [part for key, value in answers.items() for part in ("--extra-context", f'{{"{key}": "{value}"}}')]
    run("cruft", "create", "--no-input", template, *given, cwd=into)
    return into / answers.get("project_slug", SLUG)


def snapshot(root: Path) -> Snapshot:
    """Every path below `root` but git's: its mode, and its bytes if it is a file."""
    found: Snapshot = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name == ".git" or name.startswith(".git/"):
            continue
        found[name] = (path.stat().st_mode & 0o777, path.read_bytes() if path.is_file() else None)
    return found


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    lines = [f"only in the first: {name}" for name in sorted(one.keys() - other.keys())]
    lines += [f"only in the second: {name}" for name in sorted(other.keys() - one.keys())]
    for name in sorted(one.keys() & other.keys()):
        (mode, content), (other_mode, other_content) = one[name], other[name]
        if mode != other_mode:
            lines.append(f"modes differ: {name} {mode:o} {other_mode:o}")
        if content != other_content:
            lines.append(f"contents differ: {name}")
    return lines


def supported(answers: Answers) -> bool:
    """False where `_conflicts` refuses the combination."""
    full = {key: choices[0] for key, choices in CHOICES.items()} | dict(answers)
    return not any(all(full[key] in values for key, values in row["when"].items()) for row in SPEC["_conflicts"])


def combinations() -> list[dict[str, str]]:
    every = (dict(zip(CHOICES, values, strict=True)) for values in product(*CHOICES.values()))
    return [answers for answers in every if supported(answers)]


def pairwise() -> list[dict[str, str]]:
    """Few combinations in which every supported pair of choices meets at least once (greedy, deterministic)."""

    def pairs(answers: Answers) -> set[tuple[str, str, str, str]]:
        items = list(answers.items())
        return {(a, x, b, y) for i, (a, x) in enumerate(items) for b, y in items[i + 1 :]}

    candidates = combinations()
    missing = set().union(*map(pairs, candidates))
    chosen = []
    while missing:
        best = max(candidates, key=lambda answers: len(pairs(answers) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def named(answers: Answers) -> str:
    """A readable name for a test of these answers."""
    return "-".join(answers.values()) or "default"
