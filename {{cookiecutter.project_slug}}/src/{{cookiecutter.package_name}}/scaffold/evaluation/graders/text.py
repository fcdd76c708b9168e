"""Texts compared whatever their spelling."""

from __future__ import annotations

import re
import unicodedata


def holds(text: str, wording: str) -> bool:
    """Whether ``text`` holds ``wording``, whatever the case, the spacing and the typography.

    A wording that begins or ends with a digit matches whole numbers only: "30" is neither in "300" nor in "1.30".
    """
    folded = fold(wording)
    before = r"(?<!\d)(?<!\d[.,])" if folded[:1].isdigit() else ""
    after = r"(?!\d)(?![.,]\d)" if folded[-1:].isdigit() else ""
    return re.search(before + re.escape(folded) + after, fold(text)) is not None


_TYPOGRAPHY = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | dict.fromkeys("‘’‚", "'"))


def fold(text: str) -> str:
    """``text`` in one spelling: compatibility form (Unicode TR 15, NFKC), case folded, plain dashes and apostrophes."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_TYPOGRAPHY).split())
