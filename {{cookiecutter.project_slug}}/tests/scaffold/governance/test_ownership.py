"""An owner is somebody who reads mail, not a word that fills the field."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }}.scaffold.governance import OwnershipFile, placeholders

GOOD = {"name": "Platform team", "email": "platform@acme.test"}


def with_owner(**changes: str) -> OwnershipFile:
    return OwnershipFile.model_validate({"service_owner": GOOD | changes, "escalation": GOOD})


@pytest.mark.parametrize(
    "name",
    [
        *("", "  ", "-", "?", "TBD", "tbc", "todo", "To do", "... TODO ...", "FIXME", "xxx", "n/a", "none"),
        *("nobody", "Someone", "unknown", "changeme", "change-me", "placeholder", "your-team", "Your name here"),
        *("<team>", "[team]", "team", "the owner", "John Doe", "Max Mustermann"),
    ],
)
def test_a_name_of_nobody_is_named(name: str) -> None:
    assert len(found := placeholders(with_owner(name=name))) == 1
    assert found[0].startswith("service_owner.name: ")


@pytest.mark.parametrize(
    "email",
    [
        *("", "tbd", "todo@example.com", "a@b.example.org", "x@example.net", "team@acme.example", "A@EXAMPLE.COM"),
        *("x@nowhere.invalid", "platform team", "a@b", "@acme.test", "a b@acme.test", "your-team@"),
    ],
)
def test_an_address_of_nobody_is_named(email: str) -> None:
    assert len(found := placeholders(with_owner(email=email))) == 1
    assert found[0].startswith("service_owner.email: ")


@pytest.mark.parametrize(
    "name", ["Platform team", "Tbdata Ltd", "Nadia Todorova", "Team Xanadu", "Nona", "Unknown Pleasures GmbH"]
)
@pytest.mark.parametrize("email", ["platform@acme.test", "a@examples.com", "example@acme.de", "a.b+c@sub.acme.co.uk"])
def test_somebody_is_not(name: str, email: str) -> None:
    assert placeholders(with_owner(name=name, email=email)) == []


def test_every_section_that_is_there_is_looked_at_and_one_that_is_not_there_is_not() -> None:
    owners = with_owner()
    assert (owners.business_owner, owners.on_call, placeholders(owners)) == (None, None, [])
    nobody = {"name": "TBD", "email": "x@example.com"}
    everything = OwnershipFile.model_validate(
        {
            "service_owner": nobody,
            "escalation": nobody,
            "business_owner": nobody,
            "on_call": {"schedule": "", "contact": "todo"},
        }
    )
    assert [problem.partition(":")[0] for problem in placeholders(everything)] == [
        *("service_owner.name", "service_owner.email", "escalation.name", "escalation.email"),
        *("business_owner.name", "business_owner.email", "on_call.schedule", "on_call.contact"),
    ]
