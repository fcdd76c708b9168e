"""A project of documents that a test writes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core.embeddings import Embeddings
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.retrieval import Index
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores.port import label
from {{ cookiecutter.package_name }}.scaffold.state import open_state

STAFF = Principal("sam", frozenset({"staff"}))


class Only:
    """One embedding, under its own name."""

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings

    def named(self) -> str:
        return label(self.embeddings)

    def get(self, name: str) -> Embeddings:
        if name != self.named():
            raise ConfigurationError(f"There is no model {name!r}.")
        return self.embeddings


class Project:
    """Documents, rules and the index on them."""

    def __init__(self, root: Path, telemetry: Telemetry) -> None:
        self.root, self.telemetry = root, telemetry
        self.settings = Settings(root=root, offline=True)
        self._opened: list[tuple[Index, Engine]] = []
        (root / "config").mkdir(parents=True)
        (root / "data" / "documents").mkdir(parents=True)
        self.configure()
        self.allow({"**": ["group:staff"]})

    def configure(self, **values: Any) -> None:
        """Write ``config/retrieval.yaml``."""
        (self.root / "config" / "retrieval.yaml").write_text(yaml.safe_dump(values), "utf-8")

    def allow(self, rules: dict[str, list[str]], deny: dict[str, list[str]] | None = None) -> None:
        """Write ``data/access.yaml``: who is allowed by path, in order, and who is denied by path."""
        listed = [{"path": path, "allow": names, "deny": (deny or {}).get(path, [])} for path, names in rules.items()]
        (self.root / "data" / "access.yaml").write_text(yaml.safe_dump({"callers": {}, "rules": listed}), "utf-8")

    def write(self, source: str, text: str | bytes) -> Path:
        """Write a document."""
        path = self.root / "data" / "documents" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def remove(self, source: str) -> None:
        """Delete a document."""
        (self.root / "data" / "documents" / source).unlink()

    def index(self, embeddings: Embeddings | None = None) -> Index:
        """The index, opened anew."""
        state = open_state(self.settings)
        index = Index.open(self.settings, state, Only(embeddings or HashEmbeddings()), self.telemetry)
        self._opened.append((index, state))
        return index

    def close(self) -> None:
        """Let go of everything opened."""
        for index, state in self._opened:
            index.close()
            state.dispose()


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    """Telemetry that goes nowhere."""
    telemetry = Telemetry.start(Settings(root=tmp_path), "tests")
    yield telemetry
    telemetry.shutdown()


@pytest.fixture
def new_project(tmp_path: Path, telemetry: Telemetry) -> Iterator[Callable[[str], Project]]:
    """Makes projects by name."""
    made: list[Project] = []

    def make(name: str) -> Project:
        made.append(Project(tmp_path / name, telemetry))
        return made[-1]

    yield make
    for project in made:
        project.close()


@pytest.fixture
def documents(new_project: Callable[[str], Project]) -> Project:
    """One empty project whose documents group ``staff`` may see."""
    return new_project("project")
