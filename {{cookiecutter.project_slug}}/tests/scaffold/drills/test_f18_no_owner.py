"""F18: no owner after the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.readiness import gate

OWNED = """
service_owner: {name: Answer team, email: answers@acme.test}
escalation: {name: Ida Holm, email: ida.holm@acme.test}
"""


def owner_check(application: Application, text: str | None) -> tuple[bool, str]:
    path = application.settings.path("governance", "ownership.yaml")
    path.unlink() if text is None else path.write_text(text, "utf-8")
    (check,) = [check for check in gate(application, "poc").checks if check.id == "owner"]
    return check.passed, check.reason


@pytest.mark.drill("F18")
@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("Answer team", "''", "service_owner.name"),
        ("Answer team", "TBD", "service_owner.name"),
        ("answers@acme.test", "you@example.com", "service_owner.email"),
        ("Ida Holm", "your name", "escalation.name"),
        ("ida.holm@acme.test", "' '", "escalation.email"),
    ],
)
def test_an_empty_or_placeholder_owner_turns_the_gate_red(
    application: Application, project: Path, old: str, new: str, field: str
) -> None:
    """Staged: nobody, or a placeholder, is written down as owner or for escalation.
    Caught by: the gate's owner check, which names the field.
    """
    assert owner_check(application, OWNED) == (True, "Answer team answers for it.")
    passed, reason = owner_check(application, OWNED.replace(old, new))
    assert not passed
    assert field in reason


@pytest.mark.drill("F18")
@pytest.mark.parametrize("text", [None, "", "service_owner: {name: A"], ids=["gone", "empty", "broken"])
def test_a_missing_or_broken_ownership_file_turns_the_gate_red(application: Application, text: str | None) -> None:
    """Staged: the file that names the owner is gone, empty or broken.
    Caught by: the gate's owner check, which fails closed and names the file.
    """
    passed, reason = owner_check(application, text)
    assert not passed
    assert "ownership.yaml" in reason
