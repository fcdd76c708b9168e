"""F09: duplicates, outdated, contradictory, empty or unreadable documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.readiness import gate, load_stage
from {{ cookiecutter.package_name }}.scaffold.readiness.data import examine, save
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import KINDS, Report

TODAY = date.today().isoformat()
POLICY = (
    "Hotels are paid for up to 120 EUR a night. Book them at the travel desk, which has rates of its own with most of the "
    "houses near our offices. Who finds no room at that price asks the travel desk before booking, not afterwards."
)
GERMAN = (
    "Das Hafenamt ist von neun bis fünf geöffnet. Schiffe melden ihren Tiefgang, ehe sie einlaufen, und warten auf den "
    "Lotsen an der äußeren Tonne. Der Kran kann einen Tag vorher gebucht werden, wofür das Amt das Gewicht und den Namen "
    "des Schiffes wissen will."
)
RULES = """
callers:
  ada: {name: Ada, groups: [everyone, hr]}
  bob: {name: Bob, groups: [everyone, sales]}
rules:
  - {path: strange.md, allow: ["group:hrr"]}
  - {path: confidential/*, allow: ["group:everyone"]}
  - {path: named/*, allow: ["group:everyone"]}
"""


def written(text: str = POLICY, title: str = "Hotels", updated: str = TODAY, **fields: str) -> bytes:
    stated = {"title": title, "updated": updated, "language": "en"} | fields
    return ("---\n" + "".join(f"{key}: {value}\n" for key, value in stated.items()) + f"---\n\n{text}\n").encode()


def day(days: int) -> str:
    return (date.today() + timedelta(days=days)).isoformat()


PLANTED = [
    ("exact_duplicate", "named/zz-copy.md", written(title="Hotels again")),
    ("near_duplicate", "named/zz-like.md", written(POLICY.replace("most of", "some of"), "Where to stay")),
    ("contradictory", "named/zz-other.md", written(POLICY.replace("120", "150"), "Hotels (old)")),
    (
        "contradictory",
        "named/zz-2019-03-01.md",
        written("Ferries leave at noon, and the gate closes before that.", "F"),
    ),
    ("contradictory", "named/zz-dated.md", written("Last updated: 2019-03-01\n\nFerries leave at noon.", "Ferries")),
    ("outdated", "named/zz-marked.md", written("Ferries leave at noon, as ever.", "Ferries", status="superseded")),
    ("outdated", "named/zz-old.md", written("Ferries leave at noon, as ever.", "Ferries", day(-37_000))),
    ("outdated", "named/hotels-2019.md", written("Ferries leave at noon, as ever.", "Ferries")),
    ("future_date", "named/zz-ahead.md", written("Ferries leave at noon, as ever.", "Ferries", day(5))),
    ("empty", "named/zz-empty.md", b""),
    ("empty", "named/zz-stub.md", written("To do.", "A page to come")),
    ("unreadable", "named/zz-broken.pdf", b"%PDF-1.7 and nothing more"),
    ("encoding", "named/zz-latin.md", "Größe und Länge".encode("latin-1")),
    (
        "encoding",
        "named/zz-mojibake.md",
        written("Die GrÃ¶Ã\u0178e der FÃ¤hre zÃ¤hlt nicht.", "Ferries", language="de"),
    ),
    ("mixed_languages", "named/zz-mixed.md", written(f"{POLICY}\n\n{POLICY[::-1]}\n\n{GERMAN}", "Harbour")),
    ("missing_metadata", "named/zz-bare.txt", b"Ferries leave at noon, as ever."),
    ("missing_permissions", "unnamed.md", written("Ferries leave at noon, as ever.", "Ferries")),
    ("unknown_principal", "strange.md", written("Ferries leave at noon, as ever.", "Ferries")),
    ("wide_permissions", "confidential/pay.md", written("Ferries leave at noon, as ever.", "Ferries")),
    ("wide_permissions", "named/zz-paid.md", written("Pay for the ferry to DE89 3704 0044 0532 0130 00.", "Ferries")),
    ("personal_data", "named/zz-people.md", written("About ferries, write to jane.doe@example.com.", "Ferries")),
    ("oversized", "named/zz-table.md", written("\n".join(f"ship {n} | {n} | red" for n in range(400)), "Ships")),
]


@pytest.fixture
def documents(application: Application, project: Path) -> Path:
    """A project of one good document, whose gate asks for data without any defect; the folder."""
    folder = project / "data" / "documents"
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    (project / "data" / "access.yaml").write_text(RULES, "utf-8")
    evaluation = {"suite": "knowledge", "min_cases": 1, "max_age_hours": 1}
    required = {"max_age_hours": 1, "largest_share": dict.fromkeys(KINDS, 0)}
    stages = {"stages": {"poc": {"evaluation": evaluation, "data": required, "checks": ["data"]}}}
    (project / "governance" / "stages.yaml").write_text(json.dumps(stages), "utf-8")
    for name in ("named", "confidential"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "named" / "hotels-2020.md").write_bytes(written())
    return folder


def check(application: Application) -> Report:
    """What ``make data-check`` does."""
    application.index.sync()
    report = examine(application, datetime.now(UTC))
    save(application, report, load_stage(application.settings, "poc").data, "poc")
    return report


def verdict(application: Application) -> tuple[bool, str]:
    (result,) = gate(application, "poc").checks
    return result.passed, result.reason


@pytest.mark.drill("F09")
@pytest.mark.parametrize(("kind", "source", "data"), PLANTED, ids=[f"{kind}-{name}" for kind, name, _ in PLANTED])
def test_a_planted_defect_is_named_and_turns_the_gate_red(
    application: Application, documents: Path, kind: str, source: str, data: bytes
) -> None:
    """Staged: a duplicate, outdated, contradictory, empty, unreadable, broken, confidential or unnamed document.
    Caught by: data check, which names document, reason and remedy; the gate is red above the stage's limit and says why.
    """
    check(application)
    assert verdict(application)[0]
    (documents / source).write_bytes(data)
    report = check(application)
    named = [each for each in report.findings if each.kind == kind]
    assert [each.source for each in named] == [source]
    assert named[0].reason.startswith(source) and named[0].mend
    assert report.score < 100
    passed, reason = verdict(application)
    assert not passed
    assert f"1 of 2 documents (50.0%), at most 0.0% may be ({kind})" in reason


@pytest.mark.drill("F09")
def test_a_defect_within_the_limit_is_named_and_lets_the_gate_pass(
    application: Application, documents: Path, project: Path
) -> None:
    """Staged: one outdated document of two, where the stage allows half.
    Caught by: nothing, and rightly: data check names it, and the limit is the stage's.
    """
    path = project / "governance" / "stages.yaml"
    path.write_text(path.read_text("utf-8").replace('"outdated": 0', '"outdated": 0.5'), "utf-8")
    (documents / "named" / "old.md").write_bytes(written("Ferries leave at noon.", "Ferries", status="superseded"))
    assert [each.kind for each in check(application).findings] == ["outdated"]
    assert verdict(application)[0]


def _add_unchecked(application: Application, documents: Path) -> None:
    (documents / "named" / "zz-copy.md").write_bytes(written(title="Hotels again"))
    application.index.sync()


def _loosen(application: Application, documents: Path) -> None:
    application.settings.path("config", "quality.yaml").write_text("max_age_days: 99999\n", "utf-8")


def _edit_record(application: Application, documents: Path) -> None:
    path = application.settings.path("var", "reports", "data-check.json")
    path.write_text(path.read_text("utf-8").replace('"score": 100.0', '"score": 99.0'), "utf-8")


def _remove_record(application: Application, documents: Path) -> None:
    application.settings.path("var", "reports", "data-check.json").unlink()


def _age(application: Application, documents: Path) -> None:
    report = examine(application, datetime.now(UTC) - timedelta(hours=2))
    save(application, report, load_stage(application.settings, "poc").data, "poc")


@pytest.mark.drill("F09")
@pytest.mark.parametrize(
    ("stage_failure", "reason"),
    [
        (_add_unchecked, "documents, index changed since the data check"),
        (_loosen, "rules changed since the data check"),
        (_edit_record, "it was changed afterwards"),
        (_remove_record, "is gone"),
        (_age, "the data check is 2 h old, at most 1 h count"),
    ],
)
def test_a_check_of_other_documents_or_rules_is_no_evidence(
    application: Application, documents: Path, stage_failure: Callable[[Application, Path], None], reason: str
) -> None:
    """Staged: documents or rules change after the check, or its record is edited, removed or too old.
    Caught by: the gate, which holds the record's digests against what is indexed now and the record against its own.
    """
    check(application)
    assert verdict(application)[0]
    stage_failure(application, documents)
    passed, said = verdict(application)
    assert not passed
    assert reason in said
