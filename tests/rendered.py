"""What must hold for every rendered project, whatever the answers were."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from engines import TREE
from questions import ROOT

DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
LONGEST = 140  # characters of a path in the template: Windows allows 260 and the clone has to live somewhere


def text_files(project: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(project.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(project).parts:
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


@cache
def parse(suffix: str, text: str) -> None:
    """Raise if the text is not what its name says; most files are the same in many projects, so once is enough."""
    match suffix:
        case ".toml":
            tomllib.loads(text)
        case ".yaml" | ".yml":
            list(yaml.safe_load_all(text))
        case ".json":
            json.loads(text)
        case ".jsonl":
            for line in text.splitlines():
                json.loads(line)
        case ".py":
            ast.parse(text)


def unparsable(project: Path) -> list[str]:
    wrong = []
    for path, text in text_files(project):
        try:
            parse(path.suffix, text)
        except (SyntaxError, ValueError, yaml.YAMLError) as error:
            wrong.append(f"{path.relative_to(project)}: {error}")
    return wrong


def source_of(name: str, package: str) -> Path:
    """The template of a rendered file."""
    return ROOT / TREE / name.replace(f"src/{package}/", "src/{{cookiecutter.package_name}}/")


def leftovers(project: Path, package: str) -> list[str]:
    """Traces of the template language; braces are meant where the source wraps them in a raw block."""
    found = []
    for path, text in text_files(project):
        name = path.relative_to(project).as_posix()
        source = source_of(name, package)
        raw = source.exists() and "{% raw %}" in source.read_text(encoding="utf-8")
        trace = r"\{\{[- ]*cookiecutter|\{%-? *(end)?raw|_copier_answers" + (
            "" if raw else r"|(?<!\$)\{\{|\{%|(?<!\$)\{#"
        )
        found += [f"{name}: {line.strip()}" for line in text.splitlines() if re.search(trace, line)]
    return found


def unfit_names(names: list[str]) -> list[str]:
    """Paths that Windows could not check out, or only one of two of."""
    unfit = [name for name in names if re.search(r'["|<>:*?\\\x00-\x1f]', name) or len(name) > LONGEST]
    for name in names:
        for part in name.split("/"):
            if part.split(".")[0].lower() in DEVICES or part.endswith((".", " ")):
                unfit.append(name)
    folded: dict[str, str] = {}
    for name in names:
        if folded.setdefault(name.casefold(), name) != name:
            unfit.append(name)
    return unfit
