"""What is wrong with a dataset as a whole: cases that repeat, contradict or leak, or that the documents left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...application import Application
from ...retrieval.quality.duplicates import words_of
from ..dataset import Case, load_cases
from ..graders import fold, holds
from .indexed import Indexed
from .leakage import leaks
from .lines import asks, places
from .similar import alike


@dataclass(frozen=True)
class Problem:
    """What is wrong with a case."""

    line: int
    id: str
    kind: str
    """duplicate, near-duplicate, conflict, leakage, caller, source or stale."""
    reason: str


def check(application: Application, path: Path) -> list[Problem]:
    """What is wrong with the cases of ``path`` that nobody rejected, in the order of their lines.

    Raises ``ConfigurationError`` where the file itself is wrong.
    """
    cases = [case for case in load_cases(path) if case.review.state != "rejected"]
    at = places(path.read_bytes())
    found = [
        *_twins(cases, at),
        *((case, "leakage", reason) for case, reason in leaks(application.prompts.sources, cases)),
        *_left_behind(cases, Indexed(application)),
    ]
    return sorted((Problem(at[case.id], case.id, kind, reason) for case, kind, reason in found), key=lambda p: p.line)


def _twins(cases: Sequence[Case], at: dict[str, int]) -> Iterator[tuple[Case, str, str]]:
    """Cases that ask what an earlier one asks of the same caller; counterfactual pairs are meant to be alike."""
    asked: dict[tuple[str, str, str], Case] = {}
    demanded: dict[tuple[str, str, str], list[tuple[Case, list[str]]]] = {}
    for case in cases:
        words, wanted = words_of(case.question), _demanded(case)
        first = asked.setdefault(asks(case), case)
        before = demanded.setdefault((case.caller, case.locale, wanted), [])
        near = [
            other for other, theirs in before if not (case.pair and case.pair == other.pair) and alike(words, theirs)
        ]
        if first is not case and _demanded(first) == wanted:
            yield case, "duplicate", f"asks and expects what {first.id!r} in line {at[first.id]} does; drop one"
        elif first is not case:
            told = f"{first.id!r} in line {at[first.id]}"
            yield case, "conflict", f"expects something else than {told}, of the same question and caller"
        elif near:
            told = f"{near[0].id!r} in line {at[near[0].id]}"
            yield case, "near-duplicate", f"asks nearly what {told} asks, and expects the same; drop one"
        before.append((case, words))


def _demanded(case: Case) -> str:
    """What a case demands, whatever its wording for people and its order."""
    expected = case.expected
    texts = [sorted(map(fold, [item] if isinstance(item, str) else item)) for item in expected.must_include]
    rest = expected.model_dump_json(include={"number", "label", "fields", "refusal"})
    return f"{sorted(texts)} {rest}"


def _left_behind(cases: Sequence[Case], indexed: Indexed) -> Iterator[tuple[Case, str, str]]:
    callers = {caller.id: caller for caller in indexed.callers}
    for case in cases:
        if (caller := callers.get(case.caller)) is None:
            yield case, "caller", f"nobody in data/access.yaml is called {case.caller!r} any more"
            continue
        gone = [source for source in case.expected.sources if source not in indexed]
        hidden = [
            source for source in case.expected.sources if source in indexed and not indexed.passages(source, caller)
        ]
        yield from ((case, "source", f"{source} is not indexed any more") for source in gone)
        yield from ((case, "source", f"{case.caller} may not see {source} any more") for source in hidden)
        if gone or hidden or not case.expected.sources:
            continue
        passages = [passage for source in case.expected.sources for passage in indexed.passages(source, caller)]
        text = "\n".join(part for passage in passages for part in (passage.title, passage.section, passage.text))
        for item in case.expected.must_include:
            wordings = [item] if isinstance(item, str) else item
            if not any(holds(text, wording) for wording in wordings):
                yield case, "stale", f"{' or '.join(map(repr, wordings))} stands in none of its sources any more"
