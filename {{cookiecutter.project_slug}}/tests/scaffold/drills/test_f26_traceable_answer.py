"""F26: no explanation, no trust."""

from __future__ import annotations

import hashlib

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.drill("F26")
async def test_any_answer_leads_back_to_the_bytes_that_produced_it(application: Application) -> None:
    """Staged: nothing but an answer is at hand, weeks later.
    Caught by: its trace id finds the audit records; their digests name the prompt, the passages and the documents.
    """
    caller = Principal("anna", frozenset({"everyone"}), "en")
    answer = await application.ask("When may I book first class on a train?", caller, channel="test")
    assert not answer.refused
    assert answer.citations

    root = application.settings.root
    records = {
        record["event"]: record for record in application.audit.records() if record["trace_id"] == answer.trace_id
    }
    assert set(records) == {"answer", "model_call"}
    assert records["answer"]["answer_sha256"] == sha256(answer.answer.encode())
    assert records["model_call"]["prompt_sha256"] == sha256((root / "config/prompts/answer.en.yaml").read_bytes())
    assert records["model_call"]["prompt"] == answer.prompt
    assert f"{records['model_call']['provider']}/{records['model_call']['model']}" == answer.model
    for citation, recorded in zip(answer.citations, records["answer"]["citations"], strict=True):
        document = (root / "data/documents" / citation.source).read_bytes()
        assert citation.sha256 == recorded["sha256"] == sha256(document)
        assert recorded["passage_sha256"] == sha256(citation.passage.encode())
        assert f"[{citation.number}]" in answer.answer


@pytest.mark.drill("F26")
async def test_a_refusal_is_recorded_too(application: Application) -> None:
    """Staged: the assistant refuses, and somebody asks why.
    Caught by: the refusal has its audit record with caller, prompt and the model asked, if any.
    """
    answer = await application.ask("What is the hotel limit per night?", Principal("stranger"), channel="test")
    assert answer.refused
    record = next(record for record in application.audit.records() if record["trace_id"] == answer.trace_id)
    assert (record["event"], record["refused"], record["caller"]) == ("answer", True, "stranger")
