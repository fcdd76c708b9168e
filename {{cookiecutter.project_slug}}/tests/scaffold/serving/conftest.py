"""Clients of the service, and a use case that does as it is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.serving import create_api
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

Reply = Callable[[str, Principal], Answer]


class Told:
    """A use case that answers with what a function gives or raises."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    async def ask(self, question: str, caller: Principal) -> Answer:
        return self.reply(question, caller)


@pytest.fixture(scope="module")
def answering(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An application for the tests of a file that change nothing in its project."""
    root = shutil.copytree(indexed, tmp_path_factory.mktemp("answering") / "project")
    with build(Settings(root=root, offline=True, api_keys=None)) as opened:
        yield opened


@pytest.fixture
def told(answering: Application) -> Callable[[Reply], TestClient]:
    """The service on a use case that answers with what the given function gives or raises."""

    def make(reply: Reply) -> TestClient:
        api = create_api(replace(answering, usecase=Told(reply)))
        return TestClient(api, "http://127.0.0.1", client=("127.0.0.1", 5000))

    return make


@pytest.fixture
def local(answering: Application) -> TestClient:
    """The service as it is on one's own machine: no keys."""
    return TestClient(create_api(answering), "http://127.0.0.1", client=("127.0.0.1", 5000))


@pytest.fixture
def own(application: Application) -> TestClient:
    """Like ``local``, on a project that the test may change."""
    return TestClient(create_api(application), "http://127.0.0.1", client=("127.0.0.1", 5000))
