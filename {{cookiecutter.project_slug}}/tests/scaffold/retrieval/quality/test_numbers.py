"""Versions of one text: what tells them apart, and which numbers they disagree about."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.quality.numbers import differing, subject


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Travel policy 2023", "Travel policy 2026", True),
        ("Travel policy (draft)", "travel-policy, final", True),
        ("Travel policy v1.2", "Travel policy version 3", True),
        ("Reiserichtlinie Kopie", "Reiserichtlinie, Entwurf", True),
        ("Sensor L300", "Sensor L310", False),
        ("Invoice 1001", "Invoice 1002", False),
        ("Travel policy Oslo", "Travel policy Rome", False),
    ],
)
def test_versions_have_one_subject(one: str, other: str, same: bool) -> None:
    assert (subject(one) == subject(other)) == same


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("Hotels cost 120 EUR.", "Hotels cost 150 EUR.", ("Hotels cost 120 EUR.", "Hotels cost 150 EUR.")),
        ("A b.\n- up to 3 days", "A b c.\n- up to 2 days", ("- up to 3 days", "- up to 2 days")),
        ("Hotels cost 120 EUR.", "Rooms cost 150 EUR.", None),
        ("Hotels cost 120 EUR.", "Hotels cost 120 EUR.", None),
        ("a | 1\na | 2", "a | 3\na | 4", None),
        ("Row of 1.\nRow of 2.", "Row of 3.\nRow of 4.", None),
        ("Hotels cost 120.50 EUR, or 90.", "Hotels cost 120.50 EUR, or 95.", ("or 90.", "or 95.")),
        ("Ring +49 40 66969 171 for help.", "Ring +49 40 66969 172 for help.", None),
        (
            "Pay 120 EUR to DE89 3704 0044 0532 0130 00.",
            "Pay 150 EUR to DE89 3704 0044 0532 0130 00.",
            ("Pay 120 EUR to [IBAN].", "Pay 150 EUR to [IBAN]."),
        ),
    ],
)
def test_sentences_that_differ_in_numbers_alone_are_quoted_without_personal_data(
    one: str, other: str, said: tuple[str, str] | None
) -> None:
    found = differing(one, other)
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert found[0].endswith(said[0]) and found[1].endswith(said[1])


def test_a_quotation_is_short() -> None:
    long = "word " * 50
    found = differing(f"{long}120 EUR {long}", f"{long}150 EUR {long}")
    assert found is not None
    assert "120" in found[0] and len(found[0]) < 80
