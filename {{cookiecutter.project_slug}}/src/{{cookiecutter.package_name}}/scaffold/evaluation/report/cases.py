"""The page's section on cases that fail, side by side with what was answered before."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ..baseline import Kept
from ..record import CaseResult, Run, Shown
from .harm import HARMS, RANKED, harm, told, worst_cases
from .words import got_worse, said, title

SHOWN = 30
"""Failing cases on the page; the record holds all."""

OPEN = 3
"""So many of them are unfolded."""


def section(run: Run, before: Mapping[str, Kept]) -> str:
    """The gravest ``SHOWN`` of them, the first few unfolded."""
    worst = worst_cases(run)
    if not worst:
        return "<h2>Cases that fail</h2>\n<p>None.</p>"
    worse = set(got_worse(run))
    cards = "".join(_case(run, case, before, case.id in worse, n < OPEN) for n, case in enumerate(worst[:SHOWN]))
    rest = f"; the other {len(worst) - SHOWN} are in <code>evals/runs/{escape(run.id)}.json</code>" * (
        len(worst) > SHOWN
    )
    return f'<h2>Cases that fail</h2>\n<p class="soft">{len(worst)} of {run.asked}{rest}. {RANKED}</p>\n{cards}'


def _case(run: Run, case: CaseResult, before: Mapping[str, Kept], worse: bool, unfolded: bool) -> str:
    times = [each for each in run.cases if each.id == case.id]
    failed = sum(not each.passed for each in times)
    often = f'<span class="tag">{failed} of {len(times)} times</span>' if len(times) > 1 else ""
    tag = f'<span class="tag bad">{HARMS[harm(case)]}</span>'
    tag += '<span class="tag">worse than before</span>' if worse else ""
    why = "".join(f"<li>{escape(title(name))}: {escape(reason)}</li>" for name, reason in told(run, case))
    now = f"error: {case.error}" if case.error else said(case)
    sides = [_side("Now", now, case.refused, case.citations)]
    if (then := before.get(case.id)) is not None:
        sides.append(_side("In the baseline", said(then), then.refused, then.citations))
    known = f"{case.id} · {', '.join(sorted(case.labels))} · trace {case.trace_id or 'none'}"
    asked = f'<h3 class="foreign">{escape(case.question)}</h3>'
    return (
        f'<article class="card"><details{" open" * unfolded}><summary>{asked}{tag}{often}</summary>'
        f'<ul class="why">{why}</ul>'
        f'<div class="sides"><div><h4>Expected</h4><p class="foreign">{escape(case.expected)}</p></div></div>'
        f'<div class="sides">{"".join(sides)}</div>'
        f'<p class="soft">{escape(known)}</p></details></article>'
    )


def _side(heading: str, answer: str, refused: bool, citations: list[Shown]) -> str:
    cited = "".join(
        f"<blockquote><cite>{escape(each.title)}</cite> <code>{escape(each.source)}</code>"
        f'<p class="foreign" tabindex="0">{escape(each.passage)}</p></blockquote>'
        for each in citations
    )
    passages = f"{len(citations)} passage{'s' * (len(citations) != 1)}"
    shown = (
        f"<details><summary>{passages} cited</summary>{cited}</details>" if citations else "<p>No passage is cited.</p>"
    )
    tag = '<span class="tag">refused</span>' if refused else ""
    said = escape(answer) or "<em>nothing</em>"
    return f'<div><h4>{heading}{tag}</h4><p class="foreign">{said}</p>{shown}</div>'
