"""Where cases come from: drafted from documents, made of feedback, reviewed by people, and checked among each other."""

from .check import Problem, check
from .draft import draft
from .feedback import Feedback, Given, from_feedback, keep, listed
from .held import from_held
from .indexed import Indexed
from .lines import add
from .review import Changes, approve, edit, passages_of, reject, reset, waiting
from .written import write

__all__ = [
    "Changes",
    "Feedback",
    "Given",
    "Indexed",
    "Problem",
    "add",
    "approve",
    "check",
    "draft",
    "edit",
    "from_feedback",
    "from_held",
    "keep",
    "listed",
    "passages_of",
    "reject",
    "reset",
    "waiting",
    "write",
]
