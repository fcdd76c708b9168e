"""Rules on the text of one document. Each answers what is wrong, as a sentence without its subject, or nothing."""

from __future__ import annotations

import re
from collections import Counter

from ...guardrails.personal_data import find
from ..documents import Document
from ..settings import Chunking
from .kinds import KindName

TOO_LARGE = "config/retrieval.yaml allows"
NO_MATTER = "is empty."
NO_TEXT = "holds no text"
NOT_DECODED = re.compile(r"save it as UTF-8\b")


def problem_kind(problem: str) -> KindName:
    """The kind of defect that a document has which could not be read, by what ``documents`` says about it."""
    if TOO_LARGE in problem:
        return "oversized"
    if NO_MATTER in problem or NO_TEXT in problem:
        return "empty"
    return "encoding" if NOT_DECODED.search(problem) else "unreadable"


def too_little(text: str, min_words: int) -> str:
    """False alarm: a page whose point is one short sentence; lower ``min_words``."""
    words = len(re.findall(r"\w+", text[:10_000]))
    return f"holds {words} words" if words < min_words else ""


# What the bytes of UTF-8 look like when they are read as Windows-1252 or Latin-1: a lead byte (C2 to F4), then one to
# three continuation bytes (80 to BF), which Windows-1252 shows as the signs listed here (RFC 3629, section 3).
_NEXT = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE = re.compile(f"[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT * 2}|[\u00f0-\u00f4]{_NEXT * 3}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\u0080-\u0084\u0086-\u009f]")


def garbled(text: str) -> str:
    """Replacement characters, control characters, and UTF-8 that was read as another encoding (mojibake).

    What looks like mojibake counts only where its bytes are valid UTF-8, so that Â° and »Ã« in good text do not. False
    alarm: a document about encodings.
    """
    text = text.lstrip("\ufeff")
    if text.isascii() and not _CONTROL.search(text):
        return ""
    broken = [match[0] for match in _MOJIBAKE.finditer(text) if _is_utf8(match[0])]
    lost = text.count("\ufffd")
    found = [f"{lost} replacement characters"] if lost else []
    if broken:
        found.append(f"{len(broken)} characters read in the wrong encoding, such as {broken[0]!r}")
    if controls := len(_CONTROL.findall(text)) - sum(len(_CONTROL.findall(each)) for each in broken):
        found.append(f"{controls} control characters")
    return f"holds {' and '.join(found)}" if found else ""


def _is_utf8(text: str) -> bool:
    try:
        data = bytes(ord(sign) if ord(sign) < 256 else sign.encode("cp1252")[0] for sign in text)
        return data.decode("utf-8").isprintable()
    except (UnicodeDecodeError, UnicodeEncodeError):
        return False


# The most frequent function words of each language that is seldom another one's.
_FUNCTION_WORDS = {
    "da": "ikke af og det er jeg til på som med har blev efter nogle hvad",
    "de": "der die das und ist nicht mit für auf dem den ein eine zu von sich auch bei wird sind werden oder nach im",
    "en": "the and of to is that for with are this be or by from it as which not have has you at was",
    "es": "el los las y que es por para con una del no se más como está son",
    "fi": "ja on ei että se ovat tai kun myös hän mutta joka ovat",
    "fr": "le les et des est une du dans que pour qui sur pas avec sont ce aux ou",
    "it": "il di che è per una della con sono del non gli nel alla si ma più",
    "nl": "het een van en niet zijn voor met op dat aan ook wordt worden bij naar",
    "no": "ikke av og det er jeg til på som med har ble etter noen hva",
    "pt": "o os que é para com uma do da não em no na por mais são ao",
    "ro": "și este pentru cu care din nu sunt la mai pe prin sau fost",
    "ru": "и в не на что с по для это как из от при или быть",
    "sv": "och att det är inte för med som på av en ett har till den eller",
}
_LANGUAGES: dict[str, list[str]] = {}
for _code, _words in _FUNCTION_WORDS.items():
    for _word in dict.fromkeys(_words.split()):
        _LANGUAGES.setdefault(_word, []).append(_code)

PARAGRAPH_WORDS = 15
"""Shorter paragraphs do not tell their language."""
RECOGNISED_SHARE = 0.12
"""Least share of a language's function words in a paragraph of it; running text has twice as many."""
SECOND_WORDS = 40
"""Fewer words in another language are a quotation."""


def languages(text: str) -> Counter[str]:
    """Words of ``text`` by the language of their paragraph; what is in no clear language is left out."""
    found: Counter[str] = Counter()
    for paragraph in re.split(r"\n\s*\n", text):
        words = re.findall(r"[^\W\d_]+", paragraph.lower())
        hits = Counter(code for word in words for code in _LANGUAGES.get(word, ()))
        if len(words) < PARAGRAPH_WORDS or not hits:
            continue
        (best, most), *rest = hits.most_common(2)
        if most >= RECOGNISED_SHARE * len(words) and (not rest or most > 1.5 * rest[0][1]):
            found[best] += len(words)
    return found


def mixed(document: Document, mixed_share: float) -> str:
    """Paragraphs in two languages, or in another one than the document states.

    Languages are told apart by their function words, Danish and Norwegian hardly at all. False alarm: a page that must
    be in two languages, such as a notice; raise ``mixed_share``.
    """
    found = languages(document.text).most_common(2)
    total = sum(words for _, words in found)
    if len(found) == 2 and found[1][1] >= max(SECOND_WORDS, mixed_share * total):
        (first, _), (second, words) = found
        return f"is written in {first} and, for {words / total:.0%}, in {second}"
    stated = document.language
    if stated in _FUNCTION_WORDS and found and found[0][0] != stated and found[0][1] >= SECOND_WORDS:
        return f"says that it is in {stated}, and is written in {found[0][0]}"
    return ""


def has_title(document: Document) -> bool:
    """Whether the document states a title; ``parse`` makes one of the file's name where it does not."""
    stem = document.source.rpartition("/")[2].rpartition(".")[0]
    return document.title != stem.replace("-", " ").replace("_", " ").strip()


def missing(document: Document) -> str:
    """Title, date and language that the document does not state. False alarm: a title that is the file's name."""
    stated = {"title": has_title(document), "date": document.updated, "language": document.language}
    absent = [name for name, value in stated.items() if not value]
    return f"states no {' and no '.join(absent)}" if absent else ""


_ROW = re.compile(r"[^\n|\t;]*(?:[|\t;][^\n|\t;]*){2,}\Z")


def oversized(text: str, max_characters: int, max_table_rows: int, chunking: Chunking) -> str:
    """A document that is too long, is a table of records, or has a sentence or row that no passage can hold whole.

    False alarm: a handbook in one file; raise ``max_characters``.
    """
    if len(text) > max_characters:
        passages = len(text) // (chunking.size - chunking.overlap)
        return f"has {len(text)} characters, about {passages} passages; at most {max_characters} are wanted"
    lines = [line for line in text.splitlines() if line.strip()]
    rows = sum(bool(_ROW.match(line)) for line in lines)
    if rows > max_table_rows and rows > 0.6 * len(lines):
        return f"is a table of {rows} rows and little else"
    longest = max((len(part) for line in lines for part in re.split(r"(?<=[.!?;:])\s", line)), default=0)
    if longest > 2 * chunking.size:
        return f"has a sentence or a row of {longest} characters, which is torn into passages of {chunking.size}"
    return ""


WINDOW = 20_000
"""Characters of a sentence that are searched at a time."""
_WORTH = re.compile(r"@|\d(?:\D?\D?\D?\d){5}|\d\.\d+\.\d|:\w*:")
"""What every finding of the recognisers holds: the sign of an e-mail or an IP address, or six digits close together."""
_SENTENCES = re.compile(r"(?<=[.!?;])\s+(?=[^\W\d_a-z])")
IDENTIFYING = frozenset({"iban", "credit_card", "national_id"})
"""Kinds that name one person's account or identity; the others are mostly how to reach an office."""


def personal(text: str) -> Counter[str]:
    """How much personal data of which kind, never what it is. False alarm: an office's own address or account."""
    # Sentence by sentence: the recognisers' slow parts then see only those that hold digits enough.
    return Counter(
        finding.kind
        for line in text.splitlines()
        for sentence in _SENTENCES.split(line)
        if _WORTH.search(sentence)
        for start in range(0, len(sentence), WINDOW)
        for finding in find(sentence[start : start + WINDOW])
    )


def counted(kinds: Counter[str]) -> str:
    """``2 email, 1 iban``."""
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(kinds.items()))
