"""How the system has held is told from what is on record, by the thresholds of today."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import insert

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, judge, summarise
from {{ cookiecutter.package_name }}.scaffold.evaluation.events import DRIFT, GATE, record
from {{ cookiecutter.package_name }}.scaffold.evaluation.history import history, sparkline
from {{ cookiecutter.package_name }}.scaffold.evaluation.record import Against, Verdict
from {{ cookiecutter.package_name }}.scaffold.evaluation.spec import Spec, Week, spec
from {{ cookiecutter.package_name }}.scaffold.evaluation.spec_page import headline, margins, page
from {{ cookiecutter.package_name }}.scaffold.evaluation.store import save
from {{ cookiecutter.package_name }}.scaffold.evaluation.suite import SuiteFile
from {{ cookiecutter.package_name }}.scaffold.state import answers, evaluation_runs, events, feedback

from tests.scaffold.evaluation.cases import result

START = datetime(2026, 3, 2, 6, tzinfo=UTC)  # a Monday
SHAPE = {"name": "small", "dataset": "evals/datasets/small.jsonl", "thresholds": {"correctness": {"min": 0.5}}}
DIGESTS = {"code": "a", "models": "a", "prompts": "a", "dataset": "a", "index": "a", "policy": "a"}


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def made(number: int, right: int, **digests: str) -> Run:
    """A run of that day, in which so many of 20 cases are right."""
    cases = [result(f"c{each}", float(each < right)) for each in range(20)]
    suite = SuiteFile.model_validate(SHAPE)
    run = Run(
        id=f"run-{number}", suite="small", dataset=suite.dataset, started_at=day(number), seconds=1, k=5, cases=cases,
        digests=DIGESTS | digests, unreviewed=[], metrics=summarise(cases), slices={}, thresholds=suite.thresholds,
        verdicts=judge(cases, suite),
    )  # fmt: skip
    return run


@pytest.fixture
def held(application: Application, project: Path) -> Application:
    """Right on days 0 and 1, worse on 2 and 3 with another prompt, right again on days 4 and 5."""
    (project / "evals/suites/small.yaml").write_text(yaml.safe_dump(SHAPE), "utf-8")
    for number, right in enumerate((20, 20, 8, 4, 20, 20)):
        save(application, made(number, right, **({"prompts": "b"} if number in (2, 3) else {})))
    return application


def test_the_report_says_since_when_and_every_breach_with_its_dates(held: Application) -> None:
    told = spec(held, "small")
    assert (told.released, told.at_spec_since) == (day(0), day(4))
    assert [run.outcome for run in told.runs] == ["at spec", "at spec", "breach", "breach", "at spec", "at spec"]
    assert [run.changed for run in told.runs] == [[], [], ["prompts"], [], ["prompts"], []]
    [breach] = told.breaches
    assert (breach.metric, breach.since, breach.until, breach.runs) == ("correctness", day(2), day(4), 2)
    assert "correctness is 0.400 over 20 cases" in breach.reason
    assert "At spec since 2026-03-06" in headline(told)


@pytest.mark.parametrize(
    ("lowest", "since", "outcomes"),
    [(0.0, 0, 6 * ["at spec"]), (0.99, None, 6 * ["breach"])],  # 20 of 20 do not show 99 %
)
def test_runs_are_judged_by_the_thresholds_of_today(
    lowest: float, since: int | None, outcomes: list[str], held: Application, project: Path
) -> None:
    changed = SHAPE | {"thresholds": {"correctness": {"min": lowest}}}
    (project / "evals/suites/small.yaml").write_text(yaml.safe_dump(changed), "utf-8")
    told = spec(held, "small")
    assert told.at_spec_since == (None if since is None else day(since))
    assert [run.outcome for run in told.runs] == outcomes
    assert headline(told).startswith("At spec since 2026-03-02" if since == 0 else "Not at spec: correctness.")


def changes(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"score":1', '"score":0', 1) + " ", "utf-8")


@pytest.mark.parametrize("harm", [Path.unlink, changes])
def test_a_record_that_is_gone_or_changed_proves_nothing(
    harm: Callable[[Path], None], held: Application, project: Path
) -> None:
    harm(project / "evals/runs/run-4.json")
    told = spec(held, "small")
    assert (told.runs[4].outcome, told.at_spec_since) == ("unknown", day(5))
    assert told.breaches[0].until == day(5)  # the first run that shows it mended
    assert "evals/runs/run-4.json" in told.runs[4].missed["record"]
    assert "Runs without a record that proves itself: 1 of 6" in page(told)
    harm(project / "evals/runs/run-5.json")
    assert "Nobody knows" in headline(spec(held, "small"))


def test_the_first_release_is_the_first_gate_that_was_passed(held: Application) -> None:
    for number, passed in ((1, False), (3, True), (5, True)):
        row = {"at": day(number).isoformat(), "kind": GATE, "details": {"stage": "pilot", "passed": passed}}
        with held.state.begin() as connection:
            connection.execute(insert(events).values(row))
    told = spec(held, "small")
    assert (told.released, told.released_by) == (day(3), "the gate of the stage 'pilot'")
    assert [run.id for run in told.runs] == ["run-3", "run-4", "run-5"]


def test_canaries_drift_and_what_users_met_are_in_it(held: Application) -> None:
    became = [("refused", 1), ("answered", 2), ("answered", 9), ("error", 9)]
    row = {
        "channel": "api", "use_case": "u", "caller": "c", "locale": "en", "features": {}, "question_sha256": "0" * 64,
    }  # fmt: skip
    said = {"caller": "c", "reason": "", "question": "", "answer": "", "correction": ""}
    with held.state.begin() as connection:
        for number, (outcome, on) in enumerate(became):
            values = {"trace_id": str(number), "at": day(on).isoformat(), "outcome": outcome}
            connection.execute(insert(answers).values(row | values))
        for verdict, on in (("down", 1), ("up", 2), ("corrected", 9)):
            values = {"trace_id": "0", "at": day(on).isoformat(), "verdict": verdict}
            connection.execute(insert(feedback).values(said | values))
        canary = {"id": "canary-1", "suite": "canary", "started_at": day(3).isoformat(), "passed": 0, "score": 0.5}
        connection.execute(insert(evaluation_runs).values(canary | {"digests": {}, "record": "evals/runs/none.json"}))
    record(held.state, DRIFT, {"features": ["language"]})
    told = spec(held, "small")
    assert told.weeks == [
        Week(START.date(), answers=2, refused=1, errors=0, feedback=2, complaints=1),
        Week(day(7).date(), answers=2, refused=0, errors=1, feedback=1, complaints=1),
    ]
    assert [one.id for one in told.canaries] == ["canary-1"]
    assert [(one.kind, one.details) for one in told.events] == [(DRIFT, {"features": ["language"]})]
    shown = page(told)
    assert "language" in shown
    assert "://" not in shown
    assert json.loads(json.dumps(told.as_dict()))["events"][0]["features"] == ["language"]


def held_to(run: Run, outcome: str, baseline: str, on: int) -> Run:
    """``run`` as if it had been held against a baseline that was accepted on that day."""
    against = Against(baseline=baseline, accepted_at=day(on), left_out=[], changed=[], metrics={}, slices={})
    shape = {"metric": "correctness", "outcome": outcome, "reason": f"{outcome}.", "baseline": baseline}
    said = [Verdict.model_validate(shape)] if outcome else []
    return run.model_copy(update={"against": against, "verdicts": [*run.verdicts, *said]})


def test_each_run_counts_against_the_baseline_that_was_accepted_in_its_day(
    application: Application, project: Path
) -> None:
    """Nothing accepted, kept, lost, lost too little to be sure, and kept against the next one."""
    (project / "evals/suites/small.yaml").write_text(yaml.safe_dump(SHAPE), "utf-8")
    days = [
        ("", "", 0),
        ("passed", "run-0", 0),
        ("missed", "run-0", 0),
        ("unclear", "run-0", 0),
        ("passed", "run-3", 3),
    ]
    for number, (outcome, accepted, on) in enumerate(days):
        run = made(number, 20)
        save(application, held_to(run, outcome, accepted, on) if accepted else run)
    save(application, held_to(made(5, 20), "", "run-3", 3))
    told = spec(application, "small")
    assert [run.held and (run.held.outcome, run.held.baseline, run.held.accepted_at) for run in told.runs] == [
        ("no baseline", "", None),
        ("kept", "run-0", day(0)),
        ("lost", "run-0", day(0)),
        ("unclear", "run-0", day(0)),
        ("kept", "run-3", day(3)),
        ("no margin", "run-3", day(3)),
    ]
    assert [run.outcome for run in told.runs] == ["at spec", "at spec", "breach", "breach", "at spec", "at spec"]
    (breach,) = told.breaches
    assert (breach.metric, breach.since, breach.until) == ("correctness against the baseline", day(2), day(4))
    assert margins(told) == (
        "Margins against the baseline of the day: runs that kept them: 2, that did not: 1, unclear: 1, held to none: 2."
    )
    shown = page(told)
    assert '<span class="tag bad">lost</span> <code>run-0</code>, accepted 2026-03-02' in shown
    assert json.loads(json.dumps(told.as_dict()))["runs"][2]["held"]["baseline"] == "run-0"


def test_a_suite_that_never_ran_is_not_at_spec(application: Application) -> None:
    told: Spec = spec(application, "knowledge")
    assert (told.at_spec_since, told.released, told.runs) == (None, None, [])
    assert "No run" in headline(told)


def test_the_history_lists_every_run_with_its_course(held: Application) -> None:
    entries = history(held)
    assert [(each.id, each.passed, each.cases) for each in entries][2:4] == [("run-2", False, 20), ("run-3", False, 20)]
    assert sparkline([each.score for each in entries]) == "██▄▂██"
