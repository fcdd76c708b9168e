"""Words of English and German, and how alike two of them are."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about after again ahead all also am an and any anyone anything are as at away be been before being but by can
        cannot come comes could d did do does doing done during each else for from gave get gets getting give given go
        goes going gone got had happen happens has have having he her here hers him his how i if in into is it its
        itself just know let like ll long look m make makes many may me might mine more most much must my need needs no
        nor not now of off ok okay old on once one only or other our ours out over own please put re really s said same
        say says see shall she should so some someone something still such sure t take takes tell than that the their
        them then there these they thing things think this those through to too under until up us use used ve very want
        wants was way we were what whats when where whether which while who whom whose why will with without would yes
        yet you your yours
        ab aber alle allem allen aller alles als also am an andere auch auf aus bei beim bekomme bekommen bekommt bin
        bis bist bitte brauche braucht da dabei dafür damit danach dann darf das dass dein dem den denn der des dessen
        dich die dies diese diesem diesen dieser dieses dir doch dort du durch dürfen eben eigentlich ein eine einem
        einen einer eines er es etwas euch euer eure für gar gegen geht gehen genau gerade gerne gibt gilt groß hab habe
        haben hat hatte hier hin hoch ich ihm ihn ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder
        jedes jemand jetzt kann kannst kein keine keinen können könnte komme kommt krieg kriege kriegt lang lange lässt
        mache machen macht mal man mehr mein meine meinem meinen meiner mich mir mit möchte muss müssen nach nein nicht
        nichts noch nur ob oder ohne schon sehr sein seine selbst sich sie sind so soll sollen sollte sollten tun über
        um und uns unser unsere unter viel viele vom von vor wann war waren warum was weg weiß welche welchem welchen
        welcher welches wem wen wenn wer werde werden weshalb wie wieder wieviel will willst wir wird wo wofür wohin
        woher wollen wurde zu zum zur zurück zwischen
        """,
    )
)
SUFFIXES = ("ungen", "ingly", "ern", "ung", "ies", "ing", "em", "en", "er", "es", "ed", "ly", "st", "s", "e", "n", "t")


@lru_cache(maxsize=10_000)
def words(text: str) -> tuple[str, ...]:
    """The content words of a text, each once, folded: ``Größe`` as ``grosse``; numbers and names of
    things whole: ``1,500`` as ``1500``, ``L300`` as ``l300``."""
    found = re.findall(r"\d+(?:[.,:]\d+)+|[^\W_]+", text.casefold())
    folded = (_fold(word) for word in found if word not in FUNCTION_WORDS)
    return tuple(dict.fromkeys(folded))


def _fold(word: str) -> str:
    if word[0].isdigit():
        return re.sub(r"[.,](?=\d{3}\b)", "", word)
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@lru_cache(maxsize=20_000)
def likeness(word: str, vocabulary: tuple[str, ...]) -> float:
    """How near the nearest word of a vocabulary is, from 0 to 1."""
    if word in vocabulary:
        return 1.0
    if any(c.isdigit() for c in word):  # like nothing but itself
        return 0.0
    grams = _grams(_stem(word))
    near = (other for other, theirs in _with_grams(vocabulary) if not grams.isdisjoint(theirs))
    return max((_alike(word, other) for other in near), default=0.0)


@lru_cache(maxsize=10_000)
def _with_grams(vocabulary: tuple[str, ...]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each word with the 3-grams of its stem: words that share none are not alike, whichever way it is looked at."""
    return tuple((word, _grams(_stem(word))) for word in vocabulary)


@lru_cache(maxsize=100_000)
def _alike(one: str, other: str) -> float:
    """1 for the same stem, less for a part of a compound or for shared character 3-grams, 0 for numbers that differ."""
    if one == other:
        return 1.0
    if any(c.isdigit() for c in one + other):
        return 0.0
    short, long = sorted((_stem(one), _stem(other)), key=len)
    if short == long:
        return 1.0
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if same >= 4 and min(len(one), len(other)) - same <= 1 and max(len(one), len(other)) - same <= 2:
        return 0.9
    if len(short) >= 4 and (long.startswith(short) or long.endswith(short) or (len(short) >= 5 and short in long)):
        return 0.4 + 0.6 * len(short) / len(long)
    if len(short) < 4:
        return 0.0
    shared = 2 * len(_grams(short) & _grams(long)) / (len(_grams(short)) + len(_grams(long)))
    return shared if shared >= 0.5 else 0.0


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """The word without its ending, three letters at least."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


@lru_cache(maxsize=20_000)
def _grams(word: str) -> frozenset[str]:
    """Character 3-grams, with the ends marked."""
    marked = f"^{word}$"
    return frozenset(marked[i : i + 3] for i in range(len(marked) - 2))
