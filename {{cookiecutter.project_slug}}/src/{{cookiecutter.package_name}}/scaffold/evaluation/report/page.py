"""A run as one HTML page, for people who decide rather than operate: is it good enough, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files

from ...page import document, table, verdict
from ..baseline import Kept
from ..graders import MEASURES
from ..metrics import unknown
from ..record import Metric, Run
from ..suite import Threshold
from . import cases, slices
from .charts import histogram, whisker
from .findings import FIRST, changed, demands, headline, reasons, stands, uncompared
from .pieces import STANDS, card, percent, statistics, tag
from .slices import sliced
from .words import (
    TITLES,
    amount,
    apart,
    difference,
    flat,
    got_better,
    got_worse,
    least,
    lost,
    more,
    outcomes,
    passed_of,
    rows,
    title,
    unmet,
    where,
)


def page(run: Run, before: Mapping[str, Kept] | None = None) -> str:
    """The page; ``before`` holds the baseline's cases by id, to show beside those that failed."""
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    sections = [
        _verdict(run),
        _metrics(run),
        slices.section(run),
        cases.section(run, before or {}),
        _measures(run),
        _on(run),
    ]
    return document(f"Evaluation {run.suite}: {headline(run)}", sections, style)


def _verdict(run: Run) -> str:
    passed, held = passed_of(run.cases), demands(run)
    tiles = [
        (percent(sum(passed) / len(passed)), f"of {run.asked} cases pass every check"),
        (f"{sum(each.passed for each in held)} of {len(held)}", "demands are met"),
    ]
    if errors := len({case.id for case in run.cases if case.error}):
        tiles.insert(1, (str(errors), "ended in an error and count as failed"))
    if run.against:
        worse, better = len(got_worse(run)), len(got_better(run))
        tiles.append((f"{worse} worse, {better} better", f"than the baseline of {run.against.accepted_at:%Y-%m-%d}"))
    if latency := run.metrics.get("latency"):
        tiles.append((amount("latency", latency.p95 or latency.mean), "19 of 20 answers come faster"))
    if "cost" in unknown(run.cases):
        tiles.append(("unknown", "is what an answer costs: a model has no price"))
    if cost := run.metrics.get("cost"):
        tiles.append((amount("cost", cost.mean), "is what an answer costs on average"))
    listed = "".join(f"<li><strong>{escape(big)}</strong><span>{escape(small)}</span></li>" for big, small in tiles)
    bad = sorted((each for each in sliced(run) if each.stands == "bad"), key=lambda each: each.mean)
    weak = [f"{where(each.label)} ({percent(each.mean)})" for each in bad[:4]]
    why = reasons(run)
    said = f'<p class="weak"><strong>Weakest:</strong> {escape(", ".join(weak))} of the cases pass.</p>' if weak else ""
    return (
        f'<h1>Evaluation: {escape(run.suite)}</h1>\n<p class="soft">{run.asked} questions with known answers were '
        f"asked on {run.started_at:%Y-%m-%d %H:%M} UTC</p>\n"
        f"{verdict(stands(run), headline(run), why[:FIRST], changed(run), why[FIRST:])}\n"
        f'<ul class="tiles">{listed}</ul>{said}'
    )


def _metrics(run: Run) -> str:
    lines = []
    for outcome, name, metric in rows(run):
        if name in MEASURES:
            continue
        threshold = run.thresholds.get(name)
        about = TITLES[name][1] if name in TITLES else ""
        chart = _whisker(run, name, metric, threshold, STANDS[outcome][0])
        lines.append(
            f'<tr><th scope="row">{escape(title(name))} {tag(outcome)}<span class="soft">{escape(about)}</span></th>'
            f'<td class="chart">{chart}</td>{_cells(run, name, metric)}</tr>'
        )
    heads = ["What", "0 to 100 %", "Measured", "Demanded", *(["Baseline"] if run.against else []), "Cases"]
    told = "" if not uncompared(run) else '<p class="soft">Not compared: no baseline is accepted yet.</p>'
    told += statistics(each for each in unmet(run) if not each.slice)
    return f"<h2>How good it is</h2>\n{card(_legend(bool(run.against)) + table(heads, lines) + told, 'How good it is')}"


def _cells(run: Run, name: str, metric: Metric | None) -> str:
    demand = _demand(run, name)
    measured = amount(name, metric.mean) if metric else "–"
    against = ""
    if run.against:
        paired, by = run.against.metrics.get(name), difference(run, name)
        sign = "up" if by.startswith("+") else "down" if by and not by.startswith("±") else ""
        told = f'{amount(name, paired.before)} <span class="{sign}">({escape(by)})</span>' if paired else "–"
        against = f'<td class="number" data-label="baseline">{told}</td>'
    return (
        f'<td class="number"><strong>{escape(measured)}</strong></td>'
        f'<td class="demand" data-label="demanded">{escape(demand) or "–"}</td>{against}'
        f'<td class="number" data-label="cases">{metric.n if metric else 0}</td>'
    )


def _demand(run: Run, name: str) -> str:
    threshold = run.thresholds.get(name)
    if threshold is None:
        return ""
    parts = least(name, threshold)
    if threshold.margin is not None:
        parts.append(lost(name, threshold.margin) + " (not compared)" * (run.against is None))
    return "; ".join(parts)


def _whisker(run: Run, name: str, metric: Metric | None, threshold: Threshold | None, stands: str) -> str:
    if metric is None:
        return "no case measures it"
    paired = run.against.metrics.get(name) if run.against else None
    mean, low, high = (amount(name, value) for value in (metric.mean, metric.low, metric.high))
    said = f"{title(name)}: {mean}, between {low} and {high}"
    if demand := _demand(run, name):
        said += f"; {demand} is demanded"
    if paired:
        said += f"; the baseline had {amount(name, paired.before)}"
    mark = threshold.min if threshold else None
    return whisker(said, metric.mean, metric.low, metric.high, stands, mark, paired.before if paired else None)


def _legend(compared: bool) -> str:
    ring = (
        '<span><svg height="14"><circle class="before" cx="50%" cy="7" r="5"/></svg>baseline</span>' if compared else ""
    )
    return (
        '<p class="legend" aria-hidden="true"><span><svg height="14"><line class="reach" x1="5" x2="30" y1="7" y2="7"/>'
        '<circle class="dot" cx="50%" cy="7" r="5"/></svg>measured, and how far off chance may have it</span>'
        '<span><svg height="14"><rect class="limit" x="48%" width="3" height="14"/></svg>demanded: '
        f"the whole line must be right of it</span>{ring}</p>"
    )


def _measures(run: Run) -> str:
    found = outcomes(run)
    cards = []
    for name in MEASURES:
        metric = run.metrics.get(name)
        if metric is None or metric.p50 is None or metric.p95 is None:
            continue
        values = [case.measures[name] for case in run.cases if name in case.measures]
        threshold = run.thresholds.get(name)
        told = (
            f"Half of the answers stay within {amount(name, metric.p50)}, 19 of 20 within {amount(name, metric.p95)}."
        )
        told += _before(run, name)
        if demand := _demand(run, name):
            told += f" Demanded: {demand}."
        limit = [("limit", threshold.p95)] if threshold and threshold.p95 is not None else []
        chart = f'<p class="soft">Every answer: {amount(name, values[0])}.{escape(_before(run, name))}</p>'
        if min(values) < max(values):
            drawn, most = histogram(f"{title(name)}: {told}", values, [("median", metric.p50), *limit])
            marks = f"upright: half of the answers{', and what is demanded' * bool(limit)}"
            end = f"{amount(name, most)}{' and more' * (max(values) > most)}"
            scale = "".join(f"<span>{escape(each)}</span>" for each in ("0", marks, end))
            chart = f'<p>{escape(told)}</p>{drawn}<div class="scale">{scale}</div>'
        cards.append(f'<div class="card"><h3>{escape(title(name))} {tag(found.get(name, ""))}</h3>{chart}</div>')
    aside = f'<p class="soft">{escape(apart(run))}</p>' if apart(run) else ""
    return f'<h2>Time and cost</h2>\n<div class="pair">{"".join(cards)}</div>{aside}' if cards else ""


def _before(run: Run, name: str) -> str:
    """What the measure came to on average in the baseline, and how much it changed since, in a sentence."""
    if run.against is None or (each := run.against.measures.get(name)) is None:
        return ""
    then, now = amount(name, each.before), amount(name, each.after)
    return f" On average {now}, in the baseline {then} ({more(name, each)})."


def _on(run: Run) -> str:
    def every(values: list[str]) -> str:
        return ", ".join(f"<code>{escape(flat(value))}</code>" for value in sorted(set(values) - {""})) or "none"

    facts = {
        "Models": every([case.model for case in run.cases]),
        "Prompts": every([case.prompt for case in run.cases]),
        "Cases": f"<code>{escape(run.dataset)}</code>: {run.asked} reviewed, each asked {run.repeat} time"
        f"{'s' * (run.repeat != 1)}; {len(run.unreviewed)} wait for review and do not count",
        "Run": f"<code>{escape(run.id)}</code>, {run.seconds:.1f} s"
        + "; recorded answers were replayed" * (run.calls == "replayed")
        + f"; {run.resumed} answers were taken over from a run that was cut off" * bool(run.resumed),
    }
    if run.against:
        facts["Baseline"] = f"<code>{escape(run.against.baseline)}</code>; changed since: {every(run.against.changed)}"
        if run.against.left_out:
            facts["Not compared"] = f"{len(run.against.left_out)} cases that are new, gone or rewritten since"
    facts |= {f"Digest of {part}": f"<code>{escape(digest)}</code>" for part, digest in run.digests.items()}
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts.items())
    return (
        f'<h2>What it was measured on</h2>\n<div class="card"><dl>{listed}</dl></div>\n<p class="soft">Questions are a '
        "sample of all that will be asked: with other questions a share may come out anywhere on its line (95&nbsp;% "
        "interval). A demand is met only where the whole line meets it; where only the dot does, more "
        "cases are needed.</p>"
    )
