"""A run as Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...guardrails import redact
from ..baseline import Kept
from ..margins import named
from ..record import CaseResult, Run
from .findings import FIRST, changed, headline, reasons
from .harm import HARMS, RANKED, failing_cases, harm, told, worst_cases
from .terminal import MARKS, numbers
from .words import apart, demanded, difference, flat, got, got_worse, rows, said, summary, title, unmet

LIMIT = 60_000
"""Bytes. GitHub takes 65,536 characters in a comment; what is left is for a template around it."""

SHOWN = 10
"""Cases in one table."""

CELL = 300
"""Characters of a text in a cell."""

_MARKUP = re.compile(r"[\\`*_|<>\[\]&~$]")
_CALLS = re.compile(r"[@#](?=\w)|:(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown(run: Run, before: Mapping[str, Kept] | None = None) -> str:
    """Self-contained, at most ``LIMIT`` bytes; personal data is redacted, since a comment is read by many.

    ``before`` holds the baseline's cases by id.
    """
    marks = {outcome: mark for outcome, (mark, _) in MARKS.items()}
    compared = ["baseline"] if run.against else []
    heads = ("", "metric", "mean", "95 %", "cases", *compared, "demanded")
    metrics = [
        (marks[outcome], name, *numbers(metric), *([difference(run, name)] if compared else []), _demanded(run, name))
        for outcome, name, metric in rows(run)
    ]
    start = [
        f"### Evaluation `{run.suite}`: {'passed' if run.passed else 'failed'}",
        f"**{headline(run)}**",
        *([f"**{cell(changed(run))}**"] if run.against else []),
        *_reasons(run),
        cell(summary(run)),
    ]
    on = "\n".join(f"- {part}: `{cell(digest)}`" for part, digest in run.digests.items())
    end = f"<details><summary>Measured on</summary>\n\n{on}\n\n</details>"
    aside = [cell(apart(run))] if apart(run) else []
    blocks = [*_worst(run), *_worse(run, before or {}), *_evidence(run)]
    return _within(LIMIT, [*start, table(heads, metrics), *aside], blocks, end)


def _demanded(run: Run, name: str) -> str:
    threshold = run.thresholds.get(name)
    return demanded(threshold, name, run.against is not None) if threshold else ""


def _reasons(run: Run) -> list[str]:
    """Why not, the first of them at once."""
    lines = [f"- {cell(each)}" for each in reasons(run, names=True)]
    parts = ["\n".join(lines[:FIRST])] if lines else []
    return parts + ([_folded(f"and {len(lines) - FIRST} more", lines[FIRST:])] if len(lines) > FIRST else [])


def _folded(heading: str, lines: list[str]) -> str:
    listed = "\n".join(lines)
    return f"<details><summary>{heading}</summary>\n\n{listed}\n\n</details>"


def _worse(run: Run, before: Mapping[str, Kept]) -> list[str]:
    """A table of the cases that got worse, with what was answered before."""
    if run.against is None:
        return []
    cases: dict[str, CaseResult] = {}
    for case in sorted(run.cases, key=lambda case: case.passed):
        cases.setdefault(case.id, case)
    worse = [cases[each] for each in got_worse(run) if each in cases]
    if not worse:
        return [f"No case got worse than in the baseline `{run.against.baseline}`."]
    found = [
        (case.id, case.question, case.expected, _said(before.get(case.id)), got(case), "") for case in worse[:SHOWN]
    ]
    return [
        f"**{len(worse)} case{'s' * (len(worse) != 1)} got worse than in the baseline `{run.against.baseline}`**"
        + _more(len(worse)),
        table(("case", "question", "expected", "before", "now"), [row[:5] for row in found]),
    ]


def _said(case: Kept | None) -> str:
    if case is None:
        return "–"
    return f"{'refused: ' * case.refused}{said(case)}"


def _worst(run: Run) -> list[str]:
    """A table of the gravest cases."""
    worst = [] if run.passed else worst_cases(run)
    if not worst:
        return []
    listed = [
        (
            case.id,
            HARMS[harm(case)],
            case.question,
            case.expected,
            got(case),
            "; ".join(f"{title(name)}: {reason}" for name, reason in told(run, case)),
        )
        for case in worst[:SHOWN]
    ]
    return [
        f"**{len(worst)} case{'s' * (len(worst) != 1)} fail{'s' * (len(worst) == 1)}**{_more(len(worst))}. {RANKED}",
        table(("case", "it is", "question", "expected", "got", "because"), listed),
    ]


def _evidence(run: Run) -> list[str]:
    """The numbers behind each demand that is not met, with the cases that count."""
    lines = []
    for verdict in unmet(run):
        cases = [] if verdict.baseline else [case.id for case in failing_cases(run, verdict)]
        counted = f" Below 1: {named(cases)}." if cases else ""
        lines.append(f"- {cell(verdict.reason + counted)}")
    return [_folded("The statistics behind it", lines)] if lines else []


def _more(count: int) -> str:
    return f" (the first {SHOWN} of {count})" if count > SHOWN else ""


def _within(limit: int, start: list[str], blocks: list[str], end: str) -> str:
    """Everything, or as many of ``blocks`` as fit, and a word on those that did not."""
    left_out = "_More did not fit into a comment; the page holds all of it._"
    kept = list(start)
    for block in blocks:
        if len("\n\n".join([*kept, block, left_out, end]).encode()) > limit:
            kept.append(left_out)
            break
        kept.append(block)
    return "\n\n".join([*kept, end, ""])


def cell(text: str, most: int | None = None) -> str:
    """``text`` as it is, in a comment: ``literal``, personal data redacted, no link, no mention of anybody."""
    return _CALLS.sub(lambda sign: f"{sign[0]}\N{ZERO WIDTH SPACE}", literal(redact(text), most))


def literal(text: str, most: int | None = None) -> str:
    """``text`` on one line, cut at ``most`` characters, with no sign that Markdown or a table in it would read."""
    return _MARKUP.sub(lambda sign: f"\\{sign[0]}", flat(text, most))


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; what stands in its cells is escaped, redacted and cut."""
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cell(each, CELL) for each in row)} |" for row in rows)])
