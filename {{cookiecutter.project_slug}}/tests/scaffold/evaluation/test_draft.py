"""Drafts: what becomes a case, that it stands in a document its caller may see, and that nothing is drafted twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, UsageError
from {{ cookiecutter.package_name }}.scaffold.evaluation import Case, load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import Indexed, add, draft, write
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases.facts import facts, literals
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import holds
from {{ cookiecutter.package_name }}.scaffold.models import ModelInfo

from tests.scaffold.evaluation import cases as samples

DATASET = Path("evals/datasets/knowledge.jsonl")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Up to 1,500 EUR in total, and 40 % more.", ["1,500 EUR", "40 %"]),
        ("Es sind 0,30 EUR je Kilometer, höchstens 14 Zeichen.", ["0,30 EUR", "14 Zeichen"]),
        ("Fill in form R-12 within three working days.", ["R-12", "three working days"]),
        ("Since 1 March 2026, from 22:00 on; bis 3. Mai 2027.", ["1 March 2026", "22:00", "3. Mai 2027"]),
        ('Booked under "Vehicles" in Kompass.', ["Vehicles"]),
        ("Call +44 1632 960188 or write to desk@nordhafen.example.", []),
        ("There are four of them, and it is 2026.", []),
    ],
    ids=["amounts", "German", "codes and spans", "dates and times", "names", "personal data", "bare numbers"],
)
def test_facts_are_what_can_be_looked_for(text: str, found: list[str]) -> None:
    assert literals(text) == found


def test_a_passage_gives_its_sentences_cells_and_definitions_under_their_headings() -> None:
    text = (
        "## Hotels\n\n| City | Limit per night |\n|---|---|\n| Hamburg | 150 EUR |\n\nDuring fairs you may spend 40 % more."
        "\n\n## Words\n\nA beacon is a floating mark that is lit at night.\n\nand a sentence of 5 days that was cut in"
    )
    found = [(fact.heading, fact.literal, fact.row, fact.lead, fact.term) for fact in facts(text)]
    assert found == [
        ("Hotels", "150 EUR", ("Hamburg", "Limit per night"), "", ""),
        ("Hotels", "40 %", ("", ""), "During fairs you may spend", ""),
        ("Words", "floating mark that is lit", ("", ""), "", "beacon"),
    ]


def test_what_is_drafted_stands_in_its_document_and_its_caller_may_see_it(application: Application) -> None:
    indexed = Indexed(application)
    cases = draft(indexed, 60)
    callers = {caller.id: caller for caller in indexed.callers}
    assert len(cases) == 60
    assert {case.locale for case in cases} == {"de", "en"}
    assert {case.review.state for case in cases} == {"unreviewed"}
    for case in cases:
        (source,), (literal,) = case.expected.sources, case.expected.must_include
        text = "\n".join(passage.text for passage in indexed.passages(source, callers[case.caller]))
        assert isinstance(literal, str)
        assert holds(text, literal), case.id
        assert not holds(case.question, literal), case.id
        assert case.source == f"draft:{source}"
    drafted = {source for case in cases for source in case.expected.sources}
    assert "finance/budget-2027-draft.md" not in drafted  # nobody may see it
    assert "travel/travel-policy-2023.md" not in drafted  # superseded
    assert {case.caller for case in cases if "hr/salaries/salary-bands-2026.md" in case.expected.sources} == {"anna"}


def test_the_same_run_twice_adds_nothing_and_touches_no_other_line(application: Application, project: Path) -> None:
    path = project / DATASET
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    before = path.read_bytes()
    added = add(path, draft(Indexed(application), 8))
    after = path.read_bytes()
    assert len(added) == 8
    assert after.startswith(before + b"\n")
    assert add(path, draft(Indexed(application), 8)) == []
    assert path.read_bytes() == after
    assert [case.id for case in load_cases(path)][-8:] == [case.id for case in added]


def test_a_question_that_somebody_rejected_or_asked_already_is_not_drafted_again(
    application: Application, project: Path
) -> None:
    path, (first, second) = project / DATASET, draft(Indexed(application), 2)
    rejected = samples.line(first.id, review={"state": "rejected", "by": "Ada", "on": "2026-01-31"})
    asked = samples.line("own", question=f" {second.question.upper()}", caller=second.caller, locale=second.locale)
    samples.write(path, [rejected, asked])
    assert add(path, [first, second]) == []


def test_a_dataset_with_a_mistake_is_left_as_it_is(application: Application, project: Path) -> None:
    path = project / DATASET
    broken = b'{"id": "a"}\n'
    path.write_bytes(broken)
    with pytest.raises(ConfigurationError, match=r"knowledge.jsonl:1: question: this field is required"):
        add(path, draft(Indexed(application), 2))
    assert path.read_bytes() == broken


Writes = Callable[[object], Application]


@pytest.fixture
def writes(application: Application, monkeypatch: pytest.MonkeyPatch) -> Writes:
    """The application with a language model that writes the given cases, or the given text."""

    def make(reply: object) -> Application:
        text = reply if isinstance(reply, str) else f"Here they are:\n```json\n{json.dumps(reply)}\n```"
        model = FakeListChatModel(responses=[text])
        info = ModelInfo(provider="openai", model="some", sha256="0" * 64)
        monkeypatch.setattr(application.models, "describe", lambda role: info)
        monkeypatch.setattr(application.models, "get", lambda role, parameters=None: model)
        return application

    return make


def written(question: str = "How long is it?", **changes: Any) -> dict[str, Any]:
    return {"question": question, "answer": "So long.", "must_include": ["1,500 EUR"], **changes}


async def _write(application: Application, only: str, told: list[str]) -> list[Case]:
    indexed = Indexed(application)
    indexed._chunks = {only: indexed._chunks[only]}
    return await write(application, indexed, set(), 40, told.append)


async def test_what_a_model_writes_counts_as_far_as_it_stands_in_the_passage(writes: Writes) -> None:
    told: list[str] = []
    invented = written("Who?", must_include=["7,777 EUR"])
    application = writes([written(must_include=["1,500 EUR", "9,999 EUR"]), invented])
    cases = await _write(application, "travel/travel-policy-2026.md", told)
    assert [case.expected.must_include for case in cases] == [["1,500 EUR"]]
    assert [case.review.state for case in cases] == ["unreviewed"]
    assert any("1 of 2 cases say what does not stand there" in line for line in told)


async def test_a_passage_that_has_cases_is_not_asked_about_again(writes: Writes) -> None:
    application = writes([written()])
    indexed = Indexed(application)
    (case,) = await _write(application, "travel/travel-policy-2026.md", [])
    indexed._chunks = {"travel/travel-policy-2026.md": indexed._chunks["travel/travel-policy-2026.md"]}
    assert await write(application, indexed, {case.id}, 40, lambda line: None) == []


@pytest.mark.parametrize("reply", ["I cannot do that.", "[{]", [{"question": "?"}]])
async def test_a_reply_that_is_no_list_of_cases_is_told_of(writes: Writes, reply: object) -> None:
    told: list[str] = []
    assert await _write(writes(reply), "travel/travel-policy-2026.md", told) == []
    assert any("is no list of cases" in line for line in told)


async def test_the_offline_model_writes_no_cases(application: Application) -> None:
    with pytest.raises(UsageError, match="The offline model that answers the role 'answer' writes no cases"):
        await write(application, Indexed(application), set(), 2, lambda line: None)
