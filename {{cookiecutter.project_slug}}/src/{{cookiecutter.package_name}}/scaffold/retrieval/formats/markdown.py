"""Markdown with front matter."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..settings import Limits
from .content import Content, Unreadable, content, decode

FRONT_MATTER_CHARACTERS = 20_000
"""Longest front matter: it says what the document is, and YAML is read slowly."""


class _Words(yaml.BaseLoader):
    """YAML whose values are all words, and without aliases: a few lines of those can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*) are not read", problem_mark=mark)
        return super().compose_node(parent, index)


def read(data: bytes, limits: Limits) -> Content:
    """Markdown with optional front matter (YAML between two lines of ``---``); its title may be the first heading."""
    text, fields = decode(data), dict[str, Any]()
    opened = re.match(r"---[ \t]*\n", text)
    closed = re.compile(r"^---[ \t]*$", re.MULTILINE).search(text, opened.end()) if opened else None
    if opened and closed:
        fields, text = _fields(text[opened.end() : closed.start()]), text[closed.end() :].removeprefix("\n")
    heading = re.search(r"^#{1,6}[ \t]+(\S.*)$", text, re.MULTILINE)
    return content(text, {"title": heading[1].rstrip(" \t#") if heading else None, **fields}, headings=True)


def _fields(front: str) -> dict[str, Any]:
    if len(front) > FRONT_MATTER_CHARACTERS:
        raise Unreadable(f"has front matter of more than {FRONT_MATTER_CHARACTERS} characters")
    try:
        fields = yaml.load(front, _Words)  # noqa: S506  a BaseLoader makes nothing but words
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 2}" if error.problem_mark else ""
        raise Unreadable(f"has front matter that is not valid YAML{line} ({error.problem})") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"has front matter that is not valid YAML ({' '.join(str(error).split())})") from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise Unreadable("has front matter that is not a list of fields")
    return {str(name): value for name, value in fields.items() if value not in ("", "~", "null")}
