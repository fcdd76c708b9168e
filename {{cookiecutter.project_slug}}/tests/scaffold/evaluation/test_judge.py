"""A model as judge: it decides nothing before it was held against people, and its silence is no praise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.cli import commands
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import SuiteFile, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.agreement import Changed, cohens_kappa, kappa_bound, measure, proven
from {{ cookiecutter.package_name }}.scaffold.evaluation.judging import Judge, Submitted
from {{ cookiecutter.package_name }}.scaffold.evaluation.suite import JudgedBy
from {{ cookiecutter.package_name }}.scaffold.models.recording import Recorder, on

from tests.scaffold.evaluation.cases import Scripted, line, suite, write, written
from tests.scaffold.models import vendors

LABELS = "evals/labels/answers.jsonl"
ROLE = {"use": "gateway", "retries": 0}
THRESHOLDS = {"judged_correctness": {"min": 0.1}}


def test_kappa_is_what_a_hand_computes() -> None:
    # Cohen (1960): observed 0.7, chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5, so 0.2 / 0.5.
    pairs = [("a", "a")] * 40 + [("a", "b")] * 10 + [("b", "a")] * 20 + [("b", "b")] * 30
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([("a", "a"), ("b", "b")]) == 1
    assert cohens_kappa([("a", "b"), ("b", "a")]) == -1
    assert cohens_kappa([("a", "a")] * 9) == 0  # whoever always says the same agrees by chance
    assert 0.2 < kappa_bound(pairs) < 0.4
    with pytest.raises(ValueError, match="nobody"):
        cohens_kappa([])


def label(number: int, **changes: Any) -> dict[str, Any]:
    """Every third is right, every third is half right, every third is wrong and made up."""
    verdict = ("correct", "partly", "wrong")[number % 3]
    return {
        "id": f"label-{number}",
        "question": f"What may a room in town {number} cost?",
        "reference": "150 EUR, breakfast included.",
        "passages": ["150 EUR, breakfast included.", "Ask your manager."],
        "answer": f"The {verdict} answer {number}.",
        "verdict": verdict,
        "grounded": verdict != "wrong",
        "by": "Ada",
        "on": "2026-01-31",
        **changes,
    }


def honest(prompt: str) -> str:
    """A judge that sees what people saw."""
    answer = prompt.rsplit("Answer to be judged", 1)[1]
    verdict = next(each for each in ("correct", "partly", "wrong") if f"{each} answer" in answer)
    return json.dumps({"verdict": verdict, "grounded": verdict != "wrong", "reason": "so it is"})


def flattered(prompt: str) -> str:
    """One that takes length for quality."""
    return honest(prompt) if "In other words" not in prompt else json.dumps({"verdict": "correct", "grounded": True})


def content(_: str) -> str:
    """One that finds everything good."""
    return 'Sure! {"verdict": "correct", "grounded": true}'


def by_position(prompt: str) -> str:
    """One that believes the first passage only."""
    first = prompt.split("[1] source:", 3)[-1]
    return (
        honest(prompt) if "breakfast" in first.split("[2]")[0] else json.dumps({"verdict": "wrong", "grounded": False})
    )


def by_first(prompt: str) -> str:
    """One that looks for what carries the answer in the first passage only."""
    verdict = json.loads(honest(prompt))
    first = prompt.split("[1] source:", 3)[-1].split("[2]")[0]
    return json.dumps({**verdict, "grounded": verdict["grounded"] and "breakfast" in first})


@pytest.fixture
def judged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Application, Callable[[Any], None]]]:
    """The application with a judge on loopback, and what changes what it says."""
    path = project / "config" / "models.yaml"
    with vendors.running() as vendor:
        file = yaml.safe_load(path.read_text("utf-8"))
        gateway = {"provider": "openai-compatible", "base_url": vendor.openai, "model": "loopback-1"}
        file["models"]["gateway"], file["roles"]["judge"] = gateway, ROLE
        path.write_text(yaml.safe_dump(file), "utf-8")
        write(project / LABELS, [label(number) for number in range(45)])
        with build(Settings(root=project)) as opened:
            yield opened, lambda says: monkeypatch.setattr(vendors, "said", says)


def a_suite(project: Path, **changes: Any) -> SuiteFile:
    return suite(project, [line("hotel"), line("refused")], judge={}, thresholds=THRESHOLDS, **changes)


def reason(application: Application, chosen: SuiteFile) -> str:
    (verdict,) = proven(application, chosen)
    return "" if verdict.passed else verdict.reason


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (honest, ""),
        (content, "kappa of judged_correctness is at least 0.00 only (95 %), 0.6 is demanded"),
        (
            flattered,
            "30 of 30 verdicts on poor answers rise when these are padded, which may be 100% of all (95 %); 20% is allowed",
        ),
        (by_position, "verdicts change with the order of the passages, which may be"),
        (by_first, "30 of 45 verdicts change with the order of the passages"),
        (lambda _: "I would rather not say.", "kappa of judged_correctness is at least"),
    ],
    ids=["honest", "finds all good", "likes it long", "believes the first", "finds it in the first", "says nothing"],
)
async def test_a_judge_decides_once_it_agrees_with_people(
    judged: tuple[Application, Callable[[Any], None]], project: Path, says: Any, why: str
) -> None:
    application, set_judge = judged
    set_judge(says)
    chosen = a_suite(project)
    assert "nobody has held it against people yet" in reason(application, chosen)
    assert chosen.judge is not None
    found = await measure(application, chosen, chosen.judge)
    assert found.n == 45
    assert why in reason(application, chosen)
    assert bool(why) is bool(reason(application, chosen))


@pytest.mark.parametrize(
    ("two", "says", "changes", "why"),
    [
        (30, honest, {}, ""),
        (29, honest, {}, "29 labels have two passages or more, at least 30 are needed"),
        (0, by_first, {}, "0 labels have two passages or more, at least 30 are needed"),
        (
            45,
            content,
            {"kappa": 0},
            "0 answers were found poor, at least 30 are needed to say whether length flatters it",
        ),
    ],
)
async def test_what_nothing_was_measured_on_is_no_evidence(
    judged: tuple[Application, Callable[[Any], None]], project: Path, two: int, says: Any, changes: Any, why: str
) -> None:
    application, set_judge = judged
    set_judge(says)
    one, same = ["150 EUR, breakfast included."], ["150 EUR, breakfast included."] * 2  # neither has an order
    short = [label(n, **({} if n < two else {"passages": (one, same)[n % 2]})) for n in range(45)]
    write(project / LABELS, short)
    chosen = a_suite(project).model_copy(update={"judge": JudgedBy(**changes)})
    assert chosen.judge is not None
    found = await measure(application, chosen, chosen.judge)
    assert found.order.of == two
    assert why in reason(application, chosen)
    assert bool(why) is bool(reason(application, chosen))
    assert ("not enough evidence" in reason(application, chosen)) is bool(why)


async def test_a_changed_judge_or_label_has_to_be_proven_anew(
    judged: tuple[Application, Callable[[Any], None]], project: Path
) -> None:
    application, set_judge = judged
    set_judge(honest)
    chosen = a_suite(project)
    assert chosen.judge is not None
    await measure(application, chosen, chosen.judge)
    assert reason(application, chosen) == ""
    labels = project / LABELS
    before = labels.read_bytes()
    labels.write_bytes(before + json.dumps(label(99)).encode() + b"\n")
    assert "the labels changed" in reason(application, chosen)
    labels.write_bytes(before)
    rubric = project / "config" / "prompts" / "judge.en.yaml"
    rubric.write_text(
        rubric.read_text("utf-8").replace("Judge in this order", "Be mild, and judge in this order"), "utf-8"
    )
    assert "its model or its rubric changed" in reason(application, chosen)
    (project / "evals" / "judges" / "small.json").write_text("{}", "utf-8")
    assert "cannot be read" in reason(application, chosen)


async def test_what_the_judge_says_is_scored_and_an_unproven_one_lets_nothing_pass(
    judged: tuple[Application, Callable[[Any], None]], project: Path
) -> None:
    application, set_judge = judged
    set_judge(content)
    made = await run(application.__class__(**{**vars(application), "usecase": Scripted()}), a_suite(project))
    assert [case.scores["judged_correctness"].score for case in made.cases] == [1, 1]
    assert [verdict.outcome for verdict in made.verdicts] == ["passed", "unclear"]
    assert not made.passed


@pytest.mark.parametrize("says", ["no braces", '{"verdict": "splendid", "grounded": true}', '{"verdict": "correct"}'])
async def test_a_judge_that_gives_no_verdict_praises_nothing(
    judged: tuple[Application, Callable[[Any], None]], project: Path, says: str
) -> None:
    application, set_judge = judged
    set_judge(lambda _: says)
    made = await run(application.__class__(**{**vars(application), "usecase": Scripted()}), a_suite(project))
    assert {case.scores["judged_correctness"].score for case in made.cases} == {0}
    assert "The judge gave no verdict" in made.cases[0].scores["judged_correctness"].reason


async def test_a_judge_that_changed_behind_its_name_is_found_out_when_it_is_held_again(
    judged: tuple[Application, Callable[[Any], None]], project: Path
) -> None:
    application, set_judge = judged
    chosen = a_suite(project)
    assert chosen.judge is not None
    for says, why in ((honest, ""), (content, "kappa of judged_correctness is at least 0.00 only"), (honest, "")):
        set_judge(says)
        await measure(application, chosen, chosen.judge)
        assert why in reason(application, chosen)
        assert bool(why) is bool(reason(application, chosen))


async def test_the_same_is_asked_once(judged: tuple[Application, Callable[[Any], None]], project: Path) -> None:
    application, set_judge = judged
    asked: list[str] = []

    def counted(prompt: str) -> str:
        asked.append(prompt)
        return content(prompt)

    set_judge(counted)
    scripted = application.__class__(**{**vars(application), "usecase": Scripted()})
    for _ in range(2):
        await run(scripted, a_suite(project))
    assert len(asked) == 2  # two cases
    (project / "config" / "prompts" / "judge.en.yaml").open("a", encoding="utf-8").write("# another rubric\n")
    await run(scripted, a_suite(project))
    assert len(asked) == 4


def test_a_suite_without_a_judge_has_no_judged_metric(project: Path) -> None:
    with pytest.raises(ValueError, match="there is no metric 'judged_correctness'"):
        suite(project, [line()], thresholds=THRESHOLDS)


def test_the_offline_model_is_no_judge_and_a_missing_one_is_named(application: Application, project: Path) -> None:
    chosen = a_suite(project)
    written(project, chosen)
    with pytest.raises(ConfigurationError, match=r"small.yaml:\d+: judge.role: .*role 'judge', which config/models"):
        asyncio.run(run(application, chosen))
    role = suite(project, [line()], judge={"role": "answer"}, thresholds=THRESHOLDS)
    with pytest.raises(ConfigurationError, match=r"is the offline model, which cannot judge"):
        asyncio.run(run(application, role))


def test_a_judge_without_its_key_is_named_before_anything_is_asked(project: Path) -> None:
    path = project / "config" / "models.yaml"
    file = yaml.safe_load(path.read_text("utf-8"))
    file["models"]["gpt"] = {"provider": "openai", "model": "gpt-5.4-mini", "api_key_env": "NO_SUCH_KEY"}
    file["roles"]["judge"] = "gpt"
    path.write_text(yaml.safe_dump(file), "utf-8")
    with (
        build(Settings(root=project)) as application,
        pytest.raises(ConfigurationError, match=r"The judge cannot be asked: .*NO_SUCH_KEY .*, or take judge out"),
    ):
        asyncio.run(run(application, a_suite(project)))


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        ([label(n) for n in range(20)], EvidenceError, "holds 20 labelled answers of 3 kinds; at least 30"),
        ([label(3 * n) for n in range(40)], EvidenceError, "holds 40 labelled answers of 1 kinds"),
        ([label(0, verdict="good")], ConfigurationError, r"answers.jsonl:1: verdict: .* not 'good'"),
        ([label(0, by="")], ConfigurationError, r"answers.jsonl:1: by: "),
        ([label(0), label(0)], ConfigurationError, r"answers.jsonl:2: id: 'label-0' is taken by line 1"),
    ],
)
async def test_labels_that_say_too_little_or_are_wrong_are_refused(
    judged: tuple[Application, Callable[[Any], None]],
    project: Path,
    lines: list[dict[str, Any]],
    error: type[Exception],
    message: str,
) -> None:
    application, set_judge = judged
    set_judge(honest)
    write(project / LABELS, lines)
    chosen = a_suite(project)
    assert chosen.judge is not None
    with pytest.raises(error, match=message):
        await measure(application, chosen, chosen.judge)
    assert not (project / "evals" / "judges").exists()


def test_the_command_says_whether_it_may_decide(
    judged: tuple[Application, Callable[[Any], None]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, set_judge = judged
    chosen = a_suite(project)
    (project / "evals" / "suites" / "small.yaml").write_text(chosen.model_dump_json(), "utf-8")
    monkeypatch.setenv("APP_ROOT", str(project))
    monkeypatch.delenv("APP_OFFLINE", raising=False)
    for says, code in ((honest, 0), (content, 1)):
        set_judge(says)
        done = CliRunner().invoke(commands(build), ["eval", "judge", "small", "--json"])
        assert done.exit_code == code, done.output
        assert json.loads(done.stdout)["proven"] is (code == 0)


def test_a_verdict_is_recorded_although_it_was_given_before(
    judged: tuple[Application, Callable[[Any], None]], project: Path
) -> None:
    application, says = judged
    says(honest)
    submitted, recorder = Submitted("What?", "150 EUR", "The correct answer 1.", ["150 EUR"]), Recorder()
    given = asyncio.run(Judge(application, "judge").judge(submitted))
    with on(recorder):
        recording = build(Settings(root=project))
    with recording:
        assert asyncio.run(Judge(recording, "judge").judge(submitted)) == given
    assert len(recorder.content("small", {}).splitlines()) == 3


async def test_the_worse_end_of_the_interval_decides_on_a_bias(
    judged: tuple[Application, Callable[[Any], None]], project: Path
) -> None:
    application, set_judge = judged
    set_judge(honest)
    chosen = a_suite(project)
    assert chosen.judge is not None
    found = await measure(application, chosen, chosen.judge)
    for bias in ("order", "repetition", "length"):
        for of, changed, may in (
            (37, 3, True),
            (37, 4, False),
            (61, 7, True),
            (61, 8, False),
            (300, 45, True),
            (300, 60, False),
        ):
            few = found.model_copy(update={bias: Changed(of=of, changed=changed)})
            (project / "evals" / "judges" / "small.json").write_text(few.model_dump_json(), "utf-8")
            assert (reason(application, chosen) == "") is may, (bias, of, changed)
