"""A bare project whose ``config/models.yaml`` a test writes, and a vendor on loopback that it points to."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog, Policy
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.models import Models, Pace
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry
from {{ cookiecutter.package_name }}.scaffold.state import open_state

from tests.scaffold.models import clouds, vendors
from tests.scaffold.models.two import Steps
from tests.scaffold.models.variants import EMBEDDING, entry

POLICY = """\
data_classification: internal
providers:
  internal: [offline, openai, azure-openai, openai-compatible, ollama, anthropic, google, bedrock]
personal_data:
  on_the_way_to_the_model: pseudonymise
"""
HASHING = "    provider: offline\n    model: hashing-1024\n    kind: embedding\n"


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    without_certificates(monkeypatch)


def without_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback speaks no TLS, and reading every authority's certificate takes a client longer than its call."""
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)


@contextmanager
def opened(folder: Path, text: str) -> Iterator[tuple[Models, AuditLog]]:
    """``Models`` on the text of a ``config/models.yaml`` and the pace of a test, where they serve several of them."""
    for name, content in (("config/models.yaml", text), ("governance/policy.yaml", POLICY)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(content, "utf-8")
    settings = Settings(root=folder)
    telemetry, state = Telemetry.start(settings, "test", redact), open_state(settings)
    audit = AuditLog.open(settings, state, redact)
    yield Models(settings, Policy(settings), audit, telemetry, state, Steps().pace), audit
    state.dispose()
    telemetry.shutdown()


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[vendors.Vendor]:
    with vendors.running() as server:
        clouds.log_in(tmp_path, server.host, monkeypatch)
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project's folder with a policy that allows every provider."""
    for name in ("config", "governance"):
        (tmp_path / name).mkdir()
    (tmp_path / "governance" / "policy.yaml").write_text(POLICY, "utf-8")
    return tmp_path


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(root: Path, spans: InMemorySpanExporter) -> Iterator[Telemetry]:
    telemetry = Telemetry.start(Settings(root=root), "test", redact)
    telemetry._tracers.add_span_processor(SimpleSpanProcessor(spans))
    yield telemetry
    telemetry.shutdown()


@pytest.fixture
def state(root: Path) -> Iterator[Engine]:
    state = open_state(Settings(root=root))
    yield state
    state.dispose()


@pytest.fixture
def audit(root: Path, state: Engine) -> AuditLog:
    return AuditLog.open(Settings(root=root), state, redact)


@pytest.fixture
def policy(root: Path) -> Policy:
    return Policy(Settings(root=root))


Open = Callable[..., Models]


@pytest.fixture
def open_models(root: Path, policy: Policy, audit: AuditLog, telemetry: Telemetry, state: Engine) -> Open:
    """Opens ``Models`` on the text of a ``config/models.yaml``."""

    def opened(text: str, offline: bool = False, pace: Pace | None = None) -> Models:
        (root / "config" / "models.yaml").write_text(text, "utf-8")
        return Models(Settings(root=root, offline=offline), policy, audit, telemetry, state, pace)

    return opened


@pytest.fixture
def shipped(root: Path) -> str:
    """The ``config/models.yaml`` that this project came with."""
    source = Path(__file__).parents[3] / "config" / "models.yaml"
    shutil.copy(source, root / "config" / "models.yaml")
    return source.read_text("utf-8")


@pytest.fixture
def at(vendor: vendors.Vendor, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A ``config/models.yaml`` whose role answer is served by the loopback vendor through a provider."""
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)

    def written(name: str, base_url: str | None = None, timeout: float = 10, retries: int = 0) -> str:
        vectors = entry(name, base_url or vendor, timeout, more="kind: embedding") if name in EMBEDDING else HASHING
        return f"""\
models:
  chosen:
{entry(name, base_url or vendor, timeout)}
  vectors:
{vectors}
roles:
  answer:
    use: chosen
    retries: {retries}
  embed:
    use: vectors
    retries: {retries}
"""

    return written
