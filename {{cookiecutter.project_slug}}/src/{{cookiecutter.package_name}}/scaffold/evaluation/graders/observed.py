"""What a grader is given, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from ...config import Strict
from ...usecase import Answer
from ..dataset import Case


class Score(Strict):
    """A grader's verdict on one case."""

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
    unpriced: tuple[str, ...] = ()
    """Models that were asked and whose price is not known."""

    @property
    def cited(self) -> list[str]:
        """Sources of the answer's citations, each once, in order."""
        return unique(citation.source for citation in self.answer.citations) if self.answer else []

    @property
    def told(self) -> str:
        """All that the answer says in its own words: its text and its fields."""
        if self.answer is None:
            return ""
        fields = [json.dumps(self.answer.fields, ensure_ascii=False)] if self.answer.fields else []
        return "\n".join([self.answer.answer, *fields])

    @property
    def passages(self) -> list[str]:
        """Texts that the answer cites."""
        return [citation.passage for citation in self.answer.citations] if self.answer else []


Grade = Callable[[Case, Observation], Score | None]


def unique(sources: Iterable[str]) -> list[str]:
    """Each source once, in order of first appearance."""
    return list(dict.fromkeys(sources))


def share(wanted: Iterable[str], among: Iterable[str], otherwise: str) -> Score:
    """Share of ``wanted`` that is ``among``; the reason names what is not."""
    wanted, found = unique(wanted), set(among)
    absent = [source for source in wanted if source not in found]
    reason = f"{otherwise}: {', '.join(absent)}" if absent else ""
    return Score(score=1 - len(absent) / len(wanted), reason=reason)


def verdict(*faults: str) -> Score:
    """1 where nothing is at fault, else 0; empty faults are none, and one that another tells with more is left out."""
    told = unique(filter(None, faults))
    return Score(
        score=0 if told else 1,
        reason="; ".join(each for each in told if not any(other.startswith(f"{each}, ") for other in told)),
    )


def unanswered(observed: Observation) -> Score:
    """0, for an answer that never came."""
    return Score(score=0, reason=f"error: {observed.error}")
