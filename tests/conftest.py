"""What tests share. Nothing here reads the settings of the person who runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import commit, copy_template


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty home for cookiecutter, copier, cruft and git; but the cache of uv, or every install downloads."""
    home = tmp_path_factory.mktemp("home")
    cache = os.environ.get("UV_CACHE_DIR") or str(Path("~/.cache/uv").expanduser())
    settings = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "UV_CACHE_DIR": cache,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.com",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.com",
    }
    for name in ("COOKIECUTTER_CONFIG", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"):
        os.environ.pop(name, None)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a folder without git: quick to render many times."""
    return copy_template(tmp_path_factory.mktemp("plain") / "genai-template")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a git repository whose newest version is 1000.0.0: what is here, as if released now."""
    template = copy_template(tmp_path_factory.mktemp("released") / "genai-template")
    commit(template, "as it is", "v1000.0.0")
    return template


@pytest.fixture
def default(plain: Path, tmp_path: Path) -> Path:
    """A project with the default answers."""
    from engines import by_cookiecutter

    return by_cookiecutter(plain, tmp_path / "default", {})
