"""How much of an answer its passages support, measured by words.

The method is lexical. A claim, that is a sentence or the part of one up to its citation, counts as supported when one
sentence of a passage holds every number of the claim, a negation if the claim has one, and at least ``SHARE`` of its
other content words, compared by stem. Where no sentence holds the words, the whole passage may, numbers included. So
invented facts and most changed numbers are noticed, at no cost and the same way every time. It does not understand: a
passage's words put together to a new meaning pass, and so does a negation that was left out; a faithful answer in other
words, or in another language than its passage, fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SHARE = 2 / 3
"""Part of a claim's content words that its passage must hold; our choice.

Measured on 761 sentences of the sample documents: all are supported by their own document, 0.7 % by four random chunks
of others, and 1.9 % of those with a number still pass when one number is changed.
"""

KEPT = 64
"""Passages whose facts are kept in memory: each claim of an answer is held against the same ones."""

_CITATION = re.compile(r"((?:\s*\[\d+\])+)")
_SENTENCE = re.compile(
    r"(?<=[.!?…])[\"'”“»)]*\s+(?!(?:Jan|Feb|M[aä]r|Apr|Ma[iy]|Jun|Jul|Aug|Sep|O[ck]t|Nov|De[cz]))(?=[\"'“„«(]*[A-ZÄÖÜ0-9])"
    r"|\n\s*\n|\n\s*(?:[-*•#|]+|\d{1,3}[.)])\s+"  # a paragraph, an item of a list, a heading, a row of a table
)
_ABBREVIATION = re.compile(
    r"\b(?:[a-z]\.(?:\s?[a-z]\.)*|(?:approx|bzw|ca|co|dr|etc|ggf|inc|inkl|max|min|mr|mrs|ms|nr|no|prof|st|str|usw|vgl|vs|zzgl)\.)\Z",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3}(?!\d))+(?:[.,]\d+)?|\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NEGATIONS = frozenset(
    {"cannot", "neither", "never", "no", "none", "nor", "not", "without", "nicht", "nie", "niemals", "ohne", "weder"}
)
_NEGATED = re.compile(r"kein(?:e[mnrs]?)?|\w+n['’]t")
NUMBERS_IN_WORDS = {
    word: str(number)
    for words in (
        "two three four five six seven eight nine ten eleven twelve",
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    )
    for number, word in enumerate(words.split(), 2)
}
_FUNCTION_WORDS = """
a about according after all also an and any are as at be been before being but by can could did do does for from had
has have he her his how if in into is it its may more most must of on one only or other our out over shall she should
so some such than that the their them then there these they this those to under up was we were what when where which
while who will with would yes you your

aber alle allem allen aller alles als also am an andere auch auf aus bei beim bis da damit dann das dass dem den der
des die dies diese diesem diesen dieser dieses doch durch ein eine einem einen einer eines er es etwa für gegen gemäß
hat haben hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ist ja jede jedem jeden jeder jedes kann können laut
man mehr mit muss müssen nach nein noch nur ob oder sehr sein seine seinem seinen seiner sich sie sind so soll sollen
sowie über um und uns unter vom von vor war waren was weil welche wenn wer werden wie wir wird wo wurde wurden zu zum
zur zwischen
"""
_STOPWORDS = frozenset(_FUNCTION_WORDS.casefold().split())
_ENDING = re.compile(r"(?:ungen|ments?|ings?|ung|ern|est|ies|ed|en|er|em|es|ly|e|n|s|y|t)$")


def support(answer: str, passages: Sequence[str]) -> float:
    """Share of the answer's claims, 0 to 1, that one of ``passages`` supports; 0 where the answer claims nothing.

    ``passages`` are the texts of what the answer cites. English and German; see the module for what this cannot see.
    """
    claims = [claim for claim in (facts(text) for text, _ in claims_of(answer)) if any(claim)]
    held = sum(any(_supports(*_read(passage), claim) for passage in passages) for claim in claims)
    return held / len(claims) if claims else 0.0


Facts = tuple[frozenset[str], frozenset[str]]  # numbers and negations, which must all be there; stems of other words


def _supports(whole: Facts, parts: list[Facts], claim: Facts) -> bool:
    exact, stems = claim
    about = [part for part in parts if len(stems & part[1]) >= SHARE * len(stems)] or [whole]
    return any(exact <= part[0] and len(stems & part[1]) >= SHARE * len(stems) for part in about)


def claims_of(text: str) -> list[tuple[str, frozenset[int]]]:
    """What ``text`` claims, piece by piece, each with the numbers of its own citations; not all pieces state facts."""
    pieces = [[*_CITATION.split(sentence), ""] for sentence in sentences(text)]  # text, citations, text, citations …
    return [
        (claim.strip(), frozenset(int(number) for number in re.findall(r"\d+", cited)))
        for piece in pieces
        for claim, cited in zip(piece[::2], piece[1::2], strict=True)
    ]


def supported(claim: str, passages: Sequence[str]) -> bool | None:
    """Whether one of ``passages`` supports ``claim``; None where it states nothing."""
    stated = facts(claim)
    return any(_supports(*_read(passage), stated) for passage in passages) if any(stated) else None


@lru_cache(maxsize=KEPT)
def _read(passage: str) -> tuple[Facts, list[Facts]]:
    """What the whole passage states, and each of its sentences."""
    return facts(passage), [facts(sentence) for sentence in sentences(passage)]


def sentences(text: str) -> list[str]:
    """The sentences of ``text``; a heading, an item of a list and a row of a table are one each."""
    found: list[str] = []
    for piece in _SENTENCE.split("\n" + text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def facts(text: str) -> Facts:
    """What ``text`` states, as far as words tell: its numbers, with ``not`` where it denies, and its content words."""
    words = _WORD.findall(re.sub(r"(?<=\w)\u00ad(?=\w)", "", text).casefold().replace("’", "'"))
    exact = {number for match in _NUMBER.finditer(_CITATION.sub(" ", text)) for number in _numbers(match[0])}
    exact |= {NUMBERS_IN_WORDS[word] for word in words if word in NUMBERS_IN_WORDS}
    if _NEGATIONS & set(words) or _NEGATED.search(text.casefold()):
        exact.add("not")
    stems = {_stem(w) for w in words if w not in _STOPWORDS | _NEGATIONS and w not in NUMBERS_IN_WORDS}
    return frozenset(exact), frozenset(stems)


def _numbers(text: str) -> list[str]:
    """``1,000.50`` and ``1.000,50`` are the same number; ``01.03.2026`` is three; trailing zeros say nothing."""
    whole = re.fullmatch(r"(\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+)(?:[.,](\d+))?", text)
    if whole:
        parts = [re.sub(r"\D", "", whole[1]), whole[2] or ""]
    else:
        parts = re.split(r"[.,'’\u00a0\u202f ]", text)
        if len(parts) != 2 or (len(parts[0]) > 1 and parts[0].startswith("0")):
            return [part.lstrip("0") or "0" for part in parts]
    integer, fraction = parts[0].lstrip("0") or "0", parts[1].rstrip("0")
    return [f"{integer}.{fraction}" if fraction else integer]


def _stem(word: str) -> str:
    shorter = word.replace("ß", "ss").translate(str.maketrans("äöü", "aou"))
    for _ in range(2):
        cut = _ENDING.sub("", shorter)
        if len(cut) < 4:
            break
        shorter = cut
    return shorter
