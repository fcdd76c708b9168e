"""Cases drafted from the indexed documents without a model: a heading and a fact under it make a question."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ...governance.principal import Principal
from ...retrieval import Passage
from ..dataset import TEXT_MAX_CHARACTERS, Case, Expected, Review
from ..graders import holds
from .facts import LEAST_LEAD, Fact, facts
from .indexed import Indexed, in_turn

QUESTIONS = {
    "en": {
        "section": 'What does "{title}" say about {heading}?',
        "sentence": 'How does this go on in {where}: "{lead} …"?',
        "cell": "{where}: what is the {column} for {name}?",
        "term": 'What is meant by "{term}" in {where}?',
        "where": '"{title}"',
        "under": '"{title}", {heading}',
    },
    "de": {
        "section": "Was steht in „{title}“ zu {heading}?",
        "sentence": "Wie geht das in {where} weiter: „{lead} …“?",
        "cell": "{where}: was steht unter {column} für {name}?",
        "term": "Was ist mit „{term}“ in {where} gemeint?",
        "where": "„{title}“",
        "under": "„{title}“, {heading}",
    },
}
"""How questions are put, by language; other languages are asked about in English. People put them better in review."""
UNREVIEWED = Review(state="unreviewed")


def draft(indexed: Indexed, count: int) -> list[Case]:
    """``count`` cases from the documents that somebody may see, one of each document in turn: always the same ones."""
    return in_turn((_cases(caller, passages) for caller, passages in indexed.documents()), count)


def topic(source: str) -> list[str]:
    """The folder that a document is in, as a tag."""
    return [source.split("/")[0]] if "/" in source else []


def named(kind: str, source: str, *parts: str) -> str:
    """An id that tells cases from ``source`` apart by ``parts``, and is the same whenever they are."""
    stem = re.sub(r"\W+", "-", source.rpartition("/")[2].rpartition(".")[0].lower()).strip("-")
    return f"{kind}-{stem[:40]}-{hashlib.sha256(json_key(source, *parts)).hexdigest()[:8]}"


def json_key(*parts: str) -> bytes:
    """``parts`` as bytes that no other parts have."""
    return "\x00".join(parts).encode("utf-8", "replace")


def _cases(caller: Principal, passages: Sequence[Passage]) -> list[Case]:
    found = list(_found(passages))
    under = Counter(fact.heading for _, fact in found)
    cases = {}
    for passage, fact in found:
        question = _question(passage, fact, under[fact.heading] == 1)
        if max(len(question), len(fact.said)) > TEXT_MAX_CHARACTERS:
            continue
        if question and not holds(question, fact.literal) and holds(passage.text, fact.literal):
            id_ = named("draft", passage.source, fact.said, fact.literal)
            cases[id_] = Case(
                id=id_,
                question=question,
                caller=caller.id,
                locale=passage.language if passage.language in QUESTIONS else "en",
                expected=Expected(answer=fact.said, must_include=[fact.literal], sources=[passage.source]),
                tags=[*topic(passage.source), *["table"] * bool(fact.row[1])],
                source=f"draft:{passage.source}",
                review=UNREVIEWED,
            )
    return [cases[id_] for id_ in sorted(cases, key=lambda id_: id_[-8:])]


def _found(passages: Sequence[Passage]) -> Iterator[tuple[Passage, Fact]]:
    said = set()  # passages overlap
    for passage in passages:
        above = passage.section.rpartition(" > ")[2]
        for fact in facts(passage.text):
            if (fact.said, fact.literal) not in said:
                said.add((fact.said, fact.literal))
                heading = fact.heading if fact.heading != passage.title else ""
                yield passage, Fact(**{**vars(fact), "heading": heading or above})


def _question(passage: Passage, fact: Fact, only: bool) -> str:
    """The question; empty where none would be understood."""
    put = QUESTIONS.get(passage.language, QUESTIONS["en"])
    known = {"title": passage.title, "heading": fact.heading}
    where = put["under" if fact.heading else "where"].format(**known)
    name, column = fact.row
    if column:
        return put["cell"].format(where=where, name=name, column=_inside(column))
    if fact.term:
        return put["term"].format(where=where, term=fact.term)
    if only and fact.heading:
        return put["section"].format(**known)
    if len(fact.lead.split()) >= LEAST_LEAD:
        return put["sentence"].format(where=where, lead=fact.lead)
    return ""


def _inside(column: str) -> str:
    """A column's head within a sentence: "Limit per night" is written small, "VAT" is not."""
    return column[0].lower() + column[1:] if column[1:2].islower() and " " in column else column
