"""F14: personal data reaches the vendor or the logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, PolicyViolation, ScaffoldError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.observability import configure_logging

from tests.scaffold.models import vendors
from tests.scaffold.observability.collector import collecting

CALLER = Principal("visitor@acme.test", frozenset({"everyone"}), "en")
QUESTION = (
    "Who opens the parcel lockers on the third floor? I am oskar.lind@acme.test, 040 66969 777, tax id 36574261809, "
    "card 4111 1111 1111 1111."
)
DOCUMENT = """# Parcel lockers

The parcel lockers on the third floor are opened by Ines, ines.halvorsen@acme.test, +44 1632 960777. Deposits go to
DE89 3704 0044 0532 0130 00. Her machine is 203.0.113.77.
"""
OUTPUT = "Otto knows more: otto.bruhn@acme.test or 0171 3920077."

ASKED = ["oskar.lind@acme.test", "040 66969 777", "36574261809", "4111 1111 1111 1111"]
RETRIEVED = ["ines.halvorsen@acme.test", "+44 1632 960777", "DE89 3704 0044 0532 0130 00", "203.0.113.77"]
SAID = ["otto.bruhn@acme.test", "0171 3920077"]
SECRETS = [CALLER.id, *ASKED, *RETRIEVED, *SAID]

MODELS = """\
models:
  loopback:
    provider: openai-compatible
    model: {model}
    base_url: {url}
    api_key_env: LOOPBACK_KEY
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer: loopback
  embed: hashing
"""


@pytest.fixture
def vendor(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[vendors.Vendor]:
    """A vendor that repeats what it is sent and adds somebody's address; the project's answers come from it."""
    echo = vendors.said
    monkeypatch.setattr(vendors, "said", lambda text: f"{echo(text)}\n{OUTPUT}")
    monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)
    with vendors.running() as running:
        models = MODELS.replace("{model}", vendors.MODEL).replace("{url}", running.openai)
        (project / "config" / "models.yaml").write_text(models, "utf-8")
        (project / "data" / "documents" / "hr" / "parcel-lockers.md").write_text(DOCUMENT, "utf-8")
        yield running


@pytest.fixture
async def left(
    project: Path, vendor: vendors.Vendor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """What every channel holds after an answer, a stream, a failed call and a careless span, all full of personal data."""
    handlers, level = logging.root.handlers[:], logging.root.level
    settings = Settings(root=project)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        configure_logging(settings, redact)
        logging.root.setLevel(logging.DEBUG)  # third parties tell most when they debug
        with build(settings) as application:
            application.index.sync()
            answer = await application.ask(QUESTION, CALLER, "api")
            streamed = "".join([piece.text async for piece in application.models.get("answer").astream(QUESTION)])
            vendor.fault = 400
            try:
                await application.ask(QUESTION, CALLER, "api")
            except ScaffoldError:
                logging.getLogger("a.third.party").exception("%s asked %s", CALLER.id, [QUESTION])
            with pytest.raises(RuntimeError), application.telemetry.span("careless", recipient=CALLER.id):
                raise RuntimeError(QUESTION)
            metrics, audit = application.telemetry.metrics_page().decode(), application.audit.path.read_text("ascii")
        spans = collector.text
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    channels = {"log": capsys.readouterr().err, "spans": spans, "metrics": metrics, "audit": audit}
    return {"vendor": vendor.received, "answer": answer.answer, "streamed": streamed, **channels}


@pytest.mark.drill("F14")
def test_none_leaves_to_the_vendor_or_into_any_record(left: dict[str, str]) -> None:
    """Staged: personal data in the caller's id, the question, a retrieved passage, the model's answer and an error.
    Caught by: pseudonyms on the way to the model; redaction of logs, spans and the audit file; metrics without content.
    """
    found = [(channel, secret) for channel in ("vendor", "log", "spans", "metrics", "audit") for secret in SECRETS]
    assert [(channel, secret) for channel, secret in found if secret in left[channel]] == []
    # The channels did carry the calls: none is clean for want of use.
    assert "«EMAIL_1»" in left["vendor"] and "parcel lockers" in left["vendor"]
    assert "a.third.party" in left["log"] and "[EMAIL] asked" in left["log"]
    assert f"chat {vendors.MODEL}" in left["spans"] and "RuntimeError: Who opens" in left["spans"]
    assert 'app_personal_data_total{kind="email"}' in left["metrics"]
    assert '"event":"model_call"' in left["audit"] and '"caller":"[EMAIL]"' in left["audit"]


@pytest.mark.drill("F14")
def test_the_caller_gets_an_answer_with_everything_back_in_place(left: dict[str, str]) -> None:
    """Staged: the vendor answers with the placeholders that it was sent, at once and in pieces of three characters.
    Caught by: the pseudonyms of the call, which are restored in the answer and across the pieces of a stream.
    """
    for secret in (*ASKED, *RETRIEVED, *SAID):
        assert secret in left["answer"]
    for secret in (*ASKED, *SAID):
        assert secret in left["streamed"]
    assert "«" not in left["answer"] + left["streamed"]


@pytest.mark.drill("F14")
@pytest.mark.parametrize("action", ["redact", "block"])
async def test_the_policy_may_ask_for_more(project: Path, vendor: vendors.Vendor, action: str) -> None:
    """Staged: the policy says redact, or block, and a question holds personal data.
    Caught by: the model's door, which sends kinds in place of values, or sends nothing at all.
    """
    path = project / "governance" / "policy.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("model: pseudonymise", f"model: {action}"), "utf-8")
    with build(Settings(root=project)) as application:
        model = application.models.get("answer")
        if action == "block":
            with pytest.raises(PolicyViolation):
                await model.ainvoke(QUESTION)
            assert vendor.requests == []
        else:
            assert "I am [EMAIL], [PHONE], tax id [NATIONAL_ID]" in (await model.ainvoke(QUESTION)).text
            assert [secret for secret in ASKED if secret in vendor.received] == []


@pytest.mark.drill("F14")
def test_content_in_telemetry_cannot_be_turned_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staged: an environment variable asks the instrumentation to record messages.
    Caught by: the start of telemetry, which refuses.
    """
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    with pytest.raises(ConfigurationError, match="unset it"):
        build(Settings(root=project, offline=True))
