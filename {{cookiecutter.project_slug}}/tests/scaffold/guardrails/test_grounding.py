"""Support is counted by words and numbers, in English and German."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from {{ cookiecutter.package_name }}.scaffold.guardrails import support

LEAVE = (
    "Employees have 30 days of annual leave. Up to five unused days may be carried over to the next year; they expire "
    "on 31 March. Leave of more than two weeks is requested eight weeks ahead."
)
TRAVEL = "Flights within Europe are booked in economy class. Hotels are reimbursed up to 1,250.50 EUR a week, not more."
URLAUB = "Mitarbeitende haben 30 Tage Urlaub. Nicht genommener Urlaub verfällt am 31. März. Die Pauschale beträgt 1.250,50 Euro."
ALL = [LEAVE, TRAVEL, URLAUB]


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        # said by a passage, in its words or nearly
        ("Employees have 30 days of annual leave. [1]", 1),
        ("You can carry over up to five unused days [1]; they expire on 31 March [1].", 1),
        ("Up to 5 unused days may be carried over.", 1),
        ("An employee has 30 days of leave annually.", 1),
        ("Hotels are reimbursed up to EUR 1250.5 a week [2].", 1),
        ("Hotels: 1.250,50 EUR a week", 1),
        ("Der Urlaub der Mitarbeitenden verfällt am 31. März. [3]", 1),
        ("Die Pauschale beträgt 1250,50 Euro.", 1),
        ("- Employees have 30 days of annual leave\n- Flights within Europe are booked in economy class", 1),
        ("1. Employees have 30 days of annual leave.\n2. Flights within Europe are booked in economy class.", 1),
        # a changed number
        ("Employees have 31 days of annual leave.", 0),
        ("Employees have 3 days of annual leave.", 0),
        ("Up to six unused days may be carried over.", 0),
        ("Hotels are reimbursed up to 1,250.05 EUR a week.", 0),
        ("Hotels are reimbursed up to 125,050 EUR a week.", 0),
        ("Der Urlaub verfällt am 30. März.", 0),  # 30 stands in another sentence of the same passage
        # invented, or from two passages at once
        ("Employees may bring their dogs to the office.", 0),
        ("Dogs.", 0),
        ("Flights are booked eight weeks ahead in economy class within Europe, and expire on 31 March.", 0),
        # a negation that no passage has
        ("Unused days of annual leave may never be carried over to the next year.", 0),
        # half of it
        ("Employees have 30 days of annual leave. They also get a company car.", 0.5),
        ("Employees have 30 days of annual leave [1] and 12 free train tickets [2].", 0.5),
        # nothing claimed
        *(("", 0), ("[1]", 0), ("  \n", 0), ("…", 0)),
    ],
)
def test_share_of_claims_that_a_passage_supports(answer: str, share: float) -> None:
    assert support(answer, ALL) == share


def test_nothing_supports_an_answer_without_passages() -> None:
    assert support("Employees have 30 days of annual leave.", []) == 0


@pytest.mark.parametrize(
    "answer",
    [
        "Flights within Europe are more than booked in economy class.",  # words put together to a new meaning
        "Hotels are reimbursed more than 1,250.50 EUR a week.",  # the negation was left out
    ],
)
def test_what_words_alone_cannot_see(answer: str) -> None:
    assert support(answer, ALL) == 1


def test_abbreviations_and_ordinals_end_no_sentence() -> None:
    passage = "Costs, e.g. Taxi or bus fares of approx. 20 EUR, are paid by Dr. Meyer on the 3. May."
    assert support(passage, [passage]) == 1
    assert support("Costs of approx. 20 EUR are paid by Dr. Meyer. Dogs bark.", [passage]) == 0.5


@given(st.text())
def test_a_share_is_a_share_and_a_copy_is_supported(text: str) -> None:
    assert 0 <= support(text, ALL) <= 1
    assert support(text, [text]) in (0, 1)


@pytest.mark.parametrize("text", [LEAVE, TRAVEL, URLAUB])
def test_a_copy_of_a_passage_is_fully_supported(text: str) -> None:
    assert support(text, [text]) == 1
