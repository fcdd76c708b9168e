"""A use case has a name in reports, whether or not it says one."""

from __future__ import annotations

import dataclasses

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.observability import Call, current_call
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.evaluation.cases import answer


class Reports:
    def __init__(self) -> None:
        self.calls: list[Call | None] = []

    async def ask(self, question: str, caller: Principal) -> Answer:
        self.calls.append(current_call.get())
        return answer("It is 150 EUR.")


class Named(Reports):
    name = "weekly-reports"


@pytest.mark.parametrize(("usecase", "name"), [(Reports(), "Reports"), (Named(), "weekly-reports")])
async def test_a_call_names_its_caller_their_groups_and_the_use_case(
    usecase: Reports, name: str, application: Application
) -> None:
    asked = dataclasses.replace(application, usecase=usecase)
    await asked.ask("What is it?", Principal("anna", frozenset({"sales", "hr"})), channel="api")
    assert usecase.calls == [Call("anna", "api", ("hr", "sales"), name)]
