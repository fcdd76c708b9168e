"""The baseline: what it keeps, what it is paired by, and what a run must show against it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, EvidenceError, ModelUnavailable
from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult, SuiteFile, run
from {{ cookiecutter.package_name }}.scaffold.evaluation.baseline import (
    Baseline,
    accept,
    against,
    load,
    scores_of,
)
from {{ cookiecutter.package_name }}.scaffold.evaluation.power import power

from tests.scaffold.evaluation.cases import HOTEL, Scripted, answer, line, result, suite, written

MARGIN = {"correctness": {"margin": 0.05}}


def cases(scores: Mapping[str, float], **changes: Any) -> list[CaseResult]:
    return [result(id_, score, **changes) for id_, score in scores.items()]


def baseline(before: list[CaseResult], **changes: Any) -> Baseline:
    kept = [
        {"id": each.id, "sha256": each.sha256, "answer": each.answer, "refused": False, "citations": []}
        | {"scores": scores_of([each])[each.id], "measures": each.measures}
        for each in before
    ]
    shape = {"suite": "small", "dataset": "d", "run": "r0", "accepted_at": datetime.now(UTC), "by": "Ada"}
    return Baseline.model_validate({**shape, "digests": {"code": "a"}, "cases": kept, **changes})


def a_suite(thresholds: Mapping[str, Any] = MARGIN, **changes: Any) -> SuiteFile:
    return SuiteFile.model_validate({"name": "small", "dataset": "d", "thresholds": thresholds, **changes})


def numbered(n: int, failing: range = range(0)) -> dict[str, float]:
    return {f"c{i}": float(i not in failing) for i in range(n)}


@pytest.mark.parametrize(
    ("n", "before", "after", "outcome", "said"),
    [
        (58, range(0), range(0), "unclear", "not ruled out: not enough evidence"),
        (59, range(0), range(0), "passed", "from 1.000 to 1.000 over 59 cases"),
        (500, range(20), range(20), "passed", "0 worse, 0 better, p = 1"),
        (500, range(10), range(20), "passed", "10 worse, 0 better"),  # significant, and still within the margin
        (500, range(0), range(40), "missed", "at most 0.05 may be lost, and chance does not explain it. Worse: c0, c1"),
        (100, range(0), range(4), "unclear", "4 worse, 0 better, p = 0.062"),
        (100, range(5), range(0), "passed", "0 worse, 5 better"),
    ],
)
def test_a_margin_is_decided_by_the_bound(n: int, before: range, after: range, outcome: str, said: str) -> None:
    found, (verdict,) = against(baseline(cases(numbered(n, before))), cases(numbered(n, after)), a_suite(), {})
    assert (verdict.metric, verdict.outcome) == ("correctness", outcome)
    assert said in verdict.reason
    assert found.metrics["correctness"].worse == [f"c{i}" for i in after if i not in before]


def test_where_no_margin_is_set_a_run_is_shown_beside_the_baseline_and_not_judged_by_it() -> None:
    found, verdicts = against(
        baseline(cases(numbered(80))), cases(numbered(80, range(80))), a_suite({"correctness": {"min": 0.1}}), {}
    )
    assert (verdicts, found.metrics["correctness"].difference, found.changed) == ([], -1, ["code"])


def test_rewritten_new_and_dropped_cases_are_left_out_and_counted() -> None:
    before = [*cases(numbered(60)), result("dropped"), result("rewritten")]
    after = [*cases(numbered(60)), result("new", 0), result("rewritten", 0, sha256="1" * 64)]
    found, (verdict,) = against(baseline(before), after, a_suite(), {})
    assert found.left_out == ["dropped", "new", "rewritten"]
    assert (found.metrics["correctness"].n, verdict.outcome) == (60, "passed")


def test_attempts_of_a_case_count_once_by_their_mean() -> None:
    before = cases(numbered(60))
    after = [result(f"c{i}", float(i > 0 or n > 1), attempt=n) for i in range(60) for n in (1, 2)]
    found, _ = against(baseline(before), after, a_suite(), {})
    assert (found.metrics["correctness"].n, found.metrics["correctness"].worse) == (60, ["c0"])
    assert found.metrics["correctness"].difference == pytest.approx(-0.5 / 60)


@pytest.mark.parametrize(("lost", "named"), [(range(15), ["correctness of hr"]), (range(4), [])])
def test_a_slice_that_lost_beyond_chance_is_named_though_the_whole_holds(lost: range, named: list[str]) -> None:
    tags = {f"c{i}": ["hr"] if i < 40 else [f"t{i % 9}"] for i in range(500)}
    before = [result(id_, tags=tags[id_]) for id_ in numbered(500)]
    after = [result(id_, score, tags=tags[id_]) for id_, score in numbered(500, lost).items()]
    _, (whole, *slices) = against(baseline(before), after, a_suite(), {})
    assert whole.outcome == "passed"
    hr = [verdict for verdict in slices if verdict.slice == "hr"]
    assert [f"{verdict.metric} of {verdict.slice}" for verdict in hr] == named
    assert all(verdict.outcome == "missed" and verdict.reason.startswith(named[0]) for verdict in hr)


def test_one_slice_of_many_that_had_bad_luck_is_not_named() -> None:
    """Five cases of one tag got worse (p = 0.03), which among forty tags is bound to happen."""
    tags = {f"c{i}": [f"t{i % 40}"] for i in range(800)}
    before = [result(id_, tags=tags[id_]) for id_ in tags]
    after = [result(id_, float(id_ not in {f"c{40 * i}" for i in range(5)}), tags=tags[id_]) for id_ in tags]
    _, verdicts = against(baseline(before), after, a_suite(), {})
    assert [(verdict.slice, verdict.outcome) for verdict in verdicts] == [("", "passed")]


def test_the_margin_of_a_slice_is_held_in_the_slice() -> None:
    before = cases(numbered(200), locale="en") + [result(f"de{i}", locale="de") for i in range(20)]
    chosen = a_suite(slices={"locale:de": MARGIN, "locale:en": {"correctness": {"margin": 0.05, "cases": 300}}})
    _, verdicts = against(baseline(before), before, chosen, {})
    assert [(verdict.slice, verdict.outcome) for verdict in verdicts] == [
        ("", "passed"),
        ("locale:de", "unclear"),
        ("locale:en", "unclear"),
    ]
    assert "200 cases measure it both in the baseline and now, at least 300" in verdicts[2].reason


@pytest.mark.parametrize(
    ("own", "verdicts"),
    [
        ({"margin": 0.05}, ["missed"]),
        ({"margin": 0.5}, ["passed"]),
        ({"min": 0.1}, ["missed"]),  # what it may lose is not said, and it lost beyond chance
    ],
)
def test_a_slice_with_a_margin_of_its_own_is_judged_by_that_alone(own: dict[str, float], verdicts: list[str]) -> None:
    tags = {f"c{i}": ["hr"] if i < 100 else ["pay"] for i in range(500)}
    before = [result(id_, tags=tags[id_]) for id_ in tags]
    after = [result(id_, float(i > 19), tags=tags[id_]) for i, id_ in enumerate(tags)]
    _, found = against(baseline(before), after, a_suite(slices={"hr": {"correctness": own}}), {})
    assert [verdict.outcome for verdict in found if verdict.slice == "hr"] == verdicts


@pytest.mark.parametrize(
    ("changes", "now", "said"),
    [
        ({"suite": "large"}, 10, r"is of the suite 'large', not of 'small'; delete it, run 'make eval'"),
        ({"dataset": "evals/datasets/old.jsonl"}, 10, r"is of the dataset evals/datasets/old.jsonl, not of d; delete"),
        ({}, 4, r"small.json: the baseline r0 has 10 cases, of which 4 are asked as they were"),
        ({"cases": []}, 4, r"has 0 cases, of which 0"),
    ],
)
def test_a_baseline_of_something_else_is_refused(changes: dict[str, Any], now: int, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        against(baseline(cases(numbered(10)), **changes), cases(numbered(now)), a_suite(), {})


WRONG = {"question c1": answer("It is 90 EUR. [1]", HOTEL)}


async def test_an_accepted_run_is_what_the_next_one_is_held_against(application: Application, project: Path) -> None:
    chosen = suite(project, [line(f"c{i}") for i in range(60)], thresholds=MARGIN)
    first = await run(dataclasses.replace(application, usecase=Scripted()), chosen)
    assert (first.verdicts, first.against) == ([], None)

    path = accept(application, first, chosen, by="Ada")
    assert path == project / "evals" / "baselines" / "small.json"
    kept = load(application.settings, chosen)
    assert kept is not None
    assert (kept.run, kept.by, len(kept.cases), kept.digests) == (first.id, "Ada", 60, first.digests)
    assert (kept.cases[0].answer, kept.cases[0].citations[0].source) == ("It is 150 EUR. [1]", HOTEL)
    [event] = [record for record in application.audit.records() if record["event"] == "baseline"]
    assert (event["run"], event["by"], event["forced"]) == (first.id, "Ada", False)

    worse = await run(dataclasses.replace(application, usecase=Scripted(WRONG)), chosen)
    assert worse.against is not None
    assert (worse.against.baseline, worse.against.metrics["correctness"].worse) == (first.id, ["c1"])
    assert [verdict.outcome for verdict in worse.verdicts] == ["unclear"]
    with pytest.raises(EvidenceError, match=r"falls short: correctness went from .* with --force"):
        accept(application, worse, chosen, by="Ada")
    accept(application, worse, chosen, by="Ada", force=True)
    assert (kept := load(application.settings, chosen)) is not None
    assert kept.run == worse.id


@pytest.mark.parametrize(
    ("script", "thresholds", "said"),
    [
        ({"question c1": ModelUnavailable("Down.")}, {"correctness": {"min": 0.1}}, "no answer came to c1"),
        (WRONG, {"correctness": {"min": 1}}, r"falls short: correctness is .* 1 is demanded .* --force"),
    ],
)
async def test_a_run_that_falls_short_is_not_accepted(
    application: Application, project: Path, script: Any, thresholds: Any, said: str
) -> None:
    chosen = suite(project, [line(f"c{i}") for i in range(4)], thresholds=thresholds)
    made = await run(dataclasses.replace(application, usecase=Scripted(script)), chosen)
    with pytest.raises(EvidenceError, match=said):
        accept(application, made, chosen, by="Ada")
    assert load(application.settings, chosen) is None


async def test_of_many_shortcomings_the_first_are_named_and_the_others_counted(
    application: Application, project: Path
) -> None:
    cases = [line(f"c{i}", tags=[f"t{i}"]) for i in range(9)]
    chosen = suite(project, cases, slices={f"t{i}": {"correctness": {"min": 1}} for i in range(9)})
    wrong = Scripted({f"question c{i}": WRONG["question c1"] for i in range(8)})
    made = await run(dataclasses.replace(application, usecase=wrong), chosen)
    with pytest.raises(EvidenceError) as caught:
        accept(application, made, chosen, by="Ada")
    said = str(caught.value)
    assert [f"correctness of t{i} is" in said for i in range(8)] == [True] * 2 + [False] * 6
    assert "falls short of 9 demands: correctness is" in said
    assert "; and 6 more, which 'eval report" in said
    assert said.endswith("Accept it all the same with --force.")


@pytest.mark.parametrize("calls", ["live", "replayed"])
async def test_a_baseline_keeps_whether_its_answers_were_replayed(
    application: Application, project: Path, calls: str
) -> None:
    chosen = suite(project, [line("a")])
    made = await run(dataclasses.replace(application, usecase=Scripted()), chosen)
    path = accept(application, made.model_copy(update={"calls": calls}), chosen, by="Ada")
    assert (kept := load(application.settings, chosen)) is not None
    assert kept.calls == calls
    old = json.loads(path.read_text("utf-8"))
    del old["calls"]
    old["sha256"] = Baseline.model_validate(old).proof
    path.write_text(json.dumps(old), "utf-8")
    assert (kept := load(application.settings, chosen)) is not None
    assert kept.calls == "unknown"


async def test_a_run_on_something_else_is_not_accepted_even_by_force(application: Application, project: Path) -> None:
    chosen = suite(project, [line("a")])
    made = await run(dataclasses.replace(application, usecase=Scripted()), chosen)
    suite(project, [line("a"), line("b")])
    with pytest.raises(EvidenceError, match="dataset changed since the run"):
        accept(application, made, chosen, by="Ada", force=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"small.json: the file: this is no baseline \(.*JSON.*\); restore it from git, or delete it"),
        ('{"suite": "small"}', r"small.json: dataset: this is no baseline"),
    ],
)
async def test_a_corrupt_baseline_is_refused_before_anything_is_asked(
    application: Application, project: Path, text: str, said: str
) -> None:
    usecase, chosen = Scripted(), suite(project, [line("a")])
    (project / "evals" / "baselines").mkdir()
    (project / "evals" / "baselines" / "small.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=said):
        await run(dataclasses.replace(application, usecase=usecase), chosen)
    assert usecase.asked == []


@pytest.mark.parametrize(
    ("old", "new"),
    [('"correctness": 1.0', '"correctness": 0.0'), ('"suite": "small"', '"suite": "large"'), ("Ada", "Eve")],
)
async def test_a_baseline_that_was_edited_by_hand_is_refused(
    application: Application, project: Path, old: str, new: str
) -> None:
    usecase, chosen = Scripted(), suite(project, [line("a")])
    scripted = dataclasses.replace(application, usecase=usecase)
    path = accept(application, await run(scripted, chosen), chosen, by="Ada")
    usecase.asked.clear()
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ConfigurationError, match=r"small.json: it is not what was accepted, .*; restore it from git"):
        await run(scripted, chosen)
    assert usecase.asked == []
    path.write_bytes(text.replace("\n", "\r\n").encode())  # as git may check it out
    assert (await run(scripted, chosen)).against is not None


async def test_a_baseline_of_other_cases_is_refused_before_anything_is_asked(
    application: Application, project: Path
) -> None:
    usecase, chosen = Scripted(), suite(project, [line("a")])
    accept(application, await run(dataclasses.replace(application, usecase=usecase), chosen), chosen, by="Ada")
    usecase.asked.clear()
    changed = suite(project, [line("a", question="another question")])
    with pytest.raises(ConfigurationError, match=r"1 cases, of which 0 are asked as they were"):
        await run(dataclasses.replace(application, usecase=usecase), changed)
    assert usecase.asked == []


async def test_a_slice_that_no_case_has_is_named_before_anything_is_asked(
    application: Application, project: Path
) -> None:
    usecase, chosen = Scripted(), suite(project, [line("a")], slices={"travle": {"correctness": {"min": 0.1}}})
    written(project, chosen)
    with pytest.raises(
        ConfigurationError, match=r"evals/suites/small.yaml:7: slices.travle: no reviewed case of .*'travel'"
    ):
        await run(dataclasses.replace(application, usecase=usecase), chosen)
    assert usecase.asked == []


def test_power_tells_from_two_runs_how_many_cases_change() -> None:
    before, after = cases(numbered(100, range(10))), cases(numbered(100, range(5, 15)))
    found = power(baseline(before), after, drop=0.05)["correctness"]
    assert (found.cases, found.changed, found.discordance, found.to_see) == (100, 0.1, 0.1, 398)
    assert power(None, after, drop=0.05, discordance=0.2)["correctness"].to_see > found.to_see
    assert found.seen == pytest.approx(0.122, abs=0.001)
