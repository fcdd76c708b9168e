"""Whether two versions of a text say different numbers."""

from __future__ import annotations

import re

from ...guardrails.personal_data import redact

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_VERSION = re.compile(
    r"\b(?:v(?:ersion)?\s?\d+(?:\s\d+)*|(?:19|20)\d\d|draft|final|copy|kopie|entwurf|old|new|alt|neu|revised|rev\s?\d+)\b"
)
SHOWN = 40
"""Characters round a number that a report quotes."""


def subject(title: str) -> str:
    """A title without what tells versions apart: years, numbers of versions, "draft", "copy"."""
    return " ".join(re.findall(r"\w+", _VERSION.sub(" ", re.sub(r"[\W_]+", " ", title.casefold()))))


def differing(one: str, other: str) -> tuple[str, str] | None:
    """The first sentence, as both say it, that differs in its numbers alone; without personal data.

    A sentence that a text holds more than once, such as a row of a table, is not compared.
    """
    ours, theirs = _sentences(one), _sentences(other)
    for masked, sentences in ours.items():
        if not len(sentences) == len(theirs.get(masked, ())) == 1 or sentences == theirs[masked]:
            continue
        pair = redact(sentences[0]), redact(theirs[masked][0])
        numbers = [_NUMBER.findall(each) for each in pair]
        if numbers[0] != numbers[1] and len(numbers[0]) == len(numbers[1]):
            at = next(n for n, (mine, yours) in enumerate(zip(*numbers, strict=True)) if mine != yours)
            return _quote(pair[0], at), _quote(pair[1], at)
    return None


def _sentences(text: str) -> dict[str, list[str]]:
    """The sentences that hold a number, by what they are without it."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        for sentence in re.split(r"(?<=[.!?])\s+(?=[^\d\s])", line.strip()):
            masked = _NUMBER.sub("#", sentence)
            if masked != sentence and len(re.findall(r"[^\W\d_]+", masked)) >= 2:
                found.setdefault(masked, []).append(sentence)
    return found


def _quote(sentence: str, number: int) -> str:
    match = list(_NUMBER.finditer(sentence))[number]
    start, end = max(0, match.start() - SHOWN), min(len(sentence), match.end() + SHOWN // 2)
    return f"{'…' if start else ''}{sentence[start:end].strip()}{'…' if end < len(sentence) else ''}"
