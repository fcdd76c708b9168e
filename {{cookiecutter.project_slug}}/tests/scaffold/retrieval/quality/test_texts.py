"""Rules on the text of a document: what each finds, and what it leaves alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.guardrails import find
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import texts
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Chunking

from tests.scaffold.retrieval.quality.items import HARBOUR, document

HAFEN = (
    "Das Hafenamt ist von neun bis fünf geöffnet. Schiffe melden ihren Tiefgang, ehe sie einlaufen, und warten auf den "
    "Lotsen an der äußeren Tonne. Der Kran kann einen Tag vorher gebucht werden, wofür das Amt das Gewicht und den Namen "
    "des Schiffes wissen will."
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Größe und Länge in Zürich, naïve Façade, 20 °C, ½ “quoted” – 5 €", ""),
        ("SÃO PAULO, GARÇÃO, CORAÇÃO", ""),
        ("Привет, мир. Ελλάδα. 日本語", ""),
        ("tab\there\r\nform\x0cfeed", ""),
        ("\ufeffByte order mark", ""),
        ("Die GrÃ¶Ã\x9fe zÃ¤hlt", "holds 3 characters read in the wrong encoding, such as 'Ã¶'"),
        ("itâ€™s 5 â‚¬", "holds 2 characters read in the wrong encoding, such as 'â€™'"),
        ("ÐŸÑ€Ð¸", "holds 3 characters read in the wrong encoding"),
        ("Gr\ufffd\ufffde", "holds 2 replacement characters"),
        ("bell\x07 and \x9d", "holds 2 control characters"),
    ],
)
def test_broken_characters_are_counted_and_foreign_ones_are_not(text: str, said: str) -> None:
    assert texts.garbled(text).startswith(said)
    assert bool(texts.garbled(text)) == bool(said)


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        (HARBOUR, "en", ""),
        (HAFEN, "de", ""),
        (f"{HARBOUR}\n\n{HAFEN}", "en", "is written in en and, for 49%, in de"),
        (f"{HARBOUR}\n\nDas Hafenamt ist von neun bis fünf geöffnet, sagt ein Schild an der Tür.", "en", ""),
        (f"{HARBOUR}\n\n" * 9 + HAFEN, "en", ""),
        (HAFEN, "en", "says that it is in en, and is written in de"),
        (HAFEN, None, ""),
        ("Lotse L300 | 24 V | IP68\n\n" * 40, "en", ""),
    ],
    ids=["English", "German", "halves", "a quotation", "a tenth", "another than stated", "not stated", "no sentence"],
)
def test_two_languages_are_told_from_a_quotation(text: str, language: str | None, said: str) -> None:
    assert texts.mixed(document(text=text, language=language), 0.2) == said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "El puerto está abierto de nueve a cinco y los barcos que no han avisado se quedan con las boyas por la noche."),
        ("fi", "Satama on auki yhdeksästä viiteen ja laivat jotka eivät ilmoita ovat myös odottamassa kun se ei ole auki."),
        ("fr", "Le port est ouvert de neuf à cinq et les navires qui ne sont pas annoncés attendent dans une baie avec les pilotes."),
        ("it", "Il porto è aperto dalle nove alle cinque e le navi che non sono annunciate attendono nella baia con il pilota."),
        ("nl", "Het kantoor van de haven is open van negen tot vijf en schepen die niet zijn aangemeld wachten op een loods."),
        ("pt", "O porto está aberto das nove às cinco e os navios que não são anunciados esperam na baía com um piloto para entrar."),
        ("sv", "Hamnen är öppen från nio till fem och fartyg som inte har anmält sig får vänta på lotsen för att komma till kajen."),
    ],
)  # fmt: skip
def test_the_language_of_a_paragraph_is_recognised(language: str, text: str) -> None:
    assert [*texts.languages(text)] == [language]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"updated": None}, "states no date"),
        ({"title": "annual leave"}, "states no title"),
        ({"title": "annual leave", "updated": None, "language": None}, "states no title and no date and no language"),
    ],
)
def test_what_a_document_does_not_state_is_listed(fields: dict[str, Any], said: str) -> None:
    assert texts.missing(document("hr/annual-leave.md", **fields)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HARBOUR * 40, ""),
        ("A sentence of some words. " * 100, ""),
        ("a | b | c\n" * 200, ""),
        ("a | b | c\n" * 201, "is a table of 201 rows and little else"),
        ("a;b;c\n" * 201, "is a table of 201 rows and little else"),
        ("a | b | c\n" * 201 + "One line of text.\n" * 150, ""),
        ("x" * 3001, "has a sentence or a row of 3001 characters, which is torn into passages of 1500"),
        ("Words. " * 2000, "has 14000 characters, about 10 passages; at most 10000 are wanted"),
    ],
)
def test_what_no_passage_can_hold_is_too_large(text: str, said: str) -> None:
    assert texts.oversized(text, 10_000, 200, Chunking()) == said


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Nobody is named here in 2026.", {}),
        ("Write to jane@example.com or ring +49 40 66969 171.", {"email": 1, "phone": 1}),
        ("Pay to DE89 3704 0044 0532 0130 00.\n" * 3, {"iban": 3}),
        ("x" * 30_000 + "\njane@example.com, host 192.0.2.7", {"email": 1, "ip_address": 1}),
        ("host 2001:db8::7", {"ip_address": 1}),
    ],
)
def test_personal_data_is_counted_by_kind(text: str, kinds: dict[str, int]) -> None:
    assert dict(texts.personal(text)) == kinds
    assert texts.counted(texts.personal(text)) == ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in kinds.items())


@pytest.mark.parametrize(
    "text",
    [
        "Taxpayer RSSMRA85T10A562S.",
        "AHV 756.9217.0769.85, NI number AB 12 34 56 C, DNI 12345678Z, SSN 536-90-4399",
        "Card 4111 1111 1111 1111 or MT84MALT011000012345MTLCAST001S",
        "Hosts fe80::1ff:fe23:4567:890a, 2001:db8::a:b and 192.0.2.7. Write to a@b.example. Tel. 123456",
        "Call. Tel: 040 66969 171. Fax (040) 66969-172; mobile +44 7700 900123! Order 0471123456. 1.3.2026, 12:30:45",
    ],
)
def test_nothing_is_missed_by_looking_sentence_by_sentence(text: str) -> None:
    expected = Counter(finding.kind for finding in find(text))
    assert expected
    assert texts.personal(text) == texts.personal(f"Nothing here.\n{text}\n") == expected
