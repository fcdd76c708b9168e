"""F02: prompts and parameters are hard-coded; a better prompt needs a deployment."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ModelsStopped
from {{ cookiecutter.package_name }}.scaffold.evaluation import load_suite, run
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.readiness import gate, load_stage
from {{ cookiecutter.package_name }}.scaffold.readiness.data import examine, save
from {{ cookiecutter.package_name }}.scaffold.serving import create_api
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.models import vendors

CALLER = Principal("anna", frozenset({"everyone"}), "en")
QUESTION = "How many days of annual leave do employees get?"


def edit(project: Path, pattern: str, replacement: str) -> None:
    path = project / "config" / "prompts" / "answer.en.yaml"
    text = path.read_text("utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    path.write_text(changed, "utf-8")


@pytest.mark.drill("F02")
async def test_an_edited_prompt_serves_the_next_question_and_a_broken_one_does_not(
    application: Application, project: Path
) -> None:
    """Staged: the prompt file is edited, then broken, while the application runs.
    Caught by: prompts follow their files; the last good one stays and the mistake is reported.
    """
    before = await application.ask(QUESTION, CALLER)
    assert before.prompt == "answer.en@1"

    edit(application.settings.root, r'version: "1"', 'version: "2"')
    assert (await application.ask(QUESTION, CALLER)).prompt == "answer.en@2"
    assert application.prompts.error is None

    edit(project, r"  question: \{type", "  qestion: {type")
    assert (await application.ask(QUESTION, CALLER)).prompt == "answer.en@2"
    assert "answer.en.yaml" in (application.prompts.error or "")


@pytest.mark.drill("F02")
async def test_a_prompt_that_was_not_evaluated_turns_the_gate_red(application: Application, project: Path) -> None:
    """Staged: the prompt changes after the evaluation run.
    Caught by: the gate holds the run's prompt digest against the prompts in use.
    """
    await run(application, load_suite(application.settings, "knowledge"), progress=None)
    checked = examine(application, datetime.now(UTC))
    save(application, checked, load_stage(application.settings, "poc").data, "poc")
    assert gate(application, "poc").passed

    edit(project, r"in one to three sentences", "in one sentence")
    red = {check.id: check.reason for check in gate(application, "poc").checks if not check.passed}
    assert list(red) == ["evaluation"]
    assert "prompts" in red["evaluation"]


VERSIONS = 6


@pytest.fixture
def mounted(project: Path) -> Iterator[Application]:
    """The application on a ``config/`` that is mounted from a ConfigMap, of which there are several versions.

    Models and prompts of one version have its number.
    """
    config = project / "config"
    for number in range(1, VERSIONS + 1):
        version = config / f"..{number}"
        shutil.copytree(config / "prompts", version / "prompts")
        for path in version.glob("prompts/*.yaml"):
            path.write_text(path.read_text("utf-8").replace('version: "1"', f'version: "{number}"'), "utf-8")
        models = (config / "models.yaml").read_text("utf-8")
        (version / "models.yaml").write_text(models.replace("extractive-1", f"extractive-{number}"), "utf-8")
    (config / "models.yaml").unlink()
    shutil.rmtree(config / "prompts")
    mount(config, 1)
    for name in ("models.yaml", "prompts"):
        (config / name).symlink_to(f"..data/{name}")
    with build(Settings(root=project)) as opened:
        yield opened


def mount(config: Path, number: int) -> None:
    """As the kubelet does it: all links lead through one, which is replaced at once."""
    (config / "..data_tmp").symlink_to(f"..{number}")
    (config / "..data_tmp").replace(config / "..data")


@pytest.mark.drill("F02")
async def test_model_and_prompt_of_an_answer_are_of_one_version_while_a_configmap_changes(mounted: Application) -> None:
    """Staged: a ConfigMap with models and prompts is swapped again and again under concurrent questions.
    Caught by: the files are read and swapped as one, and a request keeps the version that it began with.
    """
    config = mounted.settings.path("config")
    for number in range(2, VERSIONS + 1):
        swapping = asyncio.create_task(asyncio.to_thread(mount, config, number))
        answers = await asyncio.gather(*(mounted.ask(QUESTION, CALLER) for _ in range(4)))
        await swapping
        answers.append(await mounted.ask(QUESTION, CALLER))
        seen = [(answer.model.rpartition("-")[2], answer.prompt.rpartition("@")[2]) for answer in answers]
        assert {model == prompt for model, prompt in seen} == {True}, seen
        assert seen[-1] == (str(number), str(number))
    assert set(mounted.live.errors().values()) == {None}


@pytest.mark.drill("F02")
async def test_a_request_keeps_the_version_that_it_began_with(mounted: Application) -> None:
    """Staged: the files change between the prompt and the model of a request, and again while its answer streams.
    Caught by: a request is pinned to one version; the next one gets the new.
    """
    config, said = mounted.settings.path("config"), []

    async def ask(question: str, caller: Principal) -> Answer:
        prompt = mounted.prompts.render("answer", caller.locale, question=question, passages="")
        mount(config, 2)
        model = mounted.models.get(prompt.role, prompt.parameters)
        pieces = model.astream(prompt.messages)
        message = await anext(pieces)
        mount(config, 3)
        async for piece in pieces:
            message = message + piece
        inner = mounted.prompts.render("answer", caller.locale, question=question, passages="")
        said.append((message.response_metadata["model_name"], prompt.version, inner.version))
        return Answer(answer=message.text, confidence=0, model="", prompt="", trace_id="")

    application = replace(mounted, usecase=SimpleNamespace(ask=ask))
    for _ in range(2):
        await application.ask(QUESTION, CALLER)
    assert said == [("extractive-1", "1", "1"), ("extractive-3", "3", "3")]


@pytest.mark.drill("F02")
async def test_a_broken_prompt_holds_back_the_models_but_never_the_kill_switch_or_the_policy(
    application: Application, project: Path
) -> None:
    """Staged: a prompt is broken; then models.yaml changes, the policy becomes stricter, and the kill switch is thrown.
    Caught by: prompts and models are one configuration; limits and policy stand apart and take effect at once.
    """
    client = TestClient(create_api(application), "http://127.0.0.1", client=("127.0.0.1", 5000))
    edit(project, r"  question: \{type", "  qestion: {type")
    models = project / "config" / "models.yaml"
    models.write_text(
        models.read_text("utf-8").replace("embed: hashing", "embed: hashing\n  other: extractive"), "utf-8"
    )
    assert (await application.ask(QUESTION, CALLER)).prompt == "answer.en@1"
    assert "other" not in application.models.roles
    warnings = client.get("/readyz").json()["warnings"]
    assert [warning.split()[0] for warning in warnings] == ["config/models.yaml", "config/prompts"]
    page = client.get("/metrics").text
    for name, refused in (("models.yaml", 1), ("prompts", 1), ("service.yaml", 0), ("limits.yaml", 0)):
        assert f'file="config/{name}"}} {refused}.0' in "".join(re.findall("app_config_refused.*", page)), name

    policy = project / "governance" / "policy.yaml"
    policy.write_text(policy.read_text("utf-8").replace("the_model: pseudonymise", "the_model: block"), "utf-8")
    assert application.policy.personal_data_action == "block"
    (project / "config" / "limits.yaml").write_text("stopped: true\n", "utf-8")
    with pytest.raises(ModelsStopped):
        await application.ask(QUESTION, CALLER)

    edit(project, "  qestion: {type", "  question: {type")
    assert "other" in application.models.roles
    assert client.get("/readyz").json()["warnings"] == []
    page = client.get("/metrics").text
    assert "1.0" not in re.findall("app_config_refused.* (.*)", page)
    for outcome in ("loaded", "refused"):
        assert f'file="config/models.yaml",outcome="{outcome}"}} 1.0' in page


@pytest.mark.drill("F02")
async def test_the_parameters_of_a_prompt_change_with_its_file(project: Path) -> None:
    """Staged: a prompt's parameters are edited while the application runs; nothing else is.
    Caught by: a prompt carries its parameters, which go with the next question, and onto its record.
    """
    with vendors.running() as vendor:
        models = project / "config" / "models.yaml"
        text = models.read_text("utf-8")
        entry = f"\n    provider: openai-compatible\n    base_url: {vendor.openai}\n    model: loopback-1\n"
        models.write_text(text.replace("\n    provider: offline\n    model: extractive-1\n", entry), "utf-8")
        with build(Settings(root=project)) as application:
            await application.ask(QUESTION, CALLER)
            edit(project, "max_tokens: 4096", "temperature: 0.25")
            await application.ask(QUESTION, CALLER)
            records = [record for record in application.audit.records() if record["event"] == "model_call"]
    first, second = (request.body for request in vendor.requests)
    assert (first.get("max_completion_tokens"), "temperature" in first) == (4096, False)
    assert ("max_completion_tokens" in second, second.get("temperature")) == (False, 0.25)
    assert len({record["model_sha256"] for record in records}) == 2
