"""langchain's standard suite on vendors' own classes with every control round them, over the wire to loopback.

The vendor there reads schemas as the offline model does: it calls the tool that it is offered, and fills in what the
text says.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from {{ cookiecutter.package_name }}.scaffold.models.arguments import fill
from {{ cookiecutter.package_name }}.scaffold.models.deadline import Deadline

from tests.scaffold.models import vendors
from tests.scaffold.models.conftest import Open
from tests.scaffold.models.vendors import MODEL, Vendor
from tests.scaffold.models.vendors.wire import Asked, Reply


class OverTheWire(ChatModelIntegrationTests):
    variant: str
    name = MODEL

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Deadline

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return self.params

    @pytest.fixture(autouse=True)
    def _wired(self, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(vendors, "_reply", self._reply)
        governed = open_models(at(self.variant).replace(MODEL, self.name)).get("answer")
        self.params = {name: getattr(governed, name) for name in ("inner", "seconds", "pace")}

    def _reply(self, asked: Asked, vendor: Vendor) -> Reply:
        body = vendor.requests[-1].body
        if schema := self.form(body):
            return Reply(asked.model, json.dumps(fill(schema, asked.said)))
        if (tools := self.tools(body)) and not self.told(body):
            name, schema = next(iter(tools.items()))
            return Reply(asked.model, "", tool=name, arguments=fill(schema, asked.said))
        return Reply(asked.model, vendors.said(asked.said))

    def form(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The schema that the text of the answer is to have."""
        return None

    @abstractmethod
    def tools(self, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The schemas of the tools that are offered, by name."""

    @abstractmethod
    def told(self, body: dict[str, Any]) -> bool:
        """Whether the last message is what a tool has said."""


class TestGoogle(OverTheWire):
    variant = "google"

    def form(self, body: dict[str, Any]) -> dict[str, Any] | None:
        schema: dict[str, Any] | None = body["generationConfig"].get("responseJsonSchema")
        return schema

    def tools(self, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
        functions = [each for tool in body.get("tools", []) for each in tool["functionDeclarations"]]
        return {each["name"]: _in_small_letters(each.get("parameters", {})) for each in functions}

    def told(self, body: dict[str, Any]) -> bool:
        return "functionResponse" in body["contents"][-1]["parts"][-1]


class TestBedrock(OverTheWire):
    variant = "bedrock"
    name = "anthropic.claude-haiku-4-5-20251001-v1:0"

    def tools(self, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
        specs = [tool["toolSpec"] for tool in body.get("toolConfig", {}).get("tools", [])]
        return {spec["name"]: spec["inputSchema"]["json"] for spec in specs}

    def told(self, body: dict[str, Any]) -> bool:
        return "toolResult" in body["messages"][-1]["content"][-1]


class TestAzureOpenAI(OverTheWire):
    variant = "azure-openai"

    def form(self, body: dict[str, Any]) -> dict[str, Any] | None:
        schema: dict[str, Any] | None = body.get("response_format", {}).get("json_schema", {}).get("schema")
        return schema

    def tools(self, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
        functions = [tool["function"] for tool in body.get("tools") or []]
        return {each["name"]: each["parameters"] for each in functions}

    def told(self, body: dict[str, Any]) -> bool:
        return bool(body["messages"][-1]["role"] == "tool")


class TestOllama(TestAzureOpenAI):
    variant = "ollama"

    def form(self, body: dict[str, Any]) -> dict[str, Any] | None:
        return body.get("format")


class TestAnthropic(OverTheWire):
    variant = "anthropic"

    def tools(self, body: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {tool["name"]: tool["input_schema"] for tool in body.get("tools", [])}

    def told(self, body: dict[str, Any]) -> bool:
        return any(block["type"] == "tool_result" for block in body["messages"][-1]["content"] if block != str(block))


def _in_small_letters(schema: Any) -> Any:
    """Google writes JSON schema's types in capital letters."""
    if isinstance(schema, dict):
        return {
            key: value.lower() if key == "type" and isinstance(value, str) else _in_small_letters(value)
            for key, value in schema.items()
        }
    return [_in_small_letters(each) for each in schema] if isinstance(schema, list) else schema
