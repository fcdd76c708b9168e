"""F14: personal data reaches the vendor or the logs; here, through the door that every model call goes through."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.models import Models

from tests.scaffold.models import vendors
from tests.scaffold.models.calls import WAYS, Way

SECRETS = ["jonas.weber@example.org", "DE89370400440532013000", "+4940669692140"]
QUESTION = f"Mail {SECRETS[0]}, pay into {SECRETS[1]}, call {SECRETS[2]}"
FILE = """\
models:
  gateway:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
  vectors:
    provider: openai-compatible
    base_url: {url}
    model: loopback-1
    kind: embedding
roles:
  answer: gateway
  embed: vectors
"""


@pytest.mark.drill("F14")
@pytest.mark.parametrize("way", WAYS)
async def test_personal_data_reaches_neither_the_vendor_nor_the_audit_log(
    way: Way, application: Application, vendor: vendors.Vendor
) -> None:
    """Staged: a question with an address, an account and a telephone number goes to a vendor, plain and streamed.
    Caught by: PersonalData replaces them on the way out and restores them in the answer; the record has digests only.
    """
    root = application.settings.root
    (root / "config" / "models.yaml").write_text(FILE.format(url=vendor.openai), "utf-8")
    parts = application
    models = Models(Settings(root=root), parts.policy, parts.audit, parts.telemetry, parts.state)

    assert (await way(models.get("answer"), QUESTION)).text == f"You wrote: {QUESTION}"
    models.embeddings().embed_query(QUESTION)

    assert len(vendor.requests) == 2
    kept = "".join(path.read_text("utf-8") for path in (root / "var" / "audit").glob("*.jsonl"))
    assert kept.count("\n") >= 2
    for secret in SECRETS:
        assert secret not in vendor.received
        assert secret not in kept
