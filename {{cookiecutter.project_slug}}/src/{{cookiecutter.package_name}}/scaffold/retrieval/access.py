"""Who may see which document, by the rules of ``data/access.yaml``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..governance.principal import Rule


@dataclass(frozen=True)
class Access:
    """Names that may see a document, and names that may not, whatever is allowed. See ``Principal.names``."""

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()


def access_of(source: str, rules: Sequence[Rule]) -> Access | None:
    """What the first matching rule says about ``source``; None where no rule does: nobody may see it."""
    for rule in rules:
        if _pattern(rule.path).fullmatch(source):
            return Access(tuple(sorted(set(rule.allow))), tuple(sorted(set(rule.deny))))
    return None


def effective(own: Access | None, source: str, rules: Sequence[Rule]) -> Access | None:
    """Who may see ``source``, of which its own source says ``own``; None where nobody said that anybody may.

    Lists of its own go before a rule's ``allow``, even an empty one; a rule's ``deny`` holds beside them.
    """
    rule = access_of(source, rules)
    if own is None:
        return rule
    return Access(own.allow, tuple(sorted({*own.deny, *(rule.deny if rule else ())})))


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """``*`` stays within a folder, ``**`` crosses folders, ``**/`` may also be no folder; all else is literal."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(parts.get(p) or re.escape(p) for p in re.split(r"(\*\*/|\*\*|\*)", glob)), re.DOTALL)
