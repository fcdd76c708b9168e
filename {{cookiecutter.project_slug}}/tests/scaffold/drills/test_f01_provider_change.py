"""F01: application code talks to one vendor's API; every swap touches it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.models import Models

from tests.scaffold.models import vendors

ROOT = Path(__file__).parents[3]
BEFORE = """\
models:
  extractive:
    provider: offline
    model: extractive-1
roles:
  answer: extractive
"""
AFTER = """\
models:
  extractive:
    provider: offline
    model: extractive-1
  gateway:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
roles:
  answer: gateway
"""


@pytest.mark.drill("F01")
async def test_the_provider_of_a_role_changes_while_the_application_runs(
    application: Application, vendor: vendors.Vendor
) -> None:
    """Staged: the role answer moves from the offline model to another vendor, while the application runs.
    Caught by: roles are resolved by config/models.yaml at each call; the next one goes to the new vendor.
    """
    parts, root = application, application.settings.root
    path = root / "config" / "models.yaml"
    path.write_text(BEFORE, "utf-8")
    models = Models(Settings(root=root), parts.policy, parts.audit, parts.telemetry, parts.state)
    assert (await models.get("answer").ainvoke("Hello")).response_metadata["model_provider"] == "offline"

    path.write_text(AFTER.format(url=vendor.openai), "utf-8")
    assert (await models.get("answer").ainvoke("Hello")).text == "You wrote: Hello"
    assert models.describe("answer").label == "openai-compatible/loopback-1"

    path.write_text(AFTER.format(url="nowhere"), "utf-8")
    assert (await models.get("answer").ainvoke("Hello again")).text == "You wrote: Hello again"
    assert models.error is not None
    assert "base_url" in models.error


@pytest.mark.drill("F01")
async def test_a_vendors_client_imported_anywhere_else_breaks_the_contract(tmp_path: Path) -> None:
    """Staged: the use case imports a vendor's client by itself.
    Caught by: the import contract of pyproject.toml, which `make lint` checks.
    """
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    source = tmp_path / "src" / "{{ cookiecutter.package_name }}"
    await asyncio.to_thread(_copy, ROOT / "src" / "{{ cookiecutter.package_name }}", source)
    assert _lint(tmp_path).returncode == 0, _lint(tmp_path).stdout

    shortcut = source / "knowledge_assistant" / "shortcut.py"
    shortcut.write_text("from langchain_openai import ChatOpenAI\n", "utf-8")
    checked = _lint(tmp_path)
    assert checked.returncode != 0
    assert "import vendors' clients BROKEN" in " ".join(checked.stdout.split())
    assert "knowledge_assistant.shortcut -> langchain_openai" in checked.stdout


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*.py"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
