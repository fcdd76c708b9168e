"""Rules on access: nobody, strangers, and too many for what the document is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.retrieval.access import Access
from {{ cookiecutter.package_name }}.scaffold.retrieval.quality import permissions

from tests.scaffold.retrieval.quality.items import CALLERS, document

WORDS = ["confidential", "vertraulich"]


@pytest.mark.parametrize(
    ("access", "unseen", "unknown"),
    [
        (None, "is named by no access rule", ""),
        (Access(()), "has an access list that allows nobody", ""),
        (Access(("group:hr", "user:ada")), "", ""),
        (Access(("group:hrr",)), "", "has an access list with group:hrr, whom no caller is"),
        (Access(("group:hr",), ("user:bobb",)), "", "has an access list with user:bobb, whom no caller is"),
    ],
)
def test_lists_that_shut_everyone_out_or_name_strangers(access: Access | None, unseen: str, unknown: str) -> None:
    assert permissions.unseen(access) == unseen
    assert permissions.unknown(access, CALLERS) == unknown
    assert permissions.unknown(access, []) == ""


@pytest.mark.parametrize(
    ("access", "said"),
    [
        (None, ""),
        (Access(("group:hr",)), ""),
        (Access(("group:everyone",)), "seen by group:everyone"),
        (Access(("group:hr", "group:sales")), "seen by 2 of 2 callers"),
        (Access(("group:hr", "group:sales"), ("user:bob",)), ""),
    ],
)
def test_what_nearly_everyone_may_see_is_wide(access: Access | None, said: str) -> None:
    assert permissions.wide(access, CALLERS, ["everyone"], 0.8) == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"status": "Confidential"}, "has the status Confidential"),
        ({"source": "hr/confidential/pay.md"}, "lies in a folder marked confidential"),
        ({"source": "hr/vertraulich-2026/pay.md"}, "lies in a folder marked confidential"),
        ({"source": "hr/pay-confidential.md"}, "has a name marked confidential"),
        ({"source": "hr/vertraulich_pay.md"}, "has a name marked confidential"),
        ({"source": "hr/handling-confidential-papers.md"}, ""),
        ({"source": "hr/confidentiality.md"}, ""),
        ({"title": "Confidential: pay"}, "has a title marked confidential"),
        ({"title": "Pay (confidential)"}, "has a title marked confidential"),
        ({"title": "How to handle confidential papers"}, ""),
        ({"text": "# Pay\n\n**STRENG VERTRAULICH**\n\nBands."}, "says at its top that it is confidential"),
        ({"text": "Confidential - for the board only.\n"}, "says at its top that it is confidential"),
        ({"text": "Confidential papers go into the safe.\n"}, ""),
        ({"text": "A line.\n" * 20 + "Confidential:\n"}, ""),
    ],
)
def test_a_mark_is_told_from_a_mention(fields: dict[str, Any], said: str) -> None:
    assert permissions.marked(document(**fields), WORDS) == said


@pytest.mark.parametrize(
    ("seen", "mark", "data", "said"),
    [
        ("", "has the status secret", {"iban": 3}, ""),
        ("seen by group:everyone", "", {}, ""),
        ("seen by group:everyone", "", {"email": 5, "phone": 4}, ""),
        (
            "seen by group:everyone",
            "",
            {"email": 5, "phone": 5},
            "holds a list of personal data (5 email, 5 phone), and",
        ),
        ("seen by group:everyone", "", {"email": 1, "iban": 2}, "holds personal data (2 iban), and is seen by group:"),
        ("seen by group:everyone", "has the status secret", {}, "has the status secret, and is seen by group:everyone"),
    ],
)
def test_what_is_confidential_or_personal_must_not_be_wide(
    seen: str, mark: str, data: dict[str, int], said: str
) -> None:
    reason = permissions.too_wide(seen, mark, Counter(data), 10)
    assert reason.startswith(said)
    assert bool(reason) == bool(said)
