"""Fixtures: a project of each test's own, offline and indexed.

The maintained tests run on ``scaffold/sample``, so that they pass whatever the user does with the project's own files;
the use case's tests run on those.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "tests" / "scaffold" / "sample"
EDITABLE = ("config", "governance", "evals", "data")

pytest_plugins = ["tests.scaffold.drills"]


def pytest_configure(config: pytest.Config) -> None:
    """Unplug the control that ``make detach`` names, before any test runs."""
    if name := os.environ.get("DETACH"):
        from tests.scaffold.controls import unplug

        unplug(name)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no setting and no key of the person who runs them."""
    for name in list(os.environ):
        if name.startswith(("APP_", "OTEL_", "LANGSMITH_", "LANGCHAIN_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


def make_project(source: Path, target: Path) -> Path:
    """A copy of what people edit in ``source``, indexed."""
    for name in EDITABLE:
        shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("runs"))
    shutil.copytree(ROOT / "schemas", target / "schemas")
    with build(Settings(root=target, offline=True)) as application:
        application.index.sync()
    return target


def _copy_with_holes(source: str, target: str) -> None:
    """Copies what a file holds, and leaves out what was only reserved: the index's files are nearly all holes."""
    with Path(source).open("rb") as old, Path(target).open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        end = 0
        while end < size:
            try:
                start = os.lseek(old.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:  # no more data behind this place
                    raise
                break
            end = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            old.seek(start)
            new.seek(start)
            new.write(old.read(end - start))


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An indexed project; copied by ``project``, never written by a test."""
    return make_project(SAMPLE, tmp_path_factory.mktemp("indexed"))


@pytest.fixture
def project(indexed: Path, tmp_path: Path) -> Path:
    """A project of this test's own: configuration, governance, evaluations, data and an index."""
    return shutil.copytree(indexed, tmp_path / "project", copy_function=_copy_with_holes)


@pytest.fixture
def settings(project: Path) -> Settings:
    """Offline settings of ``project``."""
    return Settings(root=project, offline=True)


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    """The whole application on ``project``."""
    with build(settings) as opened:
        yield opened
