"""Personal data is found by what it is, not by what it looks like."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.guardrails import Finding, Pseudonyms, find, redact
from {{ cookiecutter.package_name }}.scaffold.guardrails.recognisers import RECOGNISERS

FOUND = {
    "email": [
        *("jane.doe@acme.test", "j+tag@mail.acme.co.uk", "jürgen.müller@bücher.de", "JANE@ACME.TEST"),
    ],
    "phone": [
        *("+49 40 66969 123", "+49 (0)40 66969-123", "0049 40 66969 123", "040 66969 123", "040/66969-123"),
        *("(040) 66969 123", "04066969123", "0171 3920012", "030 23125 123", "0221 4710 123", "089 99998 123"),
        *("+44 1632 960123", "01632 960123", "01632 960 123", "(01632) 960123", "020 7946 0123", "07700 900123"),
        *("+1 212 555 0123", "+1-202-555-0143", "+33 1 99 00 12 34", "+43 1 5128012"),
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "GB82 WEST 1234 5698 7654 32",
        "gb82west12345698765432",
    ],
    "credit_card": ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011111111111117"],
    "national_id": [
        *("36574261809", "36 574 261 809"),  # Germany, tax id
        *("AB123456C", "AB 12 34 56 C"),  # United Kingdom, National Insurance number
        "943 476 5919",  # United Kingdom, NHS number
        "756.9217.0769.85",  # Switzerland, AHV
        *("12345678Z", "X1234567L"),  # Spain, DNI and NIE
        "2 95 10 99 126 111 93",  # France, NIR
        "RSSMRA85T10A562S",  # Italy, codice fiscale
        "536-90-4399",  # United States, SSN
    ],
    "ip_address": ["8.8.8.8", "192.168.1.17", "2001:db8::ff00:42:8329", "fe80:0:0:0:202:b3ff:fe1e:8329"],
}


@pytest.mark.parametrize("behind", [" [1].", "[1]", " [1][12]", ". [1]", " [1] or 030 23125 124 [2]"])
def test_a_citation_behind_a_telephone_number_does_not_hide_it(behind: str) -> None:
    assert redact(f"Call 030 23125 123{behind}").startswith(f"Call [PHONE]{behind.partition(' or')[0]}")
    assert "23125" not in redact(f"Call 030 23125 123{behind}")


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
@pytest.mark.parametrize("sentence", ["{}", "It is {}.", "ist: {}, und dann", "({})", "a\n{}\nb", "<{}>"])
def test_it_is_found_whole_wherever_it_stands(kind: str, text: str, sentence: str) -> None:
    start = sentence.index("{}")
    assert find(sentence.replace("{}", text)) == [Finding(kind, start, start + len(text), text)]


@pytest.mark.parametrize(
    "text",
    [
        # amounts, quantities and measurements
        *(
            "1.234.567,89 EUR",
            "EUR 12 500 000",
            "12,500.00",
            "22 000 000 tokens",
            "1 000 000 000",
            "+12 500 000 000 EUR",
        ),
        *("0.41 0.53 0.52", "100 200 300 400", "0171 3920012 EUR", "US$ 4,000,000"),
        # dates, times and numbers of laws
        *(
            "2026-03-01",
            "01.03.2026",
            "20260301 103000",
            "2026-11-20T12:34:56.123456+00:00",
            "2026 2027 2028",
            "12:34:56",
        ),
        *("09-11-2026", "01/03/2026 10:30", "ISO 9001:2015", "2024/1689", "§ 5 Abs. 2 Nr. 1"),
        # numbers of orders, parts, invoices and customers
        *(
            "4500012345",
            "ORD-2026-000123",
            "0815-4711-22",
            "7.840.123",
            "Rechnung 2026/0815/4711",
            "HRB 123456",
            "004711 0815",
        ),
        *("Artikel 0471123456", "Bestellung Nr. 0800123456", "order number 040 66969 123", "Kundennummer 0471 123456"),
        *("part 01632 960123", "invoice 0171 3920012", "DE123456789", "SKU 4006381333931", "Nr. 0471123456"),
        # other identifiers
        *("978-3-16-148410-0", "12345678-1234-1234-1234-123456789012", "#0471123456", "build 4111111111111111a"),
        *("Version 1.2.3.4", "section 4.2.1.3", "1.2.3.4.5", "127.0.0.1", "::1", "0.0.0.0", "localhost:8080"),
        # source code
        *("a[1::2]", "std::dead", "x@y", "@decorator", "user@host", "git@v2"),
        # near misses: the checksum is wrong, or nobody was ever given such a number
        *(
            "DE89 3704 0044 0532 0130 01",
            "4111 1111 1111 1112",
            "1234567812345670",
            "36574261808",
            "QQ123456C",
            "BG123456A",
        ),
        *("943 476 5918", "756.9217.0769.84", "12345678A", "999.1.1.1", "12345::fffff"),
        # where our own marks stand
        *("[EMAIL]", "«EMAIL_1»", "«CREDIT_CARD_12»", "[PHONE] [IBAN]"),
    ],
)
@pytest.mark.parametrize("sentence", ["{}", "The value {} holds.", "Wert: {};"])
def test_what_only_looks_like_it_is_left_alone(text: str, sentence: str) -> None:
    assert find(sentence.replace("{}", text)) == []


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Tel.-Nr. 0471123456", ["0471123456"]),  # a word before it decides what an unmarked number is
        ("Telefon Zentrale: 040-66969-12", ["040-66969-12"]),
        ("Kundenservice: 040 66969 123", ["040 66969 123"]),
        ("Our number: 040 66969 123", ["040 66969 123"]),
        ("Fax +49 40 66969-123; Tel +49 40 66969-124", ["+49 40 66969-123", "+49 40 66969-124"]),
        ("040 66969 123 / 040 66969 124", ["040 66969 123", "040 66969 124"]),
        ("host 10.0.0.1:8080", ["10.0.0.1"]),
        ("a@b.de,c@d.de;mailto:e@f.de", ["a@b.de", "c@d.de", "e@f.de"]),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", ["DE89 3704 0044 0532 0130 00"]),
        ("12345678Z@acme.test", ["12345678Z@acme.test"]),  # the surer finding stands
    ],
)
def test_neighbours_are_told_apart(sentence: str, found: list[str]) -> None:
    assert [finding.text for finding in find(sentence)] == found


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe",
        "12 High Street, Leeds",
        "born on 3 May 1980",
        "jane at acme dot test",
        "zero four zero",
        "01 99 00 12 34",
    ],
)
def test_what_the_module_says_it_does_not_find(text: str) -> None:
    assert find(text) == []


def test_national_numbers_are_read_as_of_the_region_asked_for() -> None:
    assert find("call 01 99 00 12 34") == []
    assert [finding.text for finding in find("call 01 99 00 12 34", region="FR")] == ["01 99 00 12 34"]


def test_another_recogniser_joins_in() -> None:
    def names(text: str, region: str) -> Iterator[Finding]:
        for match in re.finditer("Jane Doe", text):
            yield Finding("person", *match.span(), match[0])

    recognisers = (*RECOGNISERS, names)
    assert redact("Jane Doe, jane@acme.test", recognisers) == "[PERSON], [EMAIL]"
    pseudonyms = Pseudonyms(recognisers)
    assert pseudonyms.restore(pseudonyms.hide("Ask Jane Doe")) == "Ask Jane Doe"


def test_every_kind_is_redacted_to_its_name() -> None:
    for kind, texts in FOUND.items():
        assert redact(f"x {texts[0]} y") == f"x [{kind.upper()}] y"


PIECES = st.lists(
    st.one_of(
        st.sampled_from([text for texts in FOUND.values() for text in texts]),
        st.sampled_from(
            [" ", "", ", ", "-", ".", ":", "/", "[", "]", "«", "»", "_1", "«EMAIL_1»", "«TEXT_1»", "[EMAIL]", "0"]
        ),
        st.text(max_size=8),
        st.text("0123456789+-/.: @«»_[]ABEMILab", max_size=12),
    ),
    max_size=8,
).map("".join)


@given(PIECES)
@settings(deadline=None, max_examples=300)
def test_findings_are_what_stands_there_sorted_and_apart(text: str) -> None:
    found = find(text)
    assert all(finding.text == text[finding.start : finding.end] for finding in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(PIECES)
@settings(deadline=None, max_examples=300)
def test_redacting_leaves_nothing_and_twice_is_once(text: str) -> None:
    clean = redact(text)
    assert find(clean) == []
    assert redact(clean) == clean
    assert all(finding.text not in clean for finding in find(text))


@given(st.lists(PIECES, min_size=1, max_size=3))
@settings(deadline=None, max_examples=300)
def test_restoring_gives_back_what_was_hidden(texts: list[str]) -> None:
    pseudonyms = Pseudonyms()
    hidden = [pseudonyms.hide(text) for text in texts]
    assert [pseudonyms.restore(text) for text in hidden] == texts
    for text, clean in zip(texts, hidden, strict=True):
        assert find(clean) == []
        assert all(finding.text not in clean for finding in find(text))


@given(st.binary(max_size=20), st.uuids(), st.datetimes())
@settings(deadline=None)
def test_digests_uuids_and_timestamps_are_no_personal_data(seed: bytes, name: uuid.UUID, at: datetime) -> None:
    for text in (hashlib.sha256(seed).hexdigest(), hashlib.md5(seed, usedforsecurity=False).hexdigest()):
        assert find(text) == []
    assert find(str(name)) == []
    assert find(at.isoformat()) == []


def test_the_same_value_has_one_placeholder_through_the_whole_call() -> None:
    pseudonyms = Pseudonyms()
    assert pseudonyms.hide("From jane@acme.test to joe@acme.test") == "From «EMAIL_1» to «EMAIL_2»"
    assert pseudonyms.hide("joe@acme.test, 8.8.8.8") == "«EMAIL_2», «IP_ADDRESS_1»"
    assert pseudonyms.restore("«EMAIL_2» «EMAIL_2», not «EMAIL_9»") == "joe@acme.test joe@acme.test, not «EMAIL_9»"
    assert Pseudonyms().restore("«EMAIL_1»") == "«EMAIL_1»"


def test_a_placeholder_that_somebody_typed_is_never_taken_for_ours() -> None:
    pseudonyms = Pseudonyms()
    first, second = pseudonyms.hide("jane@acme.test"), pseudonyms.hide("What does «EMAIL_1» mean?")
    assert (first, second) == ("«EMAIL_1»", "What does «TEXT_1» mean?")
    assert pseudonyms.restore(second) == "What does «EMAIL_1» mean?"


@given(PIECES, st.integers(1, 5))
@settings(deadline=None, max_examples=200)
def test_a_stream_cut_anywhere_restores_to_the_same_text(text: str, size: int) -> None:
    pseudonyms = Pseudonyms()
    hidden = pseudonyms.hide(text)
    sent, held = "", ""
    for start in range(0, len(hidden), size):
        held += hidden[start : start + size]
        cut = len(held) - pseudonyms.pending(held)
        sent, held = sent + pseudonyms.restore(held[:cut]), held[cut:]
    assert sent + pseudonyms.restore(held) == text


def test_only_what_may_become_a_placeholder_is_held_back() -> None:
    pseudonyms = Pseudonyms()
    pseudonyms.hide("jane@acme.test")
    assert [
        pseudonyms.pending(text) for text in ("a «", "a «EMA", "a «EMAIL_1", "«EMAIL_1»", "«PHONE", "a « b", "")
    ] == [*(1, 4, 8, 0, 0, 0, 0)]
