"""``data/access.yaml``: a name that nobody can have is named with its line, before a rule silently fits nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import parse_yaml
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import AccessFile

FILE = """\
callers:
  anna: {name: Anna, groups: [everyone, GROUP]}
rules:
  - path: hr/**
    allow:
      - group:hr
      - ALLOW
    deny: [user:ben, DENY]
"""


def read(group: str = "hr", allow: str = "group:legal", deny: str = "group:guests") -> AccessFile:
    text = FILE.replace("GROUP", group).replace("ALLOW", allow).replace("DENY", deny)
    return parse_yaml(text, AccessFile, Path("access.yaml"))


def test_names_of_users_and_groups_are_read() -> None:
    rule = read(allow='"group:with blanks: and colons"').rules[0]
    assert (rule.allow[1], rule.deny) == ("group:with blanks: and colons", ["user:ben", "group:guests"])


@pytest.mark.parametrize(
    "name", ["hr", "groups:hr", "Group:hr", '"group:"', '"group: "', '"group: hr"', '"user:ben "', '""']
)
def test_a_name_of_no_user_and_no_group_is_named_with_its_line(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^access.yaml:7: rules\.0\.allow\.1: .* must be group:NAME or user:NAME"
    ):
        read(allow=name)
    with pytest.raises(
        ConfigurationError, match=r"^access.yaml:8: rules\.0\.deny\.1: .* must be group:NAME or user:NAME"
    ):
        read(deny=name)


@pytest.mark.parametrize("name", ["group:hr", "user:ben", '" hr"', '""'])
def test_a_callers_group_that_no_rule_could_name_is_named_with_its_line(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^access.yaml:2: callers\.anna\.groups\.1: .* name of a group alone"):
        read(group=name)
