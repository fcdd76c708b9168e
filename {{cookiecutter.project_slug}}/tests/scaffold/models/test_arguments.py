"""Arguments of a tool call, found in a text by the tool's schema."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from {{ cookiecutter.package_name }}.scaffold.models.arguments import fill
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel

KINDS: list[tuple[dict[str, Any], str, Any]] = [
    ({"type": "integer"}, "take 3 of them", 3),
    ({"type": "number"}, "it costs 2.5", 2.5),
    ({"type": "integer", "minimum": 1}, "no figure here", 1),
    ({"type": "string"}, "send it to 'Anna' now", "Anna"),
    ({"type": "string"}, "value: blue, size: large", "blue"),
    ({"type": "string"}, "What is the weather in San Francisco, CA?", "San Francisco, CA"),
    ({"type": "string"}, "hello", "hello"),
    ({"type": "boolean"}, "do it", True),
    ({"type": "boolean"}, "do it without asking", False),
    ({"enum": ["red", "green"]}, "make it Green", "green"),
    ({"enum": ["red", "green"]}, "make it so", "red"),
    ({"const": 7}, "whatever", 7),
    ({"type": "array", "items": {"type": "integer"}}, "number 4", [4]),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "take 5", 5),
    ({"$ref": "#/$defs/Size"}, "small please", "small"),
    ({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}, "at 9", {"x": 9}),
]


@pytest.mark.parametrize(("schema", "text", "value"), KINDS)
def test_a_value_is_found_or_made_to_fit(schema: dict[str, Any], text: str, value: Any) -> None:
    root = {
        "properties": {"value": schema},
        "required": ["value"],
        "$defs": {"Size": {"enum": ["large", "small"]}},
    }
    assert fill(root, text) == {"value": value}


def test_several_numbers_are_taken_in_turn_and_optional_ones_only_by_name() -> None:
    integer = {"type": "integer"}
    schema = {"properties": {"a": integer, "b": integer, "c": integer}, "required": ["a", "b"]}
    assert fill(schema, "add 1 and 2 and 3") == {"a": 1, "b": 2}


@tool
def get_weather(location: str) -> str:
    """Tell the weather."""
    return "sunny"


@tool
def order_lunch(meal: str) -> str:
    """Order lunch."""
    return meal


CHOICES = [
    (None, "What is the weather in Bergen?", ["get_weather"]),
    (None, "Use order_lunch please", ["order_lunch"]),
    (None, "Tell me about Bergen", []),
    ("any", "Hello", ["get_weather"]),
    ("order_lunch", "What is the weather in Bergen?", ["order_lunch"]),
    ("none", "What is the weather in Bergen?", []),
]


@pytest.mark.parametrize(("choice", "text", "called"), CHOICES)
def test_a_tool_is_called_where_it_is_forced_or_named(choice: str | None, text: str, called: list[str]) -> None:
    reply = OfflineChatModel().bind_tools([get_weather, order_lunch], tool_choice=choice).invoke(text)
    assert isinstance(reply, AIMessage)
    assert [call["name"] for call in reply.tool_calls] == called
