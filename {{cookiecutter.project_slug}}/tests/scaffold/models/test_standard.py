"""langchain's standard suites, on the offline model and on the same model with every control round it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from sqlalchemy import Engine

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog, Policy
from {{ cookiecutter.package_name }}.scaffold.models import Models
from {{ cookiecutter.package_name }}.scaffold.models.deadline import Deadline
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry

from tests.scaffold.models.test_models import OFFLINE

STANDING_BY = OFFLINE.replace("roles:", "  second:\n    provider: offline\n    model: extractive-2\nroles:").replace(
    "answer: extractive", "answer: {use: extractive, fallback: [second], deadline: 90}"
)


class OfflineModel:
    """What both suites are told about the offline model."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OfflineChatModel

    @property
    def model_override_value(self) -> str:
        return "extractive-2"


class TestOfflineUnit(OfflineModel, ChatModelUnitTests):
    pass


class TestOfflineIntegration(OfflineModel, ChatModelIntegrationTests):
    pass


class GovernedModel(OfflineModel):
    """The same, through every control."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Deadline

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return self.params

    @pytest.fixture(autouse=True)
    def _governed(self, root: Path, policy: Policy, audit: AuditLog, telemetry: Telemetry, state: Engine) -> None:
        (root / "config" / "models.yaml").write_text(STANDING_BY, "utf-8")
        governed = Models(Settings(root=root), policy, audit, telemetry, state).get("answer")
        assert isinstance(governed, Deadline)
        self.params = {name: getattr(governed, name) for name in ("inner", "seconds", "pace")}


class TestGovernedUnit(GovernedModel, ChatModelUnitTests):
    pass


class TestGovernedIntegration(GovernedModel, ChatModelIntegrationTests):
    pass
