"""Rules on who may see a document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ...governance.principal import Principal
from ..access import Access
from ..documents import Document
from .texts import IDENTIFYING, counted


def unseen(access: Access | None) -> str:
    """Nobody may see it."""
    if access is None:
        return "is named by no access rule"
    return "" if access.allow else "has an access list that allows nobody"


def unknown(access: Access | None, callers: Sequence[Principal]) -> str:
    """Names that no caller has, in the lists of who may and who may not.

    Without a directory of callers nothing is known to be wrong. False alarm: a group that has no member yet.
    """
    if access is None or not callers:
        return ""
    known = set[str]().union(*(caller.names for caller in callers))
    strangers = sorted({*access.allow, *access.deny} - known)
    return f"has an access list with {', '.join(strangers)}, whom no caller is" if strangers else ""


def wide(access: Access | None, callers: Sequence[Principal], everyone: Sequence[str], wide_share: float) -> str:
    """Whether nearly everyone may see it, and by what."""
    if access is None:
        return ""
    if named := sorted({f"group:{name}" for name in everyone} & set(access.allow)):
        return f"seen by {named[0]}"
    reached = sum(bool(caller.names & set(access.allow)) and not caller.names & set(access.deny) for caller in callers)
    if callers and reached >= wide_share * len(callers):
        return f"seen by {reached} of {len(callers)} callers"
    return ""


def marked(document: Document, words: Sequence[str]) -> str:
    """What marks the document as confidential: its status, a part of its path, or a line at its top.

    A word within a sentence or a longer name does not: pages on how to handle confidential documents are for all.
    """
    named = "|".join(re.escape(word) for word in words)
    marker = re.compile(
        rf"\W*(?:(?:strictly|highly|company|streng)\s)?(?:{named})\s*(?:[]:.,!)*_–—-]|\Z)", re.IGNORECASE
    )
    if document.status and re.fullmatch(named, document.status.strip(), re.IGNORECASE):
        return f"has the status {document.status}"
    *folders, name = document.source.split("/")
    at_edge = re.compile(rf"(?:{named})(?![^\W_])|.*(?<![^\W_])(?:{named})\Z", re.IGNORECASE)
    if any(re.fullmatch(named, part, re.IGNORECASE) for folder in folders for part in re.split(r"[\W_]+", folder)):
        return "lies in a folder marked confidential"
    if at_edge.match(name.rpartition(".")[0]):
        return "has a name marked confidential"
    if marker.match(document.title) or re.search(rf"[(\[](?:{named})[)\]]", document.title, re.IGNORECASE):
        return "has a title marked confidential"
    top = [line for line in document.text[:3000].splitlines() if line.strip()][:10]
    return "says at its top that it is confidential" if any(marker.match(line) for line in top) else ""


def too_wide(seen: str, mark: str, data: Counter[str], contacts: int) -> str:
    """Why a document that is ``seen`` by nearly everyone should not be.

    False alarm: a company's own bank account on a page for all; that is no person's, and for somebody to decide.
    """
    identifying = Counter({kind: count for kind, count in data.items() if kind in IDENTIFYING})
    if seen and mark:
        return f"{mark}, and is {seen}"
    if seen and identifying:
        return f"holds personal data ({counted(identifying)}), and is {seen}"
    if seen and sum(data.values()) >= contacts:
        return f"holds a list of personal data ({counted(data)}), and is {seen}"
    return ""
