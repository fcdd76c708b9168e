"""Your reviewed cases are fair: what they demand stands in documents that the caller may see. Drafts may be anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import load_yaml
from {{ cookiecutter.package_name }}.scaffold.evaluation import Case, load_cases
from {{ cookiecutter.package_name }}.scaffold.evaluation.graders import fold, holds
from {{ cookiecutter.package_name }}.scaffold.governance.principal import AccessFile, Directory
from {{ cookiecutter.package_name }}.scaffold.retrieval.access import access_of
from {{ cookiecutter.package_name }}.scaffold.retrieval.formats import READERS
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Limits

from tests.conftest import ROOT

DOCUMENTS = ROOT / "data" / "documents"
DATASETS = ROOT / "evals" / "datasets"
CASES = [case for case in load_cases(DATASETS / "knowledge.jsonl") if case.review.state == "reviewed"]
ANSWERED = [case for case in CASES if not case.expected.refusal]
ACCESS = load_yaml(ROOT / "data" / "access.yaml", AccessFile)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What each document says, after its name, by source, in the spelling in which graders compare."""
    found = {path.relative_to(DOCUMENTS).as_posix(): path for path in DOCUMENTS.rglob("*.*")}
    read = {source: READERS[path.suffix](path.read_bytes(), Limits()).text for source, path in found.items()}
    return {source: fold(f"{source} {text}") for source, text in read.items()}


def visible(case: Case, source: str) -> bool:
    access, names = access_of(source, ACCESS.rules), Directory(ACCESS.callers).get(case.caller).names
    return access is not None and bool(names & set(access.allow)) and not names & set(access.deny)


def written(number: float) -> set[str]:
    """``number`` as English and German documents write it."""
    english = {f"{number:g}", f"{number:,.0f}" if number.is_integer() else f"{number:,.2f}"}
    return english | {each.translate(str.maketrans(",.", ".,")) for each in english}


def test_every_caller_may_see_what_the_answer_stands_in() -> None:
    assert [(case.id, source) for case in CASES for source in case.expected.sources if not visible(case, source)] == []
    assert [case.id for case in ANSWERED if not case.expected.sources] == []


def test_what_the_answer_must_hold_stands_in_its_sources(texts: dict[str, str]) -> None:
    def missing(case: Case) -> Iterator[str | list[str]]:
        said = " ".join(texts[source] for source in case.expected.sources)
        wordings = [[item] if isinstance(item, str) else item for item in case.expected.must_include]
        if case.expected.number:
            wordings.append(sorted(written(case.expected.number.value)))
        yield from (any_of for any_of in wordings if not any(holds(said, wording) for wording in any_of))

    assert [(case.id, any_of) for case in ANSWERED for any_of in missing(case)] == []


def test_the_answer_for_readers_is_one_that_passes() -> None:
    def wrong(case: Case) -> list[str]:
        said, expected = case.expected.answer, case.expected
        wordings = [[item] if isinstance(item, str) else item for item in expected.must_include]
        absent = [any_of[0] for any_of in wordings if not any(holds(said, wording) for wording in any_of)]
        return absent + [item for item in expected.must_not_include if holds(said, item)]

    written = [case for case in CASES if case.expected.answer]
    assert [(case.id, wrong(case)) for case in written if wrong(case)] == []


def test_what_a_leak_test_forbids_stands_only_where_the_caller_may_not_look(texts: dict[str, str]) -> None:
    def found(case: Case, seen: bool) -> list[str]:
        places = [text for source, text in texts.items() if visible(case, source) is seen]
        return [item for item in case.expected.must_not_include if any(holds(text, item) for text in places)]

    leak_tests = [case for case in CASES if "access" in case.tags and case.expected.refusal]
    assert [(case.id, found(case, seen=True)) for case in leak_tests if found(case, seen=True)] == []
    assert [case.id for case in leak_tests if not found(case, seen=False)] == []


def test_cases_where_it_matters_who_asks_name_a_group_of_the_caller() -> None:
    groups = {name: caller.groups or ["none"] for name, caller in ACCESS.callers.items()}
    named = [(case, tag.partition(":")[2]) for case in CASES for tag in case.tags if tag.startswith("group:")]
    assert [case.id for case, group in named if group not in groups[case.caller]] == []
    assert {case.id for case in CASES if "access" in case.tags} <= {case.id for case, _ in named}


def test_pairs_differ_in_the_question_alone() -> None:
    pairs: dict[str, list[Case]] = {}
    for case in CASES:
        if case.pair:
            pairs.setdefault(case.pair, []).append(case)
    for name, members in pairs.items():
        assert len(members) > 1, name
        assert len({case.question for case in members}) == len(members), name
        alike = {case.model_copy(update={"id": name, "question": ""}).model_dump_json() for case in members}
        assert len(alike) == 1, name
        assert any(tag.startswith("attribute:") for tag in members[0].tags), name
    paired = {case.id for case in CASES if case.pair}
    assert paired == {case.id for case in CASES if "counterfactual" in case.tags}


def test_every_question_is_asked_of_a_caller_once() -> None:
    asked = Counter((fold(case.question), case.caller) for case in CASES)
    assert [question for question, times in asked.items() if times > 1] == []


def test_no_case_has_two_difficulties() -> None:
    graded = {case.id: [tag for tag in case.tags if tag.startswith("difficulty:")] for case in CASES}
    assert {id_: tags for id_, tags in graded.items() if len(tags) > 1} == {}


def test_there_are_as_many_cases_of_each_kind_as_the_readme_promises() -> None:
    counted = Counter(
        label
        for case in CASES
        for label in {*case.tags, f"locale:{case.locale}", "all", *["refused"] * case.expected.refusal}
    )
    counted["pairs"] = len({case.pair for case in CASES if case.pair})
    promised = re.findall(r"^\| `([^`]+)` \| (\d+) \|", (DATASETS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert promised, "evals/datasets/README.md holds no table of kinds and least numbers"
    assert {kind: counted[kind] for kind, least in promised if counted[kind] < int(least)} == {}
