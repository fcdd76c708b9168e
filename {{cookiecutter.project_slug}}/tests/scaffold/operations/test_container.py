"""The image and its composition keep to the rules of docs/security.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "compose.yaml"
# One instruction a line, continuation lines joined.
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
SECRET_OR_DATA = ("data", "var", "evals", ".env", ".git", ".venv")

needs_compose = pytest.mark.skipif(not COMPOSE.is_file(), reason="this project was generated without compose.yaml")


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in DOCKERFILE if line.startswith(f"{name} ")]


def test_the_service_does_not_run_as_root() -> None:
    user, _, group = instructions("USER")[-1].partition(":")
    assert int(user) > 0  # a number, so that Kubernetes' runAsNonRoot can see it
    assert int(group) > 0
    assert DOCKERFILE.index(f"USER {user}:{group}") > DOCKERFILE.index(f"FROM {instructions('FROM')[-1]}")


def test_the_image_holds_neither_documents_nor_secrets() -> None:
    for copied in instructions("COPY"):
        *sources, _ = [word for word in copied.split() if not word.startswith("--")]
        if "--from=" not in copied:
            for source in sources:
                assert source.split("/")[0] not in (".", *SECRET_OR_DATA), f"COPY {copied}"
                assert (ROOT / source).exists(), f"COPY {copied}: there is no {source}"
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    assert not {f"!{name}" for name in SECRET_OR_DATA} & set(ignored)


def test_processes_start_without_a_shell() -> None:
    # In shell form the shell gets the signal to stop, and the service never hears of it.
    command = json.loads(instructions("CMD")[-1])
    assert command[0] in SCRIPTS
    assert command[1] == "serve"
    assert re.search(r'CMD \["python3", ', instructions("HEALTHCHECK")[0])


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


@needs_compose
def test_the_composition_is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@needs_compose
def test_the_composition_gives_no_more_rights_than_needed() -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        writable = [mount for mount in service["volumes"] if not mount.endswith(":ro")]
        assert writable == ["var:/app/var"], name


@needs_compose
def test_the_composition_is_reached_from_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
