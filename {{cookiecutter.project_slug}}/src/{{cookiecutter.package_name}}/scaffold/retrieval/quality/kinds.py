"""What can be wrong with a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

KindName = Literal[
    "contradictory",
    "wide_permissions",
    "missing_permissions",
    "unknown_principal",
    "unreadable",
    "empty",
    "encoding",
    "future_date",
    "exact_duplicate",
    "outdated",
    "near_duplicate",
    "personal_data",
    "mixed_languages",
    "oversized",
    "missing_metadata",
]


@dataclass(frozen=True)
class Kind:
    """A kind of defect."""

    title: str
    weight: float
    """What a document loses that has it, 0 to 1: 1 where it gives wrong answers, none, or the right ones to the wrong
    people; less where answers get worse. Our choice."""
    why: str
    """What it does to answers."""
    mend: str
    limit: float
    """Largest share of a source's documents that may have it, where ``governance/stages.yaml`` does not say."""


KINDS: Mapping[KindName, Kind] = {
    "contradictory": Kind(
        "Contradictory",
        1,
        "Two documents, or two parts of one, say different things; an answer picks one by chance.",
        "Find out which holds, correct it, and mark the other one status: superseded.",
        0.05,
    ),
    "wide_permissions": Kind(
        "Seen by too many",
        1,
        "What looks confidential can be asked for by nearly everyone.",
        "Put a narrower rule above the wide one in data/access.yaml, or take out what makes it confidential.",
        0.0,
    ),
    "missing_permissions": Kind(
        "Seen by nobody",
        1,
        "No rule says who may see it, so it answers nobody's question.",
        "Name it in data/access.yaml, or take it away.",
        0.05,
    ),
    "unknown_principal": Kind(
        "Unknown names in access lists",
        1,
        "A name with a typing error shuts people out, or, in a deny list, lets them in.",
        "Correct the name in the access list, or add the caller or the group.",
        0.0,
    ),
    "unreadable": Kind(
        "Unreadable",
        1,
        "Nothing in it can be found.",
        "Save it in a format that can be read, or take it away.",
        0.05,
    ),
    "empty": Kind("Empty", 1, "There is nothing to answer from.", "Fill it, or take it away.", 0.02),
    "encoding": Kind(
        "Wrong encoding",
        1,
        "Words with broken characters are not found, and are shown broken.",
        "Convert it from its real encoding to UTF-8, from the original if there is one.",
        0.02,
    ),
    "future_date": Kind(
        "Dated in the future",
        1,
        "It wins over newer documents for as long as its date lies ahead.",
        "Correct the date, or the clock that wrote it.",
        0.0,
    ),
    "exact_duplicate": Kind(
        "Exact duplicates",
        0.5,
        "Copies crowd other documents out of an answer, and go stale one by one.",
        "Keep one and take the others away.",
        0.05,
    ),
    "outdated": Kind(
        "Outdated",
        0.5,
        "Answers may rest on what no longer holds.",
        "Bring it up to date, move it out of what is indexed, or list it under timeless in config/quality.yaml.",
        0.2,
    ),
    "near_duplicate": Kind(
        "Near duplicates",
        0.5,
        "Versions of one text crowd out others, and nobody knows which one holds.",
        "Keep one; take the other away or mark it status: superseded.",
        0.1,
    ),
    "personal_data": Kind(
        "Personal data",
        0.25,
        "People's data comes up in answers and goes to the model, hidden as governance/policy.yaml says.",
        "Take out what the document does not need; see that its access list fits the rest.",
        0.5,
    ),
    "mixed_languages": Kind(
        "Mixed languages",
        0.25,
        "Words of the lesser language are cut by the wrong rules and found less often.",
        "Split it into one document a language, and state the language of each.",
        0.1,
    ),
    "oversized": Kind(
        "Too large, or a table dump",
        0.25,
        "Passages are torn out of their context and cannot be understood alone.",
        "Split it by topic; put tables of records into a database and describe them in words.",
        0.1,
    ),
    "missing_metadata": Kind(
        "Missing metadata",
        0.25,
        "Without title, date and language nobody can tell what a passage is, or which one is newer.",
        "State title, updated and language at its top.",
        0.3,
    ),
}
"""Gravest first: the order in which they are shown."""
