"""Who may see which document, by the rules of ``data/access.yaml``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from operator import attrgetter
from typing import Self

from ..governance.principal import Rule

PATH = attrgetter("path")


@dataclass(frozen=True)
class Access:
    """Names that may see a document, and names that may not, whatever is allowed. See ``Principal.names``."""

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()

    @property
    def lists(self) -> list[list[str]]:
        """For JSON; ``read`` makes it of these again."""
        return [list(self.allow), list(self.deny)]

    @classmethod
    def read(cls, lists: Sequence[Sequence[str]]) -> Self:
        """What ``lists`` was made of."""
        return cls(*map(tuple, lists))

    @cached_property
    def digest(self) -> str:
        """128 bits of SHA-256 that tell it from another."""
        return hashlib.sha256(json.dumps(self.lists).encode()).hexdigest()[:32]


def access_of(source: str, rules: Sequence[Rule]) -> Access | None:
    """What the first matching rule says about ``source``; None where no rule does: nobody may see it."""
    return ruled(rules)(source)


def ruled(rules: Sequence[Rule]) -> Callable[[str], Access | None]:
    """``access_of`` for many documents under the same rules."""
    first = _first(tuple(map(PATH, rules)))

    @cache
    def lists(number: int) -> Access:
        rule = rules[number]
        return Access(tuple(sorted(set(rule.allow))), tuple(sorted(set(rule.deny))))

    def of(source: str) -> Access | None:
        found = first.fullmatch(source)
        return lists(found.lastindex - 1) if found and found.lastindex else None

    return of


def effective(own: Access | None, rule: Access | None) -> Access | None:
    """Who may see a document of which its own source says ``own`` and the rules ``rule``; None where nobody may.

    Lists of its own go before a rule's ``allow``, even an empty one; a rule's ``deny`` holds beside them.
    """
    if own is None:
        return rule
    return Access(own.allow, tuple(sorted({*own.deny, *(rule.deny if rule else ())})))


@lru_cache(maxsize=16)
def _first(globs: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all: the number of its group that matches is that of the first glob that does."""
    return re.compile("|".join(f"({_pattern(glob)})" for glob in globs) or "(?!)", re.DOTALL)


def _pattern(glob: str) -> str:
    """``*`` stays within a folder, ``**`` crosses folders, ``**/`` may also be no folder; all else is literal."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(parts.get(p) or re.escape(p) for p in re.split(r"(\*\*/|\*\*|\*)", glob))
