"""Another embedding under the same documents: what it takes, what it is held to, and what stays chosen."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold import cli
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ScaffoldError, UsageError
from {{ cookiecutter.package_name }}.scaffold.reindex import drop, estimate, listed, reindex, roll_back, works
from {{ cookiecutter.package_name }}.scaffold.retrieval import sync
from {{ cookiecutter.package_name }}.scaffold.retrieval.embedders import Following
from {{ cookiecutter.package_name }}.scaffold.retrieval.upkeep import INDEX, Desk, entrust

from tests.scaffold.models import vendors
from tests.scaffold.reindexing import PRICED, configure, documents_sent, opened


def quiet(_: str) -> None:
    pass


def embedding(application: Application) -> str:
    live = application.index.versions.live(now=True)
    assert live is not None
    return live.label.partition(" ")[0]


def test_an_estimate_counts_as_the_budget_does_and_sends_nothing(
    project: Path, vendor: vendors.Vendor, served: Application
) -> None:
    assert estimate(served, "dense").foreseen.dollars is None, "no price is known, and none is guessed"
    rate = "roles: {embed: {tokens_per_minute: 1000, requests_per_minute: 1}}\n"
    configure(project, vendor, limits=PRICED + rate)
    found = estimate(served, "dense")
    assert (found.documents, found.done) == (served.index.documents(), 0)
    assert vendor.requests == []
    configure(project, vendor)
    reindex(served, quiet, "dense", force=True)
    sent = documents_sent(vendor)
    read = sum(len(text.encode()) for text in sent)
    assert found.foreseen.passages == len(sent)
    assert found.foreseen.tokens == pytest.approx(read, rel=0.02)  # but for what is redacted
    assert found.foreseen.dollars == pytest.approx(read / 10_000, rel=0.02)
    assert found.foreseen.minutes == pytest.approx(read / 4 / 1000, rel=0.02)
    assert "at most" in found.summary()


BUDGETS = [
    ("budget: {day: 100}\n", "No price is known for openai-compatible/dense-1, so that the budget budget.day"),
    (PRICED + "budget: {day: 1}\n", "This may cost .* USD, and of the budget budget.day .* 1.0000 are left until"),
    (PRICED + "roles: {embed: {budget: {month: 0.5}}}\n", "of the budget roles.embed.budget.month"),
    (PRICED + "budget: {day: 100}\neach_caller: {day: 0}\n", ""),  # nobody's call
]


@pytest.mark.parametrize(("limits", "said"), BUDGETS, ids=str)
def test_an_estimate_is_held_to_what_is_left(
    project: Path, vendor: vendors.Vendor, served: Application, limits: str, said: str
) -> None:
    configure(project, vendor, limits=limits)
    refusal = estimate(served, "dense").foreseen.refusal
    assert bool(refusal) == bool(said)
    if said:
        with pytest.raises(ScaffoldError, match=said):
            reindex(served, quiet, "dense")
    assert (vendor.requests, [row["status"] for row in listed(served)]) == ([], ["live"])


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("dens", ConfigurationError, "There is no model 'dens' .*did you mean 'dense'"),
        ("extractive", ConfigurationError, "is a chat model"),
        ("hashing", UsageError, "has the vectors of hashing already"),
        ("", UsageError, "has the vectors of hashing already"),
    ],
)
def test_what_cannot_be_or_changes_nothing_is_one_sentence(
    served: Application, name: str, error: type[ScaffoldError], said: str
) -> None:
    with pytest.raises(error, match=said):
        estimate(served, name)


def test_a_chosen_index_stays_until_the_configuration_asks_for_another(
    project: Path, vendor: vendors.Vendor, served: Application
) -> None:
    reindex(served, quiet, "dense", force=True)
    assert served.index.sync().unchanged == served.index.documents()
    assert embedding(served) == "openai-compatible/dense-1", (
        "the configuration still says hashing, as it did when this was chosen"
    )
    roll_back(served, quiet)
    served.index.sync()
    assert embedding(served) == "hashing-1024@1"
    configure(project, vendor, embed="other")
    report = served.index.sync()
    assert (embedding(served), len(report.added)) == (
        "openai-compatible/other-1",
        served.index.documents(),
    )
    assert [(row["id"], row["status"]) for row in listed(served)] == [(3, "live"), (1, "previous")]
    assert drop(served, quiet) == {"dropped": [1]}
    assert [path.name for path in (project / "var" / "index").iterdir()] == ["3"]
    with pytest.raises(UsageError, match="No index is kept to go back to"):
        roll_back(served, quiet)


def test_a_configuration_that_followed_the_choice_is_followed_back(
    project: Path, vendor: vendors.Vendor, served: Application
) -> None:
    reindex(served, quiet, "dense", force=True)
    for named, used in (("dense", "openai-compatible/dense-1"), ("hashing", "hashing-1024@1")):
        configure(project, vendor, embed=named)
        served.index.sync()
        assert embedding(served) == used


def test_the_service_that_has_the_index_does_it_when_it_is_asked(
    project: Path, vendor: vendors.Vendor, served: Application
) -> None:
    told: list[str] = []
    with opened(project) as command, Desk(served.index, served.state, works(served)):
        while not command.index.leases.holder(INDEX):
            threading.Event().wait(0.01)
        asked = {"embedding": "dense", "suite": "knowledge", "force": False}
        outcome = entrust(command.index, command.state, "reindex", asked, told.append, lambda *_: {})
        assert (outcome["index"], outcome["previous"]) == (2, 1)
        assert any("recall@5" in line for line in told)
        outcome = entrust(command.index, command.state, "rollback", {"force": False}, told.append, lambda *_: {})
        assert outcome["index"] == 1
        with pytest.raises(ScaffoldError, match="There is no model 'dens'") as refused:
            entrust(command.index, command.state, "reindex", asked | {"embedding": "dens"}, told.append, lambda *_: {})
        assert refused.value.exit_code == 2
    assert b"app_live_index 1.0" in measured(served)


def measured(application: Application) -> bytes:
    application.index.documents()
    return application.telemetry.metrics_page()


@pytest.mark.parametrize("fault", ["vendor", "budget"])
def test_what_is_done_is_kept_when_it_cannot_go_on(
    project: Path, vendor: vendors.Vendor, served: Application, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant in ("BATCH_PASSAGES", "COMMIT_PASSAGES", "READ_DOCUMENTS"):
        monkeypatch.setattr(sync, constant, 2)
    embed, calls = served.models.embeddings(use="dense"), 0

    def failing(texts: list[str]) -> list[list[float]]:
        nonlocal calls
        calls += 1
        if calls == 20:
            if fault == "vendor":
                vendor.fault = 401
            else:
                configure(project, vendor, limits=PRICED + "budget: {day: 0}\n")
        return type(embed).embed_documents(served.models.embeddings(use="dense"), texts)

    monkeypatch.setattr(Following, "_now", lambda _: Instead(failing))
    with pytest.raises(ScaffoldError, match=r"[1-9]\d* documents are in the new index and stay there; the same comm"):
        reindex(served, quiet, "dense")
    assert [(row["id"], row["status"]) for row in listed(served)] == [(2, "building"), (1, "live")]
    monkeypatch.undo()
    vendor.fault = None
    configure(project, vendor)
    assert 0 < estimate(served, "dense").done < served.index.documents()
    assert reindex(served, quiet, "dense", force=True)["index"] == 2


class Instead:
    def __init__(self, embed: Any) -> None:
        self.embed_documents = embed


def test_an_index_that_another_process_put_away_is_not_asked(served: Application, project: Path) -> None:
    moira = served.index.directory.get("moira")
    assert served.index.search("remote work", moira)  # which index is live is known for a second from here on
    served.index.close()
    with opened(project) as other:
        reindex(other, quiet, "dense", force=True)
        reindex(other, quiet, "other", force=True)
        assert [row["id"] for row in listed(other)] == [3, 2]
        other.index.close()
        stale = served.index.versions._live
        served.index.versions._live = (float("inf"), stale[1])
        assert served.index.search("remote work", moira)


def test_the_command_says_what_it_takes_asks_and_shows_what_there_is(
    project: Path,
    vendor: vendors.Vendor,
    served: Application,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    served.index.close()
    monkeypatch.chdir(project)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["app", "reindex", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.run(lambda settings: opened(settings.root))
        printed = capfd.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    code, out, _ = run("--embedding", "dense", "--dry-run")
    assert (code, "its price is not known; no rate is set" in out) == (0, True)
    assert json.loads(run("--embedding", "dense", "--dry-run", "--json")[1])["foreseen"]["dollars"] is None
    code, _, err = run("--embedding", "dense")
    assert (code, "say --yes where nobody can be asked" in err, vendor.requests) == (2, True, [])
    configure(project, vendor, limits="budget: {day: 1}\n")
    code, _, err = run("--embedding", "dense", "--yes")
    assert (code, "No price is known" in err, vendor.requests) == (1, True, [])
    configure(project, vendor)
    code, out, err = run("--embedding", "dense", "--yes")
    assert (code, out) == (0, "Index 2 answers now; 1 is kept for 'reindex --rollback'.\n"), err
    assert "recall@5" in err
    code, out, _ = run("--rollback")
    assert (code, out) == (0, "Index 1 answers now; 2 is kept for 'reindex --rollback'.\n")
    _, out, _ = run("--list")
    listed_ = [line.split()[:2] for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert listed_ == [["2", "previous"], ["1", "live"]]
    assert run("--drop-previous")[1] == "Deleted: 2.\n"
    assert [row["status"] for row in json.loads(run("--list", "--json")[1])] == ["live"]
