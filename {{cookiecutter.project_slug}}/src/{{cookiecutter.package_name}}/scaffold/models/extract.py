"""The offline baseline's way to answer: quote the sentences that share most with the question, or refuse.

Lexical: words are compared by stem, by parts of German compounds and by character n-grams, weighted by how rare they
are among the passages (inverse document frequency, Spärck Jones 1972). It knows no synonyms and understands nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .sentences import Sentence
from .words import likeness, words

NO_ANSWER = "NO_ANSWER"

SUPPORT = 0.45
"""Least share of the question's weight that a sentence and its surroundings must cover, else ``NO_ANSWER``."""
TIE = 0.02
"""Scores nearer than this count as equal; the newer passage then wins."""
VERSIONS = 0.3
"""The same between two documents that bear the same title but for numbers: a newer version of it has to be much
worse to lose."""
HEADINGS, TITLE, BEFORE = 0.7, 0.7, 0.4
"""What a word counts for that stands not in the sentence itself but round it."""
HINT = 0.08
"""What it is worth to hold a number where a number is asked for, and so on."""

NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|twelve|half|double|once|twice|unlimited|ein|eine[mnrs]?|zwei|"
    r"drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|halb\w*|doppelt\w*|einmal|zweimal|dreimal|unbegrenzt)\b",
    re.IGNORECASE,
)
TIME = re.compile(
    r"\d|\b(\w+day|\w+tags?|january|february|march|april|may|june|july|august|\w+ember|october|januar|februar|märz|mai|juni|"
    r"juli|oktober|days?|weeks?|months?|years?|hours?|minutes?|tage?n?|wochen?|monate?n?|jahre?n?|stunden?|minuten?|"
    r"immediately|sofort|unverzüglich)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<=[\w,;:] )[A-ZÄÖÜ]\w+|@|\+\d")
HINTS = [
    (
        r"how (much|many|long|old|far|often|high|large|big|fast|soon)|"
        r"wie ?(viele?|lange?|hoch|oft|weit|gro(ß|ss)|alt|schnell)|"
        r"limit|maximum|höchstens|mindestens|how late|percent\w*|prozent\w*|cost|kostet?n?",
        NUMBER,
    ),
    (r"when|wann|deadline|frist|(how|wie) (long|lange|fast|schnell)|what time|wie spät|by what date", TIME),
    (
        r"cost|pay|price|fee|charge|earn|spend|reimburse\w*|allowance|"
        r"kostet?n?|preis|zahlt?|zahlen|bezahlt?|gebühr|erstattet",
        re.compile(r"€|£|%|\b(EUR|GBP|USD|CHF|free|kostenlos|kostenfrei)\b"),
    ),
    (r"who|whom|wer|wem|wen|contact|ansprechpartner\w*", NAME),
    (r"e-?mail|mailadresse|address|adresse", re.compile("@")),
    (r"phone|telephone|telefon\w*|nummer|number|durchwahl|extension", re.compile(r"\d{3}")),
]
"""What a question asks by, and what its answer then holds."""
FIGURE = r"(\d+(?:[.,]\d+)*)"
RANGE = re.compile(rf"{FIGURE} ?(?:-|–|to|bis) ?{FIGURE}")
UP_TO = re.compile(rf"(?:up to|bis zu|bis|below|under|unter|at most|höchstens) {FIGURE}", re.IGNORECASE)
FROM = re.compile(rf"(?:more than|over|above|from|at least|ab|über|mehr als|mindestens) {FIGURE}", re.IGNORECASE)
BACK = re.compile(
    r"(it|they|this|that|these|those|he|she|both|er|sie|es|dies\w*|beide\w*|dafür|dazu|davon|darin)\b", re.IGNORECASE
)
"""A sentence that begins so goes on about the one before."""


@dataclass(frozen=True)
class Scored:
    """A sentence with the share of the question that it covers, and how far it covers each word."""

    score: float
    sentence: Sentence
    covered: dict[str, float]


def answer(question: str, sentences: list[Sentence]) -> str:
    """One or two quoted sentences, each with the number of its passage, or ``NO_ANSWER``."""
    chosen = choose(question, sentences)
    return " ".join(f"{sentence.text} [{sentence.passage}]" for sentence in chosen) or NO_ANSWER


def choose(question: str, sentences: list[Sentence]) -> list[Sentence]:
    """The sentence to quote and the one after it; none where no sentence covers enough of the question."""
    ranked = rank(question, sentences)
    if not ranked or ranked[0].score < SUPPORT:
        return []
    first = ranked[0]
    for scored in ranked[1:]:
        versions = _unnumbered(scored.sentence.title) == _unnumbered(first.sentence.title)
        margin = VERSIONS if versions else TIE
        if scored.sentence.updated > first.sentence.updated and scored.score >= ranked[0].score - margin:
            first = scored
    following = sentences[sentences.index(first.sentence) + 1 :][:1]
    goes_on = [each for each in following if each.section == first.sentence.section and not each.row]
    return [first.sentence, *goes_on] if not first.sentence.row else [first.sentence]


def rank(question: str, sentences: list[Sentence]) -> list[Scored]:
    """Every sentence with its score, best first; nothing where the question has no word to look for."""
    asked = dict.fromkeys(words(question), 1.0)
    covered = [_covered(asked, sentence) for sentence in sentences]
    for word in asked:
        holding = sum(each[word] >= 0.5 for each in covered)
        asked[word] = math.log(1 + len(sentences) / (1 + holding))
    total = sum(asked.values())
    if not total:
        return []
    hints = [fits for asks, fits in HINTS if re.search(rf"\b({asks})\b", question, re.IGNORECASE)]
    ranked = []
    for sentence, each in zip(sentences, covered, strict=True):
        score = sum(weight * each[word] for word, weight in asked.items()) / total
        if hints:
            score += HINT * sum(1 if fits.search(sentence.text) else -1 for fits in hints) / len(hints)
        ranked.append(Scored(score, sentence, each))
    return sorted(ranked, key=lambda scored: -scored.score)  # stable: the earlier of two equal ones stays first


def _covered(asked: Iterable[str], sentence: Sentence) -> dict[str, float]:
    own = words(sentence.text)
    goes_on = bool(BACK.match(sentence.text))
    layers = [
        (HEADINGS, words(sentence.headings)),
        (TITLE, words(sentence.title)),
        (0.9 if goes_on else BEFORE, words(sentence.before)),
    ]
    itself = {word: max(likeness(word, own), _in_range(word, sentence.text)) for word in asked}
    covered = {
        word: max(share, *(factor * likeness(word, layer) for factor, layer in layers))
        for word, share in itself.items()
    }
    if goes_on or any(share >= 0.6 for share in itself.values()):
        return covered
    return {word: share / 2 for word, share in covered.items()}  # all of it only stands round the sentence


def _in_range(word: str, text: str) -> float:
    """Whether the number asked for lies in a range that the text names: 150 in "100 to 249", 80 in "up to 99"."""
    if not word.isdigit():
        return 0.0
    ranges = [(float(_number(low)), float(_number(high))) for low, high in RANGE.findall(text)]
    ranges += [(0, float(_number(high))) for high in UP_TO.findall(text)]
    ranges += [(float(_number(low)), math.inf) for low in FROM.findall(text)]
    return 0.9 if any(low <= float(word) <= high for low, high in ranges) else 0.0


def _number(text: str) -> str:
    return re.sub(r"[.,](?=\d{3}\b)", "", text).replace(",", ".")


def _unnumbered(title: str) -> str:
    return " ".join(re.sub(r"\W+|\d+", " ", title).casefold().split())
