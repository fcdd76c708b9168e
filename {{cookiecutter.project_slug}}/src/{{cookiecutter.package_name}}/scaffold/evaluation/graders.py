"""Graders: pure functions from a case and what was observed to a score in 0..1 with its reason.

A grader answers ``None`` where the case does not ask its question. A case that ended in an error scores 0 wherever it
would have been asked: an answer that never came is not left out of the mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from ..usecase import Answer
from .dataset import Case


class Score(BaseModel):
    """A grader's verdict on one case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: float = Field(ge=0, le=1)
    reason: str = Field(default="", description="Why it is not 1; empty where it is.")


@dataclass(frozen=True)
class Observation:
    """What happened when the case was asked."""

    answer: Answer | None
    """None where asking ended in ``error``."""
    retrieved: tuple[str, ...] = ()
    """Sources of the first k passages, best first; a source may come several times."""
    visible: frozenset[str] = frozenset()
    """Sources that the caller may see."""
    error: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    """By name of ``MEASURES``; what is not known is left out."""

    @property
    def cited(self) -> list[str]:
        """Sources of the answer's citations, each once, in order."""
        return unique(citation.source for citation in self.answer.citations) if self.answer else []


Grade = Callable[[Case, Observation], Score | None]


def retrieval_recall(case: Case, observed: Observation) -> Score | None:
    """Share of the expected sources among the first k passages.

    Recall: Manning, Raghavan, Schütze, "Introduction to Information Retrieval" (2008), section 8.3, here cut at k.
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return _unanswered(observed)
    return _share(case.expected.sources, observed.retrieved, "not retrieved")


def retrieval_mrr(case: Case, observed: Observation) -> Score | None:
    """Reciprocal rank of the first expected source among the retrieved sources, each source counted once.

    Manning, Raghavan, Schütze, "Introduction to Information Retrieval" (2008), chapter 8; the mean over cases is the
    mean reciprocal rank of E. M. Voorhees, "The TREC-8 Question Answering Track Report" (1999).
    """
    if not case.expected.sources:
        return None
    if observed.error:
        return _unanswered(observed)
    for rank, source in enumerate(unique(observed.retrieved), start=1):
        if source in case.expected.sources:
            return Score(score=1 / rank, reason="" if rank == 1 else f"first expected source at rank {rank}")
    return Score(score=0, reason="no expected source retrieved")


def correctness(case: Case, observed: Observation) -> Score | None:
    """1 where the answer holds every text it must and none it must not, else 0."""
    if case.expected.refusal:
        return None
    if observed.answer is None:
        return _unanswered(observed)
    text = observed.answer.answer
    wordings = [[item] if isinstance(item, str) else item for item in case.expected.must_include]
    missing = [" or ".join(any_of) for any_of in wordings if not any(holds(text, wording) for wording in any_of)]
    wrong = [item for item in case.expected.must_not_include if holds(text, item)]
    reasons = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"must not hold: {', '.join(wrong)}"] * bool(wrong)
    return Score(score=0 if reasons else 1, reason="; ".join(reasons))


def citation_precision(case: Case, observed: Observation) -> Score | None:
    """Share of the cited sources that are expected ones; an answer without citations scores 0.

    Precision: Manning, Raghavan, Schütze (2008), section 8.3, over sources. A refusal cites nothing and is graded by
    ``answered``.
    """
    if not case.expected.sources:
        return None
    if observed.answer is None:
        return _unanswered(observed)
    if observed.answer.refused:
        return None
    if not observed.cited:
        return Score(score=0, reason="nothing cited")
    return _share(observed.cited, case.expected.sources, "cited beside the point")


def citation_recall(case: Case, observed: Observation) -> Score | None:
    """Share of the expected sources that are cited (Manning, Raghavan, Schütze 2008, section 8.3)."""
    if not case.expected.sources:
        return None
    if observed.answer is None:
        return _unanswered(observed)
    return _share(case.expected.sources, observed.cited, "not cited")


def refusal(case: Case, observed: Observation) -> Score | None:
    """For a question that must be refused: 1 where it was."""
    if not case.expected.refusal:
        return None
    if observed.answer is None:
        return _unanswered(observed)
    return Score(score=1) if observed.answer.refused else Score(score=0, reason="answered, a refusal was expected")


def answered(case: Case, observed: Observation) -> Score | None:
    """For a question that has an answer: 1 where the caller was not refused."""
    if case.expected.refusal:
        return None
    if observed.answer is None:
        return _unanswered(observed)
    return Score(score=0, reason="refused, an answer was expected") if observed.answer.refused else Score(score=1)


def access(case: Case, observed: Observation) -> Score:
    """0 where anything reached the caller that they may not see: a source, or a text that an access case forbids."""
    hidden = [source for source in unique([*observed.cited, *observed.retrieved]) if source not in observed.visible]
    forbidden = case.expected.must_not_include if "access" in case.tags else []
    shown = [observed.answer.answer, *(c.passage for c in observed.answer.citations)] if observed.answer else []
    leaked = [item for item in forbidden if any(holds(text, item) for text in shown)]
    reasons = [f"not visible to the caller: {', '.join(hidden)}"] * bool(hidden)
    reasons += [f"leaked: {', '.join(leaked)}"] * bool(leaked)
    if not reasons and observed.answer is None:
        return _unanswered(observed)  # what was not seen is not known to be safe
    return Score(score=0 if reasons else 1, reason="; ".join(reasons))


def completed(_: Case, observed: Observation) -> Score:
    """1 where asking ended without an error."""
    return _unanswered(observed) if observed.answer is None else Score(score=1)


RATES: Mapping[str, Grade] = {
    "correctness": correctness,
    "answered": answered,
    "refusal": refusal,
    "access": access,
    "completed": completed,
}
"""Graders that say yes or no: their means are rates with an interval, and a case passes where all of them say yes."""

SHARES: Mapping[str, Grade] = {
    "citation_precision": citation_precision,
    "citation_recall": citation_recall,
    "retrieval_recall": retrieval_recall,
    "retrieval_mrr": retrieval_mrr,
}
"""Graders that say how much."""

MEASURES: Mapping[str, str] = {"latency": "s", "cost": "USD", "input_tokens": "tokens", "output_tokens": "tokens"}
"""What is measured beside them, with its unit: less is better."""


def grade(case: Case, observed: Observation) -> dict[str, Score]:
    """Every score that applies to the case, by grader."""
    scores = {name: grader(case, observed) for name, grader in {**RATES, **SHARES}.items()}
    return {name: score for name, score in scores.items() if score is not None}


def holds(text: str, wording: str) -> bool:
    """Whether ``text`` holds ``wording``, whatever the case, the spacing and the typography.

    A wording that begins or ends with a digit matches whole numbers only: "30" is neither in "300" nor in "1.30".
    """
    folded = fold(wording)
    before = r"(?<!\d)(?<!\d[.,])" if folded[:1].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if folded[-1:].isdigit() else ""
    return re.search(before + re.escape(folded) + after, fold(text)) is not None


_TYPOGRAPHY = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("‘’‚", "'"))


def fold(text: str) -> str:
    """``text`` in one spelling: compatibility form (Unicode TR 15, NFKC), case folded, plain dashes and apostrophes."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_TYPOGRAPHY).split())


def unique(sources: Iterable[str]) -> list[str]:
    """Each source once, in order of first appearance."""
    return list(dict.fromkeys(sources))


def _share(wanted: Iterable[str], among: Iterable[str], otherwise: str) -> Score:
    wanted, found = unique(wanted), set(among)
    absent = [source for source in wanted if source not in found]
    reason = f"{otherwise}: {', '.join(absent)}" if absent else ""
    return Score(score=1 - len(absent) / len(wanted), reason=reason)


def _unanswered(observed: Observation) -> Score:
    return Score(score=0, reason=f"error: {observed.error}")
