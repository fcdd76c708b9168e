"""How near the answer's words are to those of a good answer. In other words a right one scores low: only means count.

P. Rajpurkar, J. Zhang, K. Lopyrev, P. Liang, "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016),
section 6.1, with articles by language as in P. Lewis et al., "MLQA: Evaluating Cross-lingual Extractive Question
Answering" (2020). Unlike theirs, a sign between two digits stays: 1.5 is not 15. Citations are no words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter

from ..dataset import Case
from .observed import Observation, Score, unanswered
from .text import fold

_ARTICLES = {
    "en": frozenset({"a", "an", "the"}),
    "de": frozenset(["ein", "eine", "einem", "einen", "einer", "eines", "der", "die", "das", "dem", "den", "des"]),
}


def exact_match(case: Case, observed: Observation) -> Score | None:
    """1 where the answer is the expected one, but for case, punctuation, articles and spacing."""
    pair = _compared(case, observed)
    if not isinstance(pair, tuple):
        return pair
    return Score(score=1) if pair[0] == pair[1] else Score(score=0, reason="in other words than the expected answer")


def token_f1(case: Case, observed: Observation) -> Score | None:
    """Harmonic mean of the shares of the answer's and of the expected answer's words that both hold."""
    pair = _compared(case, observed)
    if not isinstance(pair, tuple):
        return pair
    answered, expected = pair
    shared = sum((Counter(answered) & Counter(expected)).values())
    if not shared:
        return Score(score=float(answered == expected), reason="" if answered == expected else "no word in common")
    score = 2 * shared / (len(answered) + len(expected))
    return Score(score=score, reason="" if score == 1 else f"{shared} of {len(expected)} expected words")


def words(text: str, locale: str) -> list[str]:
    """The words of ``text`` that are compared."""
    plain = fold(re.sub(r"\[\d+\]", " ", text))
    kept = "".join(
        c for i, c in enumerate(plain) if not _is_sign(c) or re.fullmatch(r"\d.\d", plain[max(0, i - 1) : i + 2])
    )
    return [word for word in kept.split() if word not in _ARTICLES.get(locale, ())]


def _is_sign(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _compared(case: Case, observed: Observation) -> tuple[list[str], list[str]] | Score | None:
    """The words of both; None where there is nothing to compare with."""
    if not case.expected.answer or case.expected.refusal:
        return None
    if observed.answer is None:
        return unanswered(observed)
    return words(observed.answer.answer, case.locale), words(case.expected.answer, case.locale)
