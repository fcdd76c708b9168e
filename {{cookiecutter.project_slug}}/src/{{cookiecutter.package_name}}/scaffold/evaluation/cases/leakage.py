"""Cases that stand in a prompt: a model that was shown the answer is not measured by the question."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from ...prompts import Prompts
from ...prompts.files import Source
from ...retrieval.quality.duplicates import words_of
from ..dataset import Case
from ..record import Verdict
from .similar import alike

LEAST_QUESTION, LEAST_ANSWER = 4, 5
"""Words from which on it is no chance that a prompt holds a question, or an answer; shorter ones must be a line."""
SHOWN = 5


def leaks(prompts: Collection[Source], cases: Iterable[Case]) -> Iterator[tuple[Case, str]]:
    """Each case whose question, reworded a little or not, or whose answer stands in a prompt; and where.

    Both are compared word by word, whatever their case and punctuation.
    """
    texts = [
        (source.where("messages", place, "content").rpartition(": ")[0], _Text(message.content))
        for source in prompts
        for place, message in enumerate(source.file.messages)
    ]
    for case in cases:
        question, answer = words_of(case.question), words_of(case.expected.answer)
        for where, text in texts:
            if text.holds(question, LEAST_QUESTION) or any(alike(question, line) for line in text.lines):
                yield case, f"its question stands in {where}"
                break
            if len(answer) >= LEAST_ANSWER and text.holds(answer, LEAST_ANSWER):
                yield case, f"its answer stands in {where}"
                break


def unfair(prompts: Prompts, cases: Iterable[Case]) -> list[Verdict]:
    """What a run has to say of cases that stand in a prompt; nothing where none does."""
    ids = [case.id for case, _ in leaks(prompts.sources, cases)]
    if not ids:
        return []
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    stand = "1 case stands" if len(ids) == 1 else f"{len(ids)} cases stand"
    reason = (
        f"leakage: {stand} in config/prompts, so that what is expected is shown and not found: "
        f"{', '.join(ids[:SHOWN])}{more}; take them out of the prompt ('eval check' says where)."
    )
    return [Verdict(metric="leakage", outcome="missed", reason=reason)]


class _Text:
    """A prompt's text, as words."""

    def __init__(self, content: str) -> None:
        self.lines = [words for line in re.split(r"\n|(?<=[.!?])\s", content) if (words := words_of(line))]
        self._all = f" {' '.join(words_of(content))} "

    def holds(self, words: Sequence[str], least: int) -> bool:
        """Whether the words stand in it one behind the other; fewer than ``least`` must be a line of their own."""
        return f" {' '.join(words)} " in self._all if len(words) >= least else list(words) in self.lines
