"""Checks: each is green on what is good and red on what it stands against."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import EvidenceError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Run, SuiteFile, summarise
from {{ cookiecutter.package_name }}.scaffold.evidence import COMPARED
from {{ cookiecutter.package_name }}.scaffold.models.governed import Passage
from {{ cookiecutter.package_name }}.scaffold.models.personal_data import PersonalData
from {{ cookiecutter.package_name }}.scaffold.readiness import checks, load_stage
from {{ cookiecutter.package_name }}.scaffold.readiness.checks import (
    access,
    audit,
    conflicts,
    personal_data,
    reload,
    shortcomings,
)
from {{ cookiecutter.package_name }}.scaffold.readiness.stages import EvaluationRequired

from tests.scaffold.evaluation.cases import result

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DIGESTS = dict.fromkeys([*COMPARED, "commit"], "a")
REQUIRED = EvaluationRequired(suite="small", min_cases=2, max_age_hours=24)
SUITE = SuiteFile.model_validate({"name": "small", "dataset": "d", "thresholds": {"correctness": {"min": 0.09}}})


def a_run(*scores: float, **changes: Any) -> Run:
    cases = [result(str(number), score) for number, score in enumerate(scores)]
    shape = {
        "id": "r",
        "suite": "small",
        "dataset": "d",
        "started_at": NOW - timedelta(hours=1),
        "seconds": 1,
        "k": 5,
        "digests": DIGESTS,
        "cases": cases,
        "unreviewed": [],
        "metrics": summarise(cases),
        "slices": {},
        "thresholds": SUITE.thresholds,
        "verdicts": [],
    }
    return Run.model_validate(shape | changes)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (a_run(1, 1), []),
        (a_run(1, 0), []),
        (a_run(1, 1, started_at=NOW - timedelta(hours=24)), []),
        (a_run(1, 1, digests={**DIGESTS, "commit": "b"}), []),
        (a_run(1, 1, started_at=NOW - timedelta(hours=25)), ["it is 25 h old, at most 24 h count"]),
        (a_run(1, 1, started_at=NOW + timedelta(seconds=1)), ["it is dated in the future"]),
        (a_run(1), ["1 reviewed cases, at least 2 are demanded"]),
        (a_run(0, 0), ["correctness is 0.000 over 2 cases"]),
        (a_run(0, 0, metrics=summarise(a_run(1, 1).cases)), ["correctness is 0.000 over 2 cases"]),
        (a_run(1, 1, digests={**DIGESTS, "code": "b", "models": "b"}), ["code, models changed since the run"]),
        (a_run(1, 1, digests={}), [", ".join(COMPARED) + " changed since the run"]),
        (a_run(), ["0 reviewed cases", "correctness: no reviewed case measures it"]),
    ],
    ids=[
        "good",
        "exactly at the threshold",
        "exactly as old as allowed",
        "committed since",
        "too old",
        "from the future",
        "too few cases",
        "below the threshold",
        "embellished metrics",
        "another state",
        "measured on nobody knows what",
        "no case at all",
    ],
)
def test_a_run_is_evidence_only_if_nothing_is_short(run: Run, expected: list[str]) -> None:
    found = shortcomings(run, REQUIRED, SUITE, DIGESTS, NOW)
    assert len(found) == len(expected)
    for reason, start in zip(found, expected, strict=True):
        assert reason.startswith(start)


def check(function: Callable[..., str], application: Application) -> str:
    return function(application, load_stage(application.settings, "poc"))


@pytest.mark.parametrize(("live", "calls", "short"), [(True, "replayed", 1), (True, "live", 0), (False, "replayed", 0)])
def test_a_stage_may_demand_answers_of_now(live: bool, calls: str, short: int) -> None:
    required = REQUIRED.model_copy(update={"live": live})
    found = shortcomings(a_run(1, 1, calls=calls), required, SUITE, DIGESTS, NOW)
    assert [problem for problem in found if "recorded answers were replayed" in problem] == found
    assert len(found) == short


@pytest.mark.parametrize(("reasons", "end"), [(6, "; reason 5."), (9, "; reason 5; and 3 more, all in the report of")])
def test_of_many_reasons_the_first_are_told(
    application: Application, monkeypatch: pytest.MonkeyPatch, reasons: int, end: str
) -> None:
    monkeypatch.setattr(checks, "newest", lambda *_: a_run(1, 1))
    monkeypatch.setattr(checks, "shortcomings", lambda *_: [f"reason {number}" for number in range(reasons)])
    with pytest.raises(EvidenceError, match=re.escape(end)):
        check(checks.evaluation, application)


def test_an_indexed_document_that_no_rule_names_any_more_is_named(application: Application, project: Path) -> None:
    assert "A rule names each of" in check(access, application)
    path = project / "data" / "access.yaml"
    path.write_text(path.read_text("utf-8").replace("path: travel/**", "path: journeys/**"), "utf-8")
    with pytest.raises(
        EvidenceError, match=r"No rule in data/access.yaml names travel/pool-cars.txt, .* and \d+ more|No rule"
    ):
        check(access, application)


def test_an_empty_index_is_not_fit(application: Application, project: Path) -> None:
    for path in (project / "data" / "documents").rglob("*"):
        if path.is_file():
            path.unlink()
    application.index.sync()
    with pytest.raises(EvidenceError, match="The index is empty; run 'make ingest'"):
        check(access, application)


def test_the_audit_log_must_hold_something_and_verify(application: Application) -> None:
    with pytest.raises(EvidenceError, match="no answer was ever recorded"):
        check(audit, application)
    application.audit.append("test", note="one")
    application.audit.append("test", note="two")
    assert "2 records" in check(audit, application)
    data = application.audit.path.read_bytes()
    application.audit.path.write_bytes(data.replace(b'"one"', b'"ONE"'))
    with pytest.raises(EvidenceError, match="restore it from a copy"):
        check(audit, application)


@pytest.mark.parametrize("action", ["pseudonymise", "redact", "block"])
def test_personal_data_is_hidden_by_every_action_of_the_policy(
    application: Application, project: Path, action: str
) -> None:
    path = project / "governance" / "policy.yaml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("on_the_way_to_the_model: pseudonymise", f"on_the_way_to_the_model: {action}"), "utf-8"
    )
    assert check(personal_data, application) == f"Hidden on the way to answer: {action}."


def test_a_model_that_would_be_sent_personal_data_is_named(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def let_through(_: PersonalData, messages: list[HumanMessage], options: object) -> Passage:
        return Passage(list(messages))

    monkeypatch.setattr(PersonalData, "passage", let_through)
    with pytest.raises(EvidenceError, match=r"The model of role 'answer' would be sent probe@"):
        check(personal_data, application)


def test_a_model_without_the_control_is_named(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = application.models.get("answer")
    while hasattr(bare, "inner"):
        bare = bare.inner
    monkeypatch.setattr(type(application.models), "get", lambda models, role: bare)
    with pytest.raises(EvidenceError, match=r"The model of role 'answer' would be sent probe@"):
        check(personal_data, application)


@pytest.mark.parametrize(
    "file",
    [
        "config/models.yaml",
        "config/limits.yaml",
        "config/retrieval.yaml",
        "config/prompts/answer.de.yaml",
        "data/access.yaml",
        "governance/policy.yaml",
    ],
)
def test_a_file_in_error_behind_a_last_good_one_is_named(application: Application, project: Path, file: str) -> None:
    assert check(reload, application) == "Every configuration file is valid and in use."
    with (project / file).open("a") as handle:
        handle.write("\nunheard_of: 1\n")
    with pytest.raises(EvidenceError, match=rf"{Path(file).name}:\d+: unheard_of: there is no such field"):
        check(reload, application)


OURS, THEIRS = "<" * 7 + " before updating", ">" * 7 + " after updating"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.py", f"x\n{OURS}\na\n=======\nb\n{THEIRS}\n", True),
        ("a.py", f"{OURS}\na\n", True),
        ("a.py", f"a\n{THEIRS}\n", True),
        (".github/workflows/ci.yml", f"{OURS}\n", True),
        ("src/a.py.rej", "", True),
        ("a.md", f"  {OURS}\n", False),
        ("a.rst", "Title\n=======\n", False),
        ("a.py", ">" * 8 + "\n", False),
        ("data/documents/git.md", f"{OURS}\n", False),
        (".venv/lib/a.py", f"{OURS}\n", False),
        ("var/a.rej", "", False),
    ],
)
def test_what_an_update_left_for_a_person_is_found(tmp_path: Path, name: str, text: str, found: bool) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    assert conflicts(tmp_path) == ([name] if found else [])


def test_bytes_that_are_no_text_and_links_that_lead_nowhere_are_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(range(256)))
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert conflicts(tmp_path) == []
