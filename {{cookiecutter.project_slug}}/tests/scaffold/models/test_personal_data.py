"""No personal data leaves in a call, and the caller sees it again in the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from {{ cookiecutter.package_name }}.scaffold.errors import PolicyViolation

from tests.scaffold.models.calls import WAYS, Way
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.vendors import Vendor

ADDRESS, IBAN, PHONE = "jonas.weber@example.org", "DE89 3704 0044 0532 0130 00", "+49 40 66969 214"
TEXT = f"Write to {ADDRESS} or call {PHONE}; the account is {IBAN}. Again: {ADDRESS}"
WHEREVER: list[tuple[str, LanguageModelInput]] = [
    ("the question", TEXT),
    ("the system message", [SystemMessage(TEXT), HumanMessage("Hello")]),
    ("a block of content", [HumanMessage([{"type": "text", "text": TEXT}])]),
    (
        "a tool's arguments and its result",
        [
            HumanMessage("Look it up"),
            AIMessage(
                "", tool_calls=[{"name": "find", "args": {"who": {"address": ADDRESS}, "at": [IBAN]}, "id": "1"}]
            ),
            ToolMessage(TEXT, tool_call_id="1"),
        ],
    ),
]


@tool
def send(text: str) -> str:
    """Send a text."""
    return text


def nothing_left(received: str) -> bool:
    return not any(value in received or value.replace(" ", "") in received for value in (ADDRESS, IBAN, PHONE))


@pytest.mark.parametrize("provider", ["openai", "ollama"])
@pytest.mark.parametrize("way", WAYS)
async def test_what_was_replaced_on_the_way_out_is_back_in_the_answer(
    provider: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    reply = await way(open_models(at(provider)).get("answer"), TEXT)

    assert reply.text == f"You wrote: {TEXT}"
    assert nothing_left(vendor.received)
    assert "«EMAIL_1»" in vendor.received


@pytest.mark.parametrize(("where", "messages"), WHEREVER, ids=[where for where, _ in WHEREVER])
def test_personal_data_leaves_from_nowhere(
    where: str, messages: LanguageModelInput, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    open_models(at("openai")).get("answer").invoke(messages)
    assert len(vendor.requests) == 1
    assert nothing_left(vendor.received), where


@pytest.mark.parametrize("way", WAYS)
async def test_text_in_blocks_is_restored_too(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    # Anthropic answers in blocks as soon as there are tools.
    reply = await way(open_models(at("anthropic")).get("answer").bind_tools([send]), TEXT)
    assert reply.text == f"You wrote: {TEXT}"
    assert nothing_left(vendor.received)


@pytest.mark.parametrize("provider", ["openai", "azure-openai", "ollama", "anthropic"])
@pytest.mark.parametrize("way", WAYS)
async def test_arguments_of_tool_calls_are_restored_too(
    provider: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.tool = "send"
    reply = await way(open_models(at(provider)).get("answer").bind_tools([send]), f'{TEXT} "quoted" \\u00ab')

    assert [call["args"] for call in reply.tool_calls] == [{"text": f'{TEXT} "quoted" \\u00ab'}]
    assert nothing_left(vendor.received)


def test_two_calls_share_no_placeholder(vendor: Vendor, at: Callable[..., str], open_models: Open) -> None:
    model = open_models(at("openai")).get("answer")
    model.invoke("Write to one@example.org")
    assert model.invoke("Who is «EMAIL_1»?").text == "You wrote: Who is «EMAIL_1»?"


@pytest.mark.parametrize("way", WAYS)
async def test_redacted_stays_redacted(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("pseudonymise", "redact"), "utf-8")
    reply = await way(open_models(at("openai")).get("answer"), f"Write to {ADDRESS}")
    assert reply.text == "You wrote: Write to [EMAIL]"
    assert nothing_left(vendor.received)


@pytest.mark.parametrize("way", WAYS)
async def test_blocked_means_that_nothing_is_sent(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("pseudonymise", "block"), "utf-8")
    model = open_models(at("openai")).get("answer")
    with pytest.raises(PolicyViolation, match=r"personal data \(email\).*nothing was sent") as caught:
        await way(model, f"Write to {ADDRESS}")
    assert vendor.requests == []
    assert ADDRESS not in str(caught.value)
    assert (await way(model, "Write to me")).text == "You wrote: Write to me"


@pytest.mark.parametrize("kind", ["image", "image_url", "audio", "file"])
def test_what_cannot_be_searched_is_not_sent(
    kind: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    block: dict[str, Any] = {"type": kind, "base64": "AAAA", "mime_type": "image/png"}
    with pytest.raises(PolicyViolation, match="cannot be searched for personal data"):
        open_models(at("openai")).get("answer").invoke([HumanMessage([block])])
    assert vendor.requests == []


@pytest.mark.parametrize("action", ["pseudonymise", "redact"])
def test_texts_to_embed_are_redacted(
    action: str, vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("pseudonymise", action), "utf-8")
    open_models(at("openai")).embeddings().embed_documents([TEXT, "nothing here"])
    assert nothing_left(vendor.received)
    assert vendor.requests[0].body["input"][1] == "nothing here"


def test_nothing_is_embedded_where_the_policy_blocks(
    vendor: Vendor, at: Callable[..., str], open_models: Open, root: Path
) -> None:
    (root / "governance" / "policy.yaml").write_text(POLICY.replace("pseudonymise", "block"), "utf-8")
    with pytest.raises(PolicyViolation, match="nothing was sent"):
        open_models(at("openai")).embeddings().embed_query(TEXT)
    assert vendor.requests == []


def test_what_was_held_back_is_counted_by_kind(
    vendor: Vendor, at: Callable[..., str], open_models: Open, telemetry: Any
) -> None:
    open_models(at("openai")).get("answer").invoke(f"{ADDRESS} {IBAN}")
    page = telemetry.metrics_page().decode()
    counted = dict(re.findall(r'app_personal_data_total\{kind="(\w+)"\} ([\d.]+)', page))
    assert counted == {"email": "1.0", "iban": "1.0"}
