"""Reports as one HTML page each: no script, nothing from elsewhere, the same look."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

_UNSAFE = re.compile(
    r"[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """``text`` without what XML forbids, a terminal would obey, or would turn the text around it (bidirectional signs).

    XML 1.0, fifth edition, section 2.2; Unicode Standard Annex 9, section 2.
    """
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def document(title: str, sections: Iterable[str], style: str = "") -> str:
    """The page. ``sections`` are HTML with every foreign text escaped; ``style`` is CSS beside that of all pages.

    Its policy lets a browser load nothing, run nothing and send nothing, should a text be let through all the same
    (W3C, "Content Security Policy Level 3", section 6.1; the style is named by its hash).
    """
    css = f"\n{files(__package__).joinpath('page.css').read_text('utf-8')}{style}"
    known = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{known}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(section for section in sections if section)
    return clean(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{css}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(heads: Sequence[str], rows: Iterable[str]) -> str:
    """A table of ``rows``, which are HTML; ``heads`` are texts, empty for a column that needs none."""
    cells = "".join(f'<th scope="col">{escape(head)}</th>' if head else "<td></td>" for head in heads)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def verdict(stands: str, said: str, reasons: Iterable[str] = (), about: str = "", others: Sequence[str] = ()) -> str:
    """The sentence that everybody reads, one about it, the reasons, and ``others`` folded away.

    ``stands`` is good, bad or some. All texts are escaped.
    """
    first, rest = ("".join(f"<li>{escape(reason)}</li>" for reason in some) for some in (reasons, others))
    return (
        f'<div class="verdict {stands}"><strong>{escape(said)}</strong>{f"<p>{escape(about)}</p>" if about else ""}'
        f"{f'<ul>{first}</ul>' if first else ''}"
        f"{f'<details><summary>and {len(others)} more</summary><ul>{rest}</ul></details>' if rest else ''}</div>"
    )
