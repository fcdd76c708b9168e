"""The command line: what it prints, what it exits with, and one sentence instead of a traceback."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from {{ cookiecutter.package_name }} import __main__
from {{ cookiecutter.package_name }}.app import build
from {{ cookiecutter.package_name }}.scaffold import cli
from {{ cookiecutter.package_name }}.scaffold.commands.shell import Shell
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.evaluation import CaseResult
from {{ cookiecutter.package_name }}.scaffold.evaluation.journal import Journal
from {{ cookiecutter.package_name }}.scaffold.models.ledger import Booking
from {{ cookiecutter.package_name }}.scaffold.state import answers

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in ``project`` and answers exit code, output and errors."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("APP_OFFLINE", "1")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["app", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.run(build)
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return call


def test_a_question_is_answered_with_its_citations(run: Run) -> None:
    code, out, _ = run("ask", "How long does a remote access session last?", "--as", "callum")
    assert code == 0
    assert "security/remote-access.md" in out
    assert re.search(r"\[1\]", out)


def test_an_answer_as_json_has_what_a_program_needs(run: Run) -> None:
    code, out, _ = run("ask", "How long does a remote access session last?", "--as", "callum", "--json")
    answer = json.loads(out)
    assert code == 0
    assert {"answer", "citations", "confidence", "refused", "model", "prompt", "usage", "trace_id"} <= answer.keys()
    assert {"source", "title", "passage", "score"} <= answer["citations"][0].keys()
    assert re.fullmatch(r"[0-9a-f]{32}", answer["trace_id"])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ask", "Hello?", "--as", "calum"], 2, r"'calum' in data/access\.yaml \(did you mean 'callum'\?\); known: "),
        (["ask", "  "], 2, "The question is empty"),
        (["ask", "x" * 5000], 2, "has 5000 characters; at most 4000"),
        (["ask", "Hello \udcff"], 2, "no UTF-8 text"),
        (["gate", "pilotage"], 2, r"'pilotage'.*known: poc"),
        (["data", "check", "--stage", "pco"], 2, r"no stage 'pco' .*\(did you mean 'poc'\?\)"),
        (["eval", "run", "knowlege"], 2, r"knowlege.*knowledge"),
        (["eval", "draft", "--suite", "knowlege"], 2, r"knowlege.*knowledge"),
        (["eval", "draft", "--model"], 2, "The offline model .* writes no cases"),
        (["eval", "draft", "--model", "--feedback"], 2, "from a model or from feedback"),
        (["eval", "draft", "--feedback", "7"], 2, "There is no feedback 7"),
        (["eval", "draft", "7"], 2, "add --feedback"),
        (["eval", "draft", "--held", "a"], 2, "with --held TRACE_ID --question TEXT and nothing else"),
        (["eval", "draft", "--question", "a"], 2, "with --held TRACE_ID --question TEXT and nothing else"),
        (["eval", "draft", "--held", "a", "--question", "a", "--feedback"], 2, "and nothing else"),
        (["eval", "draft", "--held", "a", "--question", "a"], 2, "There is no answer of the trace 'a'"),
        (["eval", "review"], 2, "Say who reviews: --by NAME"),
        (["eval", "review", "--by", "Ada", "--approve", "x"], 2, "there is no case 'x'"),
        (["eval", "review", "--by", "Ada", "--page", "--port", "70000"], 2, "ports go from 0 to 65535"),
        (["eval", "compare", "--run", "r1"], 2, r"There is no run 'r1' on record"),
        (["eval", "compare"], 1, r"No run of the suite 'knowledge' is on record; run 'make eval'"),
        (["eval", "baseline", "--by", "Ada"], 1, r"No run of the suite 'knowledge' is on record; run 'make eval'"),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_its_exit_code(run: Run, arguments: list[str], code: int, says: str) -> None:
    left, out, err = run(*arguments)
    assert (left, out) == (code, "")
    assert re.search(says, err)
    assert "Traceback" not in err


def test_outside_a_project_the_command_says_where_it_looked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("ask", "Hello?")
    assert code == 2
    assert "set APP_ROOT" in err


def test_a_broken_file_is_named_with_its_line(run: Run, project: Path) -> None:
    (project / "config" / "retrieval.yaml").write_text("chunkz: 3\n", "utf-8")
    code, _, err = run("ask", "Hello?")
    assert code == 2
    assert "config/retrieval.yaml:1: chunkz: there is no such field" in err


def test_ingest_says_what_changed_and_what_it_skipped(run: Run, project: Path) -> None:
    documents = project / "data" / "documents"
    (documents / "travel" / "empty.md").write_text("", "utf-8")
    (documents / "travel" / "picture.md").write_bytes(b"\x89PNG\x00\x00")
    (documents / "travel" / "parking.md").write_text("# Parking\n\nBadges are blue.\n", "utf-8")
    code, out, err = run("ingest")
    assert code == 0
    assert "travel/parking.md" in err
    assert "travel/empty.md" in out + err
    assert "travel/picture.md" in out + err
    code, out, _ = run("ingest", "--json")
    report = json.loads(out)
    assert code == 0
    assert sorted(source for source, _ in report["skipped"]) == ["travel/empty.md", "travel/picture.md"]


def test_the_evaluation_prints_its_metrics_and_the_gate_follows_it(run: Run) -> None:
    code, out, _ = run("gate")
    assert code == 1
    assert "make eval" in out
    code, out, _ = run("eval", "run", "--json")
    assert code == 0
    assert json.loads(out)["cases"]


def test_a_run_is_rendered_again_and_told_of_on_the_card(run: Run, project: Path) -> None:
    assert run("eval", "report")[0] == 2
    code, _, err = run("card", "--check")
    assert (code, "There is no governance/system_card.md" in err) == (1, True)
    assert run("eval", "run")[0] == 0
    code, out, _ = run("eval", "report")
    assert (code, out.split()[0]) == (0, "var/reports/evaluation-knowledge.html")
    assert run("eval", "report", "knowledge", "--format", "junit")[1].startswith("<?xml")
    assert run("eval", "report", "--format", "md", "--output", "comment.md")[0] == 0
    assert "### Evaluation `knowledge`: passed" in (project / "comment.md").read_text("utf-8")
    assert run("card") == (0, "governance/system_card.md\n", "")
    assert run("card", "--check")[0] == 0


def test_the_data_check_exits_by_the_limits_of_the_stage_and_the_gate_follows_it(run: Run, project: Path) -> None:
    stages = project / "governance" / "stages.yaml"
    loose = {"outdated": 1, "personal_data": 1, "wide_permissions": 1, "missing_permissions": 1}
    stage = {"evaluation": {"suite": "knowledge", "min_cases": 1, "max_age_hours": 1}, "checks": ["data"]}
    stages.write_text(json.dumps({"stages": {"poc": {**stage, "data": {"largest_share": loose}}}}), "utf-8")
    assert run("gate")[0] == 1
    code, out, _ = run("data", "check")
    assert (code, "within every limit of poc" in out) == (0, True)
    assert "finance/budget-2027-draft.md is named by no access rule." in out
    assert run("gate")[0] == 0

    loose["outdated"] = 0
    stages.write_text(json.dumps({"stages": {"poc": {**stage, "data": {"largest_share": loose}}}}), "utf-8")
    code, out, _ = run("data", "check", "--json")
    report = json.loads(out)
    assert (code, report["passed"], [each["kind"] for each in report["exceeded"]]) == (1, False, ["outdated"])
    assert {"version", "checked_at", "digests", "documents", "score", "sources", "findings", "stage"} <= report.keys()
    assert {"origin", "source", "kind", "reason", "mend", "related"} == report["findings"][0].keys()
    assert "travel/travel-policy-2023.md" in (project / "var" / "reports" / "data-check.html").read_text("utf-8")
    code, out, _ = run("gate")
    assert (code, "outdated" in out) == (1, True)


def test_doctor_finds_what_is_wrong(run: Run, project: Path) -> None:
    code, out, _ = run("doctor")
    assert (code, "mend" in out) == (0, False)
    (project / "README.md").write_text("<<<<<<< before updating\n=======\n>>>>>>> after updating\n", "utf-8")
    (project / "config" / "models.yaml").write_text("roles: {answer: gone}\nmodels: {}\n", "utf-8")
    code, out, _ = run("doctor", "--json")
    bad = {finding["what"]: finding["detail"] for finding in json.loads(out) if not finding["good"]}
    assert code == 1
    assert "README.md" in bad["conflicts"]
    assert "config/models.yaml" in bad["start"]


def test_doctor_looks_into_the_index_and_at_the_audit_key(run: Run, project: Path) -> None:
    run("ask", "How long does a remote access session last?", "--as", "callum")
    shutil.rmtree(project / "var" / "index")
    (project / "var" / "audit" / "key").unlink()
    code, out, _ = run("doctor")
    assert code == 1
    assert re.search(r"mend index: (\d+) of \1 documents are missing; run 'make ingest'", out)
    assert re.search(r"mend audit log: .* restore the key", out)


def test_cost_shows_what_was_spent_by_whom_and_what_is_left(run: Run, project: Path) -> None:
    (project / "config" / "limits.yaml").write_text("budget: {day: 20}\neach_caller: {month: 5}\n", "utf-8")
    run("ask", "How long does a remote access session last?", "--as", "callum")
    code, out, _ = run("cost")
    assert code == 0
    assert re.search(r"answer .*callum .*offline/extractive-1 .* 0\.0000", out)
    assert re.search(r"budget\.day \(project\): 20\.0000 of 20\.00 USD left until \d{4}-\d\d-\d\d 00:00 UTC", out)
    assert "each_caller.month (caller:callum): 5.0000 of 5.00 USD left" in out

    report = json.loads(run("cost", "--days", "1", "--json")[1])
    assert (report["currency"], report["total"]["calls"], report["total"]["unknown"]) == ("USD", 1, 0)
    assert {row["caller"] for row in report["rows"]} == {"callum"}
    (name,) = {row["use_case"] for row in report["rows"]}
    assert re.search(rf"answer +callum +{name} +offline", out)


def test_cost_says_what_is_unknown(run: Run, project: Path) -> None:
    with build(Settings(root=project, offline=True)) as application:
        ledger = application.models.spending.ledger
        number = ledger.reserve(Booking("answer", "openai", "nobodys-model", None, None), None, lambda _: [])
        ledger.settle(number, "answered", cost=None, input_tokens=7, output_tokens=5)
    code, out, _ = run("cost")
    assert code == 0
    assert re.search(r"openai/nobodys-model .* unknown", out)
    assert "No budget is set" in out


def test_the_canary_leaves_with_2_where_nothing_can_be_compared(run: Run, project: Path) -> None:
    code, _, err = run("eval", "canary")
    assert (code, "evals/canary.json is not there" in err) == (2, True)
    code, out, err = run("eval", "canary", "--accept", "--json")
    cases = [CaseResult.model_validate(case) for case in json.loads(out)["cases"]]
    failing = [case.id for case in cases if not case.passed]
    said = f"warning: {len(failing)} of the {len(cases)} answers that you accepted fail their cases: {failing[0]}"
    assert (code, said in " ".join(err.split())) == (0, True)
    code, _, err = run("eval", "canary")
    assert (code, "warning" in err) == (0, False)
    prompt = project / "config/prompts/answer.en.yaml"
    prompt.write_text(prompt.read_text("utf-8") + "# changed\n", "utf-8")
    code, _, err = run("eval", "canary")
    assert (code, "Your configuration changed" in err, "(prompts)" in err) == (2, True, True)
    assert "canary" in (project / "var" / "reports" / "evaluation-canary.md").read_text("utf-8")


def test_doctor_says_what_is_stopped_and_what_is_wrong_with_the_limits(run: Run, project: Path) -> None:
    limits = project / "config" / "limits.yaml"
    limits.write_text("stopped: true\nbudget: {day: 20}\n", "utf-8")
    code, out, _ = run("doctor")
    assert (code, "limits: stopped: all models; budgets: budget.day" in out) == (0, True)
    assert run("ask", "How long may a session last?")[0] == 1
    limits.write_text("roles: {anser: {stopped: true}}\n", "utf-8")
    code, out, _ = run("doctor")
    assert (code, "roles.anser" in out) == (1, True)


def test_schemas_are_written_and_checked(run: Run, project: Path) -> None:
    assert run("schemas", "--check")[0] == 0
    (project / "schemas" / "models.schema.json").write_text("{}", "utf-8")
    code, out, _ = run("schemas", "--check")
    assert (code, "models.schema.json" in out) == (1, True)
    assert run("schemas")[0] == 0
    assert run("schemas", "--check")[0] == 0


def test_the_audit_log_verifies_and_a_changed_record_is_named(run: Run, project: Path) -> None:
    run("ask", "How long does a remote access session last?", "--as", "callum")
    assert run("audit", "verify")[0] == 0
    log = project / "var" / "audit" / "audit.jsonl"
    log.write_text(log.read_text("utf-8").replace('"callum"', '"nobody"', 1), "utf-8")
    code, out, _ = run("audit", "verify")
    assert code == 1
    assert "1" in out


def test_asking_before_anything_is_indexed_says_so(run: Run, project: Path) -> None:
    shutil.rmtree(project / "var")
    code, _, err = run("ask", "How long does a remote access session last?")
    assert (code, "nothing is indexed yet; run 'ingest' first" in err) == (0, True)


def test_an_interrupt_while_everything_is_still_being_imported_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("{{ cookiecutter.package_name }}.app.main", interrupted)
    with pytest.raises(SystemExit) as left:
        __main__.main()
    assert left.value.code == 130


def test_an_interrupt_that_an_imported_library_makes_an_error_of_its_own_of_is_quiet_too() -> None:
    code = f"""if True:
        import os, signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)
        class Library:
            def find_spec(self, name, *_):
                if name.endswith(".app"):
                    try:
                        os.kill(os.getpid(), signal.SIGINT)
                    except KeyboardInterrupt:
                        raise ValueError("broken schema") from None
        from {__main__.__name__} import main
        sys.meta_path.insert(0, Library())
        main()
    """
    env = {**os.environ, "PYTHONPATH": str(Path(__main__.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_an_ignored_interrupt_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr("{{ cookiecutter.package_name }}.app.main", lambda: None)
        __main__.main()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "What was indexed is kept, and the next 'ingest' goes on from there"),
        (["--dry-run"], "Nothing was changed."),
    ],
)
def test_an_interrupted_ingest_says_what_is_kept(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for number in range(3):
        (project / "data" / "documents" / f"new-{number}.md").write_text(f"# New {number}\n\nIt is new.\n", "utf-8")
    before = run("ingest", "--dry-run", "--json")[1]
    with monkeypatch.context() as patched:
        patched.setattr("{{ cookiecutter.package_name }}.scaffold.retrieval.sync.Sync._end", interrupted)
        code, out, err = run("ingest", *options)
    assert (code, out) == (130, "")
    assert f"Interrupted. {says}" in err
    added = json.loads(run("ingest", "--json")[1])["counts"].get("added", 0)
    assert added == (json.loads(before)["counts"]["added"] if options else 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "What was answered is kept for 7 days: the same command goes on from there."),
        (["--fresh"], "What was answered is kept for 7 days: the same command without --fresh goes on"),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    original, answered = Journal.add, list[str]()

    def add(self: Journal, result: CaseResult) -> None:
        original(self, result)
        answered.append(result.id)
        if len(answered) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for jobs in the background
    try:
        with monkeypatch.context() as patched:
            patched.setattr(Journal, "add", add)
            code, out, err = run("eval", "run", *options)
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert (code, out) == (130, "")
    assert says in err
    resumed = json.loads(run("eval", "run", "--json")[1])["resumed"]
    assert len(answered) >= resumed >= 3


def test_a_place_that_cannot_be_written_is_named(run: Run, project: Path) -> None:
    (project / "evals" / "runs").write_text("in the way", "utf-8")
    code, _, err = run("eval", "run")
    assert code == 1
    assert re.search(r"error: .*evals/runs cannot be read or written \(Not a directory\); mend that", err)


def test_a_state_database_that_cannot_be_written_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("{{ cookiecutter.package_name }}.scaffold.retrieval.Index.sync", full)
    code, _, err = run("ingest")
    assert code == 1
    assert re.search(r"error: The state database cannot be .*: .*disk is full; see that its disk has room", err)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_that_lacks_characters_gets_the_answer_all_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("APP_OFFLINE", "1")
    monkeypatch.setattr("sys.argv", ["app", "ask", "Wie lang muss mein Passwort sein?", "--as", "jonas", *options])
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding="ascii", write_through=True))
    with pytest.raises(SystemExit) as left:
        cli.run(build)
    assert not left.value.code
    text = printed.getvalue().decode("ascii")
    assert "security/passwoerter-und-konten.md" in text
    assert not options or "nötig" in json.loads(text)["answer"]


def test_what_is_set_aside_is_listed_replayed_and_dropped(
    run: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "tickets.db")) as database, database:
        database.execute("CREATE TABLE tickets (number, body)")
        database.executemany("INSERT INTO tickets VALUES (?, ?)", [(7, "Restart it."), (8, None), (9, "")])
    monkeypatch.setenv("TICKETS_URL", f"sqlite:///{tmp_path / 'tickets.db'}")
    source = {"kind": "sql", "url_env": "TICKETS_URL", "query": "SELECT * FROM tickets"}
    source["fields"] = {"id": "number", "text": "body"}  # type: ignore[assignment]
    (project / "config" / "sources.yaml").write_text(json.dumps({"sources": {"tickets": source}}), "utf-8")
    assert "Nothing is set aside." in run("quarantine", "list")[1]
    run("ingest")
    code, out, _ = run("quarantine", "list")
    assert (code, re.findall(r"tickets +1 +breaks the contract of its source: text: [a-z ]+", out) != []) == (0, True)
    assert [row["id"] for row in json.loads(run("quarantine", "list", "--json")[1])] == ["8", "9"]
    assert "is empty" in run("quarantine", "list", "tickets")[1]
    assert json.loads(run("quarantine", "replay", "--json")[1])["counts"]["quarantined"] == 2
    assert "2 set aside" in run("quarantine", "replay")[1]
    assert "1 records forgotten." in run("quarantine", "drop", "tickets", "8")[1]
    assert "1 records forgotten." in run("quarantine", "drop", "tickets")[1]
    assert "Nothing is set aside." in run("quarantine", "list")[1]


def test_cases_are_drafted_listed_reviewed_and_checked(run: Run, project: Path) -> None:
    path = project / "evals" / "datasets" / "knowledge.jsonl"
    code, out, _ = run("eval", "draft", "--count", "3", "--json")
    ids = [case["id"] for case in json.loads(out)]
    assert (code, len(ids)) == (0, 3)
    assert run("eval", "draft", "--count", "3")[:2] == (0, "No new case.\n")
    assert [case["id"] for case in json.loads(run("eval", "review", "--list", "--json")[1])] == ids
    chosen = ("--approve", ids[0], "--reject", ids[1])
    assert run("eval", "review", "--by", "Ada", *chosen)[:2] == (0, "1 approved, 1 rejected, 1 waiting.\n")
    assert run("eval", "check")[:2] == (0, "No case repeats, contradicts, leaks or is left behind.\n")
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[0].replace('"id": "', '"id": "again-')]), "utf-8")
    code, out, _ = run("eval", "check")
    assert code == 1
    assert re.fullmatch(
        rf"evals/datasets/knowledge.jsonl:{len(lines) + 1}: again-\S+: duplicate: asks .*; drop one.\n", out
    )
    assert json.loads(run("eval", "check", "--json")[1])[0]["kind"] == "duplicate"
    assert run("eval", "feedback")[:2] == (0, "Nobody has said anything yet.\n")


def test_cases_are_reviewed_one_after_the_other_in_the_terminal(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [case["id"] for case in json.loads(run("eval", "draft", "--count", "4", "--json")[1])]
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nn\ns\nq\n"))
    code, out, _ = run("eval", "review", "--by", "Ada")
    assert code == 0
    assert out.endswith("2 reviewed, 2 waiting.\n")
    assert "1 of 4" in out
    assert "must hold:" in out
    cases = [json.loads(line) for line in (project / "evals/datasets/knowledge.jsonl").read_text("utf-8").splitlines()]
    states = {case["id"]: case["review"]["state"] for case in cases}
    assert [states[id_] for id_ in ids] == ["reviewed", "rejected", "unreviewed", "unreviewed"]


def test_who_approves_a_draft_that_demands_nothing_is_told_how_to_go_on(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (project / "evals/datasets/knowledge.jsonl").open("a", encoding="utf-8") as file:
        draft = {"id": "open", "question": "?", "caller": "tom", "expected": {}, "review": {"state": "unreviewed"}}
        file.write(json.dumps(draft) + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\nq\n"))
    code, _, err = run("eval", "review", "--by", "Ada")
    assert code == 0
    assert "accepts any answer" in err
    assert "Press e to edit the case" in err


@pytest.mark.parametrize("ending", [EOFError, KeyboardInterrupt])
def test_a_review_that_is_ended_at_its_prompt_says_what_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, ending: type[BaseException]
) -> None:
    keys = iter("ys")

    def pressed(*_: object, **__: object) -> str:
        if key := next(keys, ""):
            return key
        raise ending

    run("eval", "draft", "--count", "3")
    monkeypatch.setattr("click.termui.visible_prompt_func", pressed)
    code, out, err = run("eval", "review", "--by", "Ada")
    assert (code, "3 of 3" in out) == (130, True)
    assert err == "\nInterrupted. What was decided is kept; the same command goes on with the cases that wait.\n"
    assert len(json.loads(run("eval", "review", "--list", "--json")[1])) == 2


def test_a_review_without_an_editor_says_so_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("eval", "draft", "--count", "1")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    monkeypatch.setattr("sys.stdin", io.StringIO("e\nq\n"))
    code, _, err = run("eval", "review", "--by", "Ada")
    assert code == 0
    assert "name an editor that is there in EDITOR" in err


def test_a_run_is_accepted_compared_and_tells_how_much_it_can_show(run: Run, project: Path) -> None:
    suite = project / "evals" / "suites" / "knowledge.yaml"
    text = suite.read_text("utf-8").replace("correctness: {min: 0.3}", "correctness: {margin: 0.2}", 1)
    suite.write_text(text, "utf-8")
    assert run("eval", "run")[0] == 0
    code, _, err = run("eval", "compare")
    assert (code, "evals/baselines/knowledge.json: no baseline was accepted" in err) == (2, True)
    code, _, err = run("eval", "power")
    assert (code, "Only one run of 'knowledge' is on record" in err) == (1, True)
    code, out, _ = run("eval", "power", "--discordance", "0.1")
    assert code == 0
    assert re.search(r"correctness +\d+ +0\.100 +0\.\d+ +398 +461", out)

    assert run("eval", "baseline", "--by", "Ada")[0] == 0
    assert run("eval", "run")[0] == 0
    code, out, _ = run("eval", "compare")
    assert code == 0
    assert re.search(r"✓ +correctness +0\.\d+ +0\.\d+ +\+0\.000", out)
    assert "Changed: nothing. Cases left out: 0." in out
    assert run("eval", "power")[0] == 0

    (first, *_) = sorted((project / "evals" / "runs").glob("*.json"))
    code, out, _ = run("eval", "compare", "--baseline", first.stem, "--json")
    told = json.loads(out)
    assert (code, told["passed"], told["against"]["baseline"]) == (0, True, first.stem)

    kept = project / "evals" / "baselines" / "knowledge.json"
    kept.write_text(re.sub(r'"sha256": "[0-9a-f]+"', f'"sha256": "{"0" * 64}"', kept.read_text("utf-8")), "utf-8")
    code, _, err = run("eval", "compare")
    assert (code, "knowledge.json: it is not what was accepted" in err) == (2, True)
    kept.write_text("{", "utf-8")
    for command in (("eval", "compare"), ("eval", "run"), ("eval", "baseline", "--by", "Ada")):
        code, _, err = run(*command)
        assert (code, "this is no baseline" in err) == (2, True), command
    code, _, err = run("eval", "compare", "--baseline", str(first))
    assert (code, "this is no baseline" in err) == (2, True)


def test_the_gate_of_a_pilot_says_what_is_missing(run: Run) -> None:
    assert run("eval", "run")[0] == 0
    code, out, _ = run("gate", "pilot")
    assert code == 1
    said = " ".join(out.split())
    assert re.search(r"\d+ reviewed cases, at least 200 are demanded", said)
    assert "no baseline was accepted" in said
    assert "has a margin" in said
    assert "not fit for pilot: evaluation" in said


def test_drift_is_told_once_answers_are_accepted(run: Run, project: Path) -> None:
    code, out, _ = run("drift")
    assert (code, "No answers are accepted yet" in out) == (0, True)
    code, _, err = run("drift", "--accept")
    assert (code, "There are 0 answers of the last 28 days, at least 500 are needed" in err) == (1, True)
    (project / "config/drift.yaml").write_text("{window: 100, least: 20, minor: 0}", "utf-8")
    with build(Settings(root=project, offline=True)) as application, application.state.begin() as connection:
        put = insert(answers)
        row = {"channel": "api", "use_case": "u", "caller": "c", "locale": "en", "question_sha256": "0" * 64}
        for number in range(60):
            at = (datetime.now(UTC) - timedelta(minutes=60 - number)).isoformat(timespec="milliseconds")
            values = {"trace_id": str(number), "at": at, "outcome": "answered", "features": {"language": "en"}}
            connection.execute(put, row | values)
    assert run("drift", "--accept")[1].startswith("60 answers of ")
    assert "Not enough answers yet: 0 since " in run("drift")[1]
    with build(Settings(root=project, offline=True)) as application, application.state.begin() as connection:
        for number in range(60, 120):
            at = (datetime.now(UTC) + timedelta(seconds=number)).isoformat(timespec="milliseconds")
            values = {"trace_id": str(number), "at": at, "outcome": "answered", "features": {"language": "fr"}}
            connection.execute(put, row | values)
    code, out, _ = run("drift")
    assert (code, re.findall("^Drift: (.*?)[.]", out, re.MULTILINE)) == (1, ["language"])
    assert re.search(r"en +100.0% .* 0.0%", out)
    code, out, _ = run("drift", "--json")
    told = json.loads(out)
    assert (code, told["drifting"], told["enough"]) == (1, ["language"], True)
    (project / "config/drift.yaml").write_text("least: many", "utf-8")
    code, _, err = run("drift")
    assert (code, "config/drift.yaml:1" in err) == (2, True)


def test_the_history_and_how_it_has_held_are_told(run: Run, project: Path) -> None:
    assert "No run is on record" in run("eval", "history")[1]
    assert (run("eval", "spec")[0], (project / "var/reports/spec.html").is_file()) == (1, True)
    assert run("eval", "history", "knowlege")[0] == 2
    assert run("eval", "run")[0] == 0
    [entry] = json.loads(run("eval", "history", "--json")[1])
    assert (entry["suite"], entry["passed"], entry["missing"]) == ("knowledge", True, "")
    assert "knowledge" in run("eval", "history")[1]
    code, out, _ = run("eval", "spec")
    assert (code, "At spec since " in out, "no passed gate is on record" in out) == (0, True, True)
    report = json.loads(run("eval", "spec", "--json")[1])
    assert [each["outcome"] for each in report["runs"]] == ["at spec"]


def test_a_table_shows_whole_names_however_narrow_and_texts_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    names, texts = [f"draft-{'long-' * 20}{n}" for n in range(3)], ["what is it? " * 30] * 3
    for width in (40, 300):
        table = Table("question", "id", "from", box=SIMPLE)
        for name, text in zip(names, texts, strict=True):
            table.add_row(text, name, Text(f"draft:{name}.md"))
        Shell(build, Console(width=width), Console(stderr=True)).wide(table)
        shown = capsys.readouterr().out
        for name in names:
            assert re.search(rf" {name} .* draft:{name}\.md ", shown)
        assert max(map(len, shown.splitlines())) <= max(300, 160)


def test_a_case_is_listed_by_the_id_that_approves_it(run: Run) -> None:
    assert run("eval", "draft", "--count", "3")[0] == 0
    ids = [each["id"] for each in json.loads(run("eval", "review", "--list", "--json")[1])]
    _, listed, _ = run("eval", "review", "--list")
    assert len(ids) == 3
    assert all(f" {each} " in listed for each in ids)
