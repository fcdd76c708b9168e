"""A project whose documents are indexed offline, beside a vendor's embeddings that they can be indexed with anew."""

from __future__ import annotations

from pathlib import Path

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_cases

from tests.scaffold.models import vendors

SAMPLE = Path(__file__).parent / "sample"

MODELS = """\
models:
  extractive: {provider: offline, model: extractive-1}
  hashing: {provider: offline, model: hashing-1024, kind: embedding}
  dense: {provider: openai-compatible, model: dense-1, kind: embedding, base_url: "@url"}
  other: {provider: openai-compatible, model: other-1, kind: embedding, base_url: "@url"}
roles:
  answer: extractive
  embed: @embed
"""
PRICED = """\
prices:
  openai-compatible/dense-1: {input_per_million: 100}
"""


def configure(project: Path, vendor: vendors.Vendor, embed: str = "hashing", limits: str = "") -> None:
    """Write what the models are, and which one the configuration names for embedding."""
    text = MODELS.replace("@url", vendor.openai).replace("@embed", embed)
    (project / "config" / "models.yaml").write_text(text, "utf-8")
    (project / "config" / "limits.yaml").write_text(limits, "utf-8")


def opened(project: Path) -> Application:
    """The whole application, on the models that are configured."""
    return build(Settings(root=project))


def documents_sent(vendor: vendors.Vendor) -> list[str]:
    """What the vendor was given to embed of documents: of several lines, and no question of the sample's cases."""
    given = [request.body["input"] for request in vendor.requests]
    texts = [text for each in given for text in ([each] if isinstance(each, str) else each)]
    asked = {case.question for case in load_cases(SAMPLE / "evals" / "datasets" / "knowledge.jsonl")}
    return [text for text in texts if "\n" in text and text not in asked]
