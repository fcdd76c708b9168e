"""Every answer arrives where people and code read it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from engines import Answers, by_cookiecutter, named, pairwise

GIVEN = {
    "owner_team": "harbour-team",
    "owner_email": "harbour@acme.test",
    "repository_url": "https://git.acme.test/harbour/assistant",
}
LICENCES = {"MIT": "MIT License", "Apache-2.0": "Apache License", "Proprietary": "All rights reserved"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("answers", pairwise(), ids=named)
def test_an_answer_arrives_where_it_is_read(answers: Answers, plain: Path, tmp_path: Path) -> None:
    project = by_cookiecutter(plain, tmp_path, {**answers, **GIVEN})
    owner = {"name": GIVEN["owner_team"], "email": GIVEN["owner_email"]}
    assert read(project / "governance/ownership.yaml") == {
        "service_owner": owner,
        "escalation": owner,
        "repository": GIVEN["repository_url"],
    }
    assert GIVEN["owner_team"] in (project / "CODEOWNERS").read_text(encoding="utf-8")

    policy = read(project / "governance/policy.yaml")
    assert policy["data_classification"] == answers["data_classification"]
    assert answers["model_provider"] in policy["providers"][answers["data_classification"]]

    models = read(project / "config/models.yaml")
    assert models["models"][models["roles"]["answer"]]["provider"] == answers["model_provider"]
    assert models["models"][models["roles"]["embed"]]["provider"] == "offline"
    port = read(project / "config/service.yaml")["port"]
    assert f":{port}/" not in models["models"][models["roles"]["answer"]].get("base_url", "")  # it would ask itself
    assert ("compose.yaml" in (project / "Dockerfile").read_text(encoding="utf-8")) == (
        answers["deployment"] == "compose"
    )

    assert LICENCES[answers["license"]] in (project / "LICENSE").read_text(encoding="utf-8")
    extras = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    wanted = next(line for line in makefile.splitlines() if line.startswith("EXTRAS ?=")).partition("=")[2].strip()
    assert wanted in {"", *extras}
    assert bool(wanted) == (answers["model_provider"] != "offline")
