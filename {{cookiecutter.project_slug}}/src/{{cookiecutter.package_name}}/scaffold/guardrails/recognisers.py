"""What personal data looks like: patterns, each confirmed by a checksum or a numbering plan where there is one.

Found: e-mail addresses; telephone numbers; IBANs; payment cards; identity numbers of Germany, the United Kingdom,
Switzerland, Spain, France, Italy and the United States; IP addresses. Not found: names, postal addresses, dates of
birth, addresses written as words ("jane at example"), numbers spelled out, national telephone numbers of other regions
than Germany, the United Kingdom and the one asked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import stdnum.ch.ssn
import stdnum.de.idnr
import stdnum.es.dni
import stdnum.es.nie
import stdnum.fr.nir
import stdnum.gb.nhs
import stdnum.iban
import stdnum.it.codicefiscale
import stdnum.luhn
import stdnum.us.ssn
from phonenumbers import Leniency, PhoneNumberMatcher


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: ``text`` is what stands at ``start`` to ``end``."""

    kind: str
    start: int
    end: int
    text: str


class Recogniser(Protocol):
    """Anything that finds personal data; a stronger one, say a model for names, needs no more than this."""

    def __call__(self, text: str, region: str) -> Iterator[Finding]:
        """Findings in any order; ``region`` is where national numbers without a country code are from (ISO 3166)."""


_ALONE = r"(?<![\w])(?<![\w][-_./])"  # not inside a word, a digest, a UUID, a path or a version
_ENDS = r"(?![\w])(?![-_./:]\w)"


def emails(text: str, region: str) -> Iterator[Finding]:
    """Addresses of the everyday form; quoted local parts are left out."""
    if "@" in text:
        for match in re.finditer(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?!\w)", text):
            yield Finding("email", *match.span(), match[0])


def ibans(text: str, region: str) -> Iterator[Finding]:
    """Account numbers (ISO 13616), in one piece or in groups, whose country format and mod-97 checksum fit."""
    for match in re.finditer(r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}", text):
        candidate = match[0]
        for end in range(len(candidate), 14, -1):  # the pattern may have run on into the next word
            followed = text[match.start() + end : match.start() + end + 1]
            if not followed.isalnum() and candidate[end - 1].isalnum() and stdnum.iban.is_valid(candidate[:end]):
                yield Finding("iban", match.start(), match.start() + end, candidate[:end])
                break


# First digits and lengths by network (ISO/IEC 7812-1; the networks' published ranges).
_NETWORKS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[68]\d)\d{11}"  # Diners Club
    r"|35\d{14,17}"  # JCB
    r"|(?:5[06-8]|6\d)\d{11,17}"  # Maestro, Discover, UnionPay
)


def cards(text: str, region: str) -> Iterator[Finding]:
    """Payment cards of a known network with a valid Luhn digit (ISO/IEC 7812-1 annex B)."""
    for match in re.finditer(_ALONE + r"\d(?:[ -]?\d){12,18}" + _ENDS, text):
        digits = re.sub(r"\D", "", match[0])
        if _NETWORKS.fullmatch(digits) and stdnum.luhn.is_valid(digits):
            yield Finding("credit_card", *match.span(), match[0])


def _always(_: str) -> bool:
    return True


# Pattern, and the check of what matched. Numbers with a weak checksum are taken in their printed grouping only: one in
# ten or eleven order numbers would pass otherwise.
_IDENTITIES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", stdnum.de.idnr.is_valid),  # Germany, tax id: ISO 7064 checksum, digit pattern
    # United Kingdom, National Insurance number: no checksum; prefixes as HMRC allots them (NIM39110).
    (
        r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]",
        _always,
    ),
    (r"\d{3} \d{3} \d{4}", stdnum.gb.nhs.is_valid),  # United Kingdom, NHS number: mod 11
    (r"756\.\d{4}\.\d{4}\.\d{2}", stdnum.ch.ssn.is_valid),  # Switzerland, AHV: EAN-13
    (r"\d{8}-?[A-Z]", stdnum.es.dni.is_valid),  # Spain, DNI: mod 23
    (r"[XYZ]-?\d{7}-?[A-Z]", stdnum.es.nie.is_valid),  # Spain, NIE: mod 23
    (r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", stdnum.fr.nir.is_valid),  # France, NIR: mod 97
    (r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", stdnum.it.codicefiscale.is_valid),  # Italy, codice fiscale
    (r"\d{3}-\d{2}-\d{4}", stdnum.us.ssn.is_valid),  # United States, SSN: no checksum; areas never allotted are out
)


REACH = 24
"""Characters round digits that may belong to a number: a country code's plus, a bracket, letters, an extension."""


def _near(digits: str, text: str) -> list[tuple[int, int]]:
    """Where enough digits stand close together, with what is round them: slow patterns and matchers read no more."""
    spans: list[tuple[int, int]] = []
    for match in re.finditer(digits, text):
        begin, stop = max(0, match.start() - REACH), match.end() + REACH
        if spans and begin <= spans[-1][1]:
            begin = spans.pop()[0]
        spans.append((begin, stop))
    return spans


_IDENTITY_DIGITS = r"\d(?:\D?\d){5,}"
"""All of the above hold six digits or more with one character at most between two of them."""


def identities(text: str, region: str) -> Iterator[Finding]:
    """Numbers that states give to people."""
    for (begin, stop), (pattern, is_valid) in product(_near(_IDENTITY_DIGITS, text), _IDENTITIES):
        for match in re.compile(f"{_ALONE}(?:{pattern}){_ENDS}").finditer(text, begin, stop):
            if is_valid(match[0]):
                yield Finding("national_id", *match.span(), match[0])


_VERSION_WORD = re.compile(r"\b(?:v|version|release|section|chapter|abschnitt|kapitel|nr)\W{0,2}\Z", re.IGNORECASE)


def addresses(text: str, region: str) -> Iterator[Finding]:
    """IP addresses, version 4 and 6; those of the machine itself (loopback, unspecified) belong to nobody."""
    four = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w])(?!\.\d)"
    six = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![\w:])"
    for match in re.finditer(f"{four}|{six}", text):
        if ":" in match[0] and len(re.findall(r"\w+", match[0])) < 3:
            continue  # a slice or a scope operator in source code
        if _VERSION_WORD.search(text[max(0, match.start() - 20) : match.start()]):
            continue
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if not (address.is_loopback or address.is_unspecified):
            yield Finding("ip_address", *match.span(), match[0])


_PHONE_DIGITS = r"\d(?:\D{0,4}\d){4,}"
BEFORE = 40
"""Characters before a telephone number in which a word may say what it is."""
DIGITS = 9
"""The least of a telephone number that no word says to be one."""
_PHONE_NAME = (
    r"\b(?:tel|fon|mobil|handy|fax|call|dial|ring|ext|sms|\w*(?:telefon|phone|mobile|hotline|ruf|wahl|whatsapp)\w*)"
    r"(?:-?(?:nr|no|number|nummer))?\W{0,4}(?:[^\W\d]{1,10}\W{1,3}){0,2}"
)
_PHONE_WORD = re.compile(_PHONE_NAME + r"\Z", re.IGNORECASE)
_PHONE_WORD_AHEAD = re.compile(_PHONE_NAME + r"\W{0,3}\d", re.IGNORECASE)
_OTHER_WORD = re.compile(
    r"(?:\b(?:order|invoice|art|part|item|sku|ref|reference|customer|account|ticket|serial|contract|isbn|ean|po|hrb|id|"
    r"version|bestell|auftrag|rechnung|artikel|teil|kunden?|konto|vertrag|serien|personal|material|vorgang|eur|usd|gbp|chf)"
    r"(?:ung|[es])?s?[- ]?(?:nr|no|num|number|nummer|id)?|[€$£#])[\W_]{0,4}\Z",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(r"(?:nr|no|num|number|nummer)\W{0,4}\Z", re.IGNORECASE)
_AMOUNT = re.compile(r"\s?(?:[€$£%]|(?:eur|usd|gbp|chf|euro|tokens?|km|kg|mm|st(?:ü|u)ck|pieces)\b)", re.IGNORECASE)


def phones(text: str, region: str) -> Iterator[Finding]:
    """Telephone numbers: with a country code, or with the leading 0 of a national one that its plan allows.

    National numbers are read as of ``region``, Germany and the United Kingdom. Numbers without + or 0 in front are
    taken for something else, and so are those that follow a word such as "order" or "Artikel".
    """
    if not re.search(r"\d(?:[\s()./+-]{0,3}\d){6}", text):  # spares the slow matcher most texts
        return
    # the matcher would take the citation behind a number, as in "030 1234567 [1]", for a part of it, and then give up
    text = re.sub(r"\[\d+\]", lambda citation: ";" * len(citation[0]), text)
    passes = [("ZZ", Leniency.POSSIBLE), *((name, Leniency.VALID) for name in dict.fromkeys((region, "DE", "GB")))]
    possible = [span for span in _near(_PHONE_DIGITS, text) if _may_hold_phone(text, *span)]
    for (begin, stop), (name, leniency) in product(possible, passes):
        for match in PhoneNumberMatcher(text[begin:stop], name, leniency):
            raw = match.raw_string
            bracketed = raw.startswith("(") and raw.count("(") > raw.count(")")  # its end is not part of the match
            start, end = begin + match.start + bracketed, begin + match.end
            if _is_phone(text[start:end], text[max(0, start - BEFORE) : start], text[end : end + 10]):
                yield Finding("phone", start, end, text[start:end])


def _may_hold_phone(text: str, begin: int, stop: int) -> bool:
    """Whether ``_is_phone`` may be true of anything in there; of the date in a passage's head it is not."""
    digits = sum(c.isdigit() for c in text[begin:stop])
    return digits >= DIGITS or bool(_PHONE_WORD_AHEAD.search(text, max(0, begin - BEFORE), stop))


def _is_phone(number: str, before: str, after: str) -> bool:
    digits = sum(c.isdigit() for c in number)
    if re.search(r"(?:\w|\w[-/_]|\d[.,:]\s?)\Z", before) or re.match(r"\w|[-/.:,]\d", after):
        return False
    line = before.rpartition("\n")[2]
    if _PHONE_WORD.search(line):
        return digits >= 6
    if digits < DIGITS or _OTHER_WORD.search(line) or _AMOUNT.match(after):
        return False
    if number.startswith(("+", "00", "(+")):
        return True
    if number.isdigit() and _NUMBER_WORD.search(line):
        return False  # "Nr. 0471123456" may number anything; "Nr. 0471 123456" is grouped as a telephone number
    if re.search(r"-\d{1,2}\Z", number) and not re.search(r"[ /()]", number):
        return False  # 0815-4711-22: a part number rather than an extension
    return bool(re.match(r"\(?0[1-9]\d", number))


RECOGNISERS: tuple[Recogniser, ...] = (emails, ibans, cards, identities, addresses, phones)
"""Surest first: where two findings overlap, the earlier recogniser's stands."""
