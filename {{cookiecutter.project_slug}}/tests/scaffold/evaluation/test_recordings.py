"""Answers are recorded where the key is, and replayed where it is not: the same ones, or none."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold import cli
from {{ cookiecutter.package_name }}.scaffold.application import Parts, open_application
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, load_suite, recordings, run
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.offline import OfflineChatModel
from {{ cookiecutter.package_name }}.scaffold.observability import trace_id
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

from tests.scaffold.evaluation.cases import line, write
from tests.scaffold.models import vendors

MODELS = """\
models:
  gateway:
    provider: {provider}
    base_url: {url}
    model: loopback-1
    api_key_env: LOOPBACK_KEY
  hashing:
    provider: offline
    model: hashing-1024
    kind: embedding
roles:
  answer:
    use: gateway
    retries: 0
  embed: hashing
"""
ADDRESS = "jane.doe@mail-probe.com"
CASES = [
    line("hotel", question="How much can I spend on a hotel in Hamburg per night?", caller="anna"),
    line("session", question="How long does a remote access session last?", caller="callum"),
    line("mine", question=f"I am {ADDRESS}: how long does a remote access session last?", caller="callum"),
]


@dataclass(frozen=True)
class Recorded:
    """A project whose three cases were asked of a vendor that is gone now."""

    root: Path
    command: Callable[..., tuple[int, str, str]]

    def eval(self, *arguments: str) -> tuple[int, str, str]:
        return self.command("eval", *arguments)

    @property
    def file(self) -> Path:
        return self.root / "evals" / "recordings" / "three.jsonl"

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text("utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), "utf-8")


def as_ever(question: str) -> str:
    return OfflineChatModel().invoke(question).text


@pytest.fixture
def asked(project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Recorded:
    """A project with three cases, and its command ``eval``."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(vendors, "said", as_ever)
    write(project / "evals" / "datasets" / "three.jsonl", CASES)
    suite = "name: three\ndataset: evals/datasets/three.jsonl\nthresholds:\n  completed: {min: 1}\n"
    (project / "evals" / "suites" / "three.yaml").write_text(suite, "utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["app", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.run(build)
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return Recorded(project, call)


@pytest.fixture
def live(asked: Recorded, monkeypatch: pytest.MonkeyPatch) -> Iterator[vendors.Vendor]:
    """The vendor, while it is there."""
    with vendors.running() as vendor:
        text = MODELS.format(provider="openai-compatible", url=vendor.openai)
        (asked.root / "config" / "models.yaml").write_text(text, "utf-8")
        monkeypatch.setenv("LOOPBACK_KEY", vendors.KEY)
        yield vendor


@pytest.fixture
def recorded(asked: Recorded, live: vendors.Vendor, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Three cases recorded; after that nobody can be called, and there is no key."""
    code, out, err = asked.eval("run", "three", "--record", "--json")
    assert code == 0, err
    (asked.root / "recorded.json").write_text(out, "utf-8")
    live.requests.clear()
    monkeypatch.delenv("LOOPBACK_KEY")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return asked


def refuse(*_: Any) -> None:
    raise AssertionError("something was called")


def answers(printed: str) -> list[Any]:
    run = json.loads(printed)
    kept = ("id", "answer", "refused", "citations", "scores", "model", "prompt")
    return [{name: case[name] for name in kept} for case in run["cases"]]


@pytest.mark.parametrize("asked_for", [[], ["--replay"]], ids=["no key is there", "asked for"])
def test_recorded_answers_are_replayed_without_key_and_network(
    recorded: Recorded, live: vendors.Vendor, asked_for: list[str]
) -> None:
    code, out, err = recorded.eval("run", "three", "--json", *asked_for)
    assert code == 0, err
    before = (recorded.root / "recorded.json").read_text("utf-8")
    assert answers(out) == answers(before)
    assert (json.loads(before)["calls"], json.loads(out)["calls"]) == ("live", "replayed")
    assert (json.loads(before)["times"][:12], json.loads(out)["times"]) == ("4 at a time ", "replayed")
    assert not live.requests
    assert ("LOOPBACK_KEY" in err) == (not asked_for)  # it says why it does not ask
    assert json.loads(out)["metrics"]["input_tokens"] == json.loads(before)["metrics"]["input_tokens"]


def test_a_baseline_of_replayed_answers_says_so(recorded: Recorded) -> None:
    assert "replayed" not in recorded.eval("baseline", "three", "--by", "Ada", "--force")[1]
    assert recorded.eval("run", "three", "--replay")[0] == 0
    code, out, _ = recorded.eval("baseline", "three", "--by", "Ada", "--force")
    assert code == 0
    assert (
        "Its answers were replayed from evals/recordings/three.jsonl: they are those of the day of the recording" in out
    )


def test_a_recording_holds_no_question_no_personal_data_and_no_key(recorded: Recorded) -> None:
    text = recorded.file.read_text("utf-8")
    assert len(text.splitlines()) == 2 + len(CASES)
    for secret in (ADDRESS, vendors.KEY, *(case["question"] for case in CASES)):
        assert secret not in text


PROMPT = "config/prompts/answer.en.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        (PROMPT, "NO_ANSWER", "NO_ANSWER, and nothing else", r"config/prompts changed since .*three\.jsonl was recorded"),
        ("config/models.yaml", "loopback-1", "loopback-2", r"config/models\.yaml changed since .*three\.jsonl"),
        ("config/models.yaml", "    api_key_env", "    parameters: {temperature: 1}\n    api_key_env", "models.yaml changed"),
        ("evals/datasets/three.jsonl", "Hamburg", "Munich", r"does not hold a request to .*loopback-1 with the prompt "
         r"answer\.en.*changed: cases; record again where the key is: eval run --record"),
        ("evals/recordings/three.jsonl", "EUR", "GBP", r"three\.jsonl is not what was recorded: it was changed or cut"),
        ("evals/recordings/three.jsonl", '{"request"', '{"again": 1, "request"', "is not what was recorded"),
    ],
)  # fmt: skip
def test_a_replay_is_refused_where_the_answers_say_nothing(
    recorded: Recorded, path: str, old: str, new: str, says: str
) -> None:
    recorded.replace(path, old, new)
    code, out, err = recorded.eval("run", "three")
    assert code == 2, out
    assert re.search(says, err.replace("\n", " "))
    assert "Traceback" not in err
    assert len(list((recorded.root / "evals" / "runs").glob("*three*"))) == 1  # the one that was recorded


@pytest.mark.parametrize("left", [0, 1, 3, 4])
def test_a_recording_that_was_cut_is_refused(recorded: Recorded, left: int) -> None:
    lines = recorded.file.read_text("utf-8").splitlines(keepends=True)
    recorded.file.write_text("".join(lines[:left]), "utf-8")
    code, _, err = recorded.eval("run", "three", "--replay")
    assert code == 2
    assert "is not what was recorded: it was changed or cut" in err


def test_a_document_that_changed_is_named(recorded: Recorded) -> None:
    recorded.replace("data/documents/travel/travel-policy-2026.md", "150 EUR", "155 EUR")
    with build(Settings(root=recorded.root, offline=True)) as application:
        application.index.sync()
    code, _, err = recorded.eval("run", "three")
    assert code == 2
    assert "since it was recorded changed: documents or how they are searched" in err


def test_without_key_and_recording_the_error_says_both_ways_to_mend(recorded: Recorded) -> None:
    recorded.file.unlink()
    code, out, err = recorded.eval("run", "three")
    assert (code, out) == (2, "")
    assert "LOOPBACK_KEY" in err
    assert "run 'eval run three --record' where the key is, and commit evals/recordings/three.jsonl" in err


def test_a_replay_that_is_asked_for_needs_its_recording(recorded: Recorded) -> None:
    recorded.file.unlink()
    code, out, err = recorded.eval("run", "three", "--replay")
    assert (code, out) == (2, "")
    assert "There is no recording evals/recordings/three.jsonl; record again where the key is" in err


def test_the_offline_model_needs_no_recording(asked: Recorded) -> None:
    code, out, err = asked.eval("run", "three", "--replay", "--json")
    assert code == 0, err
    assert json.loads(out)["calls"] == "live"


STAGES = """\
stages:
  poc:
    evaluation: {suite: three, min_cases: 3, max_age_hours: 24}
    checks: [evaluation, personal_data]
"""


def test_a_gate_without_a_key_takes_replayed_answers_unless_it_demands_those_of_now(recorded: Recorded) -> None:
    stages = recorded.root / "governance" / "stages.yaml"
    stages.write_text(STAGES, "utf-8")
    assert recorded.eval("run", "three")[0] == 0
    code, out, err = recorded.command("gate", "--json")
    assert code == 0, out + err
    assert "3 reviewed cases, recorded answers, every threshold reached" in out

    stages.write_text(STAGES.replace("24}", "24, live: true}"), "utf-8")
    code, out, _ = recorded.command("gate", "--json")
    assert code == 1
    assert "recorded answers were replayed, and answers of now are demanded" in out


def test_live_is_never_replayed(recorded: Recorded) -> None:
    code, _, err = recorded.eval("run", "three", "--live")
    assert code == 2
    assert "LOOPBACK_KEY" in err


def test_what_a_vendor_did_not_answer_is_not_recorded(asked: Recorded, live: vendors.Vendor) -> None:
    live.fault = 503
    code, _, err = asked.eval("run", "three", "--record")
    assert code == 2
    assert "3 requests to openai-compatible/loopback-1 got no answer (the first of them: " in err
    assert "503" in err
    assert not asked.file.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--record", "--replay"], "Choose one of"),
        (["--record", "--offline"], "Choose one of"),
        (["--record"], "Only the offline model is used, which needs no recording"),
    ],
)
def test_what_cannot_be_is_said(asked: Recorded, arguments: list[str], says: str) -> None:
    code, out, err = asked.eval("run", "three", *arguments)
    assert (code, out) == (2, "")
    assert says in err


class Unmoved:
    """A use case that takes whatever goes wrong for no answer."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def ask(self, question: str, caller: Principal) -> Answer:
        text = "nobody knows"
        with suppress(ScaffoldError):
            text = (await self.parts.models.get("answer").ainvoke(question)).text
        return Answer(answer=text, confidence=0, model="", prompt="", trace_id=trace_id())


def test_what_is_not_recorded_ends_a_run_whatever_the_use_case_makes_of_it(
    asked: Recorded, live: vendors.Vendor
) -> None:
    settings = Settings(root=asked.root)
    suite = load_suite(settings, "three")

    def evaluated(calls: recordings.Calls) -> Run:
        with recordings.opened(
            lambda: open_application(settings, Unmoved, "test"), settings, suite, calls, lambda _: None
        ) as application:
            return asyncio.run(run(application, suite))

    assert evaluated("record").cases[0].answer == evaluated("replay").cases[0].answer
    asked.replace("evals/datasets/three.jsonl", "Hamburg", "Munich")
    with pytest.raises(ConfigurationError, match=r"does not hold a request .* changed: cases"):
        evaluated("replay")
