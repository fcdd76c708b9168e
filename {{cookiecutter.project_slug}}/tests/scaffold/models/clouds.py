"""Logins to clouds on loopback: the clouds' own libraries run, and ask the vendor here instead of theirs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

AWS_KEY = "AKIALOOPBACK"


def log_in(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a machine that has an AWS key, and a Google Cloud service account whose tokens ``host`` issues."""
    log_out(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", AWS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")
    account = {"type": "service_account", "client_email": "poc@acme.iam.gserviceaccount.com", "project_id": "other"}
    account |= {"private_key": _private_key(), "private_key_id": "1", "token_uri": f"{host}/token"}
    (folder / "account.json").write_text(json.dumps(account), "utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "account.json"))


def log_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a machine that has neither, whatever machine this is."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", "nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "nowhere")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
