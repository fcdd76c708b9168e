"""The report "at spec since" as one HTML page: no script, nothing from elsewhere, its chart as inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from html import escape

from ..page import document
from .events import ACCEPTED, DRIFT, Event
from .margins import named
from .spec import Breach, Held, Judged, Spec, Week

CLASS = {"at spec": "good", "breach": "bad", "unknown": "some"}
KEPT = {"kept": "good", "lost": "bad", "unclear": "some"}
WIDTH, LEFT, RIGHT = 900, 190, 14


def page(report: Spec) -> str:
    """The page, for people who decide: since when it holds, what broke when, what was different, what users say."""
    sections = [
        _verdict(report),
        _timeline(report),
        _breaches(report.breaches),
        _happened(report),
        _weeks(report.weeks),
        _runs(report),
    ]
    return document("At spec since", sections, STYLE)


STYLE = """
.dot.good, .span.good { fill: var(--good); } .dot.bad, .span.bad { fill: var(--bad); }
.dot.some, .span.some { fill: var(--some); }
.axis { stroke: var(--line); } svg text { fill: var(--soft); font-size: 13px; }
svg.share { width: 5rem; }
th code { white-space: nowrap; }
"""


def headline(report: Spec) -> str:
    """The answer in one sentence."""
    if not report.runs:
        return f"No run of the suite {report.suite!r} is on record since the first release."
    if report.at_spec_since:
        days = (report.at - report.at_spec_since).days
        return f"At spec since {_day(report.at_spec_since)}: {days} days, {_count(report)}."
    newest = report.runs[-1]
    if newest.outcome == "unknown":
        return f"Nobody knows: the record of the newest run, {newest.id}, is gone or was changed."
    return f"Not at spec: {named(list(newest.missed))}."


def _count(report: Spec) -> str:
    runs = sum(run.at >= report.at_spec_since for run in report.runs) if report.at_spec_since else 0
    return f"{runs} run{'s' * (runs != 1)}, none missed a threshold or a margin"


def _verdict(report: Spec) -> str:
    stands = "good" if report.at_spec_since else "bad"
    first = (
        f"First release {_day(report.released)}, by {report.released_by}." if report.released else "Not released yet."
    )
    unknown = sum(run.outcome == "unknown" for run in report.runs)
    gone = (
        f"<li>Runs without a record that proves itself: {unknown} of {len(report.runs)}; they count for nothing.</li>"
    )
    open_ = sum(one.until is None for one in report.breaches)
    said = "".join(
        [
            f"<li>Breaches since: {len(report.breaches)}, of them open: {open_}.</li>",
            f"<li>Canaries that did not pass: {len(report.canaries)}; drift alarms: {_alarms(report.events)}.</li>",
            f"<li>{escape(margins(report))}</li>",
            gone if unknown else "",
        ]
    )
    return (
        f'<h1>How it has held</h1>\n<p class="soft">Suite {escape(report.suite)}, by the thresholds of today, '
        f"{report.at:%Y-%m-%d %H:%M} UTC. {escape(first)}</p>\n"
        f'<div class="verdict {stands}"><strong>{escape(headline(report))}</strong><ul>{said}</ul></div>'
    )


def margins(report: Spec) -> str:
    """How many runs kept their margins against the baseline of their day, in a sentence."""
    found = [run.held.outcome for run in report.runs if run.held]
    count = {name: found.count(name) for name in ("kept", "lost", "unclear", "no margin", "no baseline")}
    compared = f"runs that kept them: {count['kept']}, that did not: {count['lost']}, unclear: {count['unclear']}"
    alone = count["no margin"] + count["no baseline"]
    return f"Margins against the baseline of the day: {compared}, held to none: {alone}."


def against(held: Held | None) -> str:
    """What a run came to against the baseline of its day, and which that was; empty where nobody knows."""
    if held is None or held.accepted_at is None:
        return held.outcome if held else ""
    return f"{held.outcome}: {held.baseline}, accepted {_day(held.accepted_at)}"


def _alarms(events: Iterable[Event]) -> int:
    return sum(event.kind == DRIFT and bool(event.details["features"]) for event in events)


def _timeline(report: Spec) -> str:
    """Runs, breaches, canaries and drift on one axis of time."""
    times = (
        [run.at for run in report.runs] + [event.at for event in report.events] + [one.at for one in report.canaries]
    )
    if not times:
        return ""
    start, end = min(times), report.at
    span = max((end - start).total_seconds(), 1)

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - start).total_seconds() / span

    metrics = list(dict.fromkeys(breach.metric for breach in report.breaches))[:12]
    names = ["runs", "canary", "drift", *metrics]
    parts = []
    for place, name in enumerate(names):
        y = 24 * place + 16
        short = name if len(name) < 27 else f"{name[:25]}…"
        parts.append(f'<text x="0" y="{y + 4}">{escape(short)}<title>{escape(name)}</title></text>')
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
    parts += [_dot(x(run.at), 16, CLASS[run.outcome], f"{run.id}: {run.outcome}") for run in report.runs]
    parts += [_dot(x(one.at), 40, "bad", f"{one.id}: did not pass") for one in report.canaries]
    parts += _drift_spans(report, x)
    for breach in report.breaches:
        if breach.metric in metrics:
            y = 24 * (metrics.index(breach.metric) + 3) + 16
            parts.append(_span(x(breach.since), x(breach.until or end), y, "bad", breach.reason))
    height = 24 * len(names) + 24
    parts.append(f'<text x="{LEFT}" y="{height - 4}">{_day(start)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{height - 4}" text-anchor="end">{_day(end)}</text>')
    label = (
        f"{len(report.runs)} runs and what happened between {_day(start)} and {_day(end)}; the tables below tell all."
    )
    chart = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    return (
        f'<h2>Since the first release</h2>\n<div class="card">{chart}<p class="soft">Green: at spec. Red: a breach, an '
        "alarm. Yellow: a run whose record is gone, or a period of answers that was accepted.</p></div>"
    )


def _drift_spans(report: Spec, x: Callable[[datetime], float]) -> list[str]:
    parts: list[str] = []
    begun, named = None, ""
    for event in report.events:
        if event.kind == ACCEPTED:
            parts.append(_dot(x(event.at), 64, "some", f"{event.details['answers']} answers accepted"))
        if event.kind == DRIFT:
            if begun is not None:
                parts.append(_span(x(begun), x(event.at), 64, "bad", named))
            begun, named = (event.at if event.details["features"] else None), ", ".join(event.details["features"])
    if begun is not None:
        parts.append(_span(x(begun), x(report.at), 64, "bad", named))
    return parts


def _breaches(found: list[Breach]) -> str:
    if not found:
        return '<h2>Breaches</h2>\n<div class="card">None.</div>'
    rows = "".join(
        f'<tr><th scope="row">{escape(one.metric)}</th><td class="number">{_minute(one.since)}</td>'
        f'<td class="number">{_minute(one.until) if one.until else "open"}</td><td class="number">{one.runs}</td>'
        f"<td>{escape(one.reason)}</td></tr>"
        for one in reversed(found)
    )
    return "<h2>Breaches</h2>\n" + _table(["Metric", "Since (UTC)", "Until", "Runs", "Why, in the first"], rows)


def _happened(report: Spec) -> str:
    told = [(one.at, one.kind, _details(one)) for one in report.events]
    told += [(one.at, "canary", f"{one.id} did not pass") for one in report.canaries]
    rows = "".join(
        f'<tr><th scope="row">{_minute(at)}</th><td>{escape(kind)}</td><td>{escape(said)}</td></tr>'
        for at, kind, said in sorted(told, reverse=True)
    )
    return "<h2>What else happened</h2>\n" + _table(["When (UTC)", "What", ""], rows) if rows else ""


def _details(event: Event) -> str:
    if event.kind == DRIFT:
        return f"drifting: {', '.join(event.details['features'])}" if event.details["features"] else "over"
    return ", ".join(f"{name}: {value}" for name, value in event.details.items())


def _weeks(found: list[Week]) -> str:
    if not found:
        return '<h2>What users met</h2>\n<div class="card">No answer is on record yet.</div>'
    rows = "".join(
        f'<tr><th scope="row">{week.begins}</th><td class="number">{week.answers}</td>'
        f"{_share(week.refused, week.answers)}{_share(week.errors, week.answers)}"
        f'<td class="number">{week.feedback}</td>{_share(week.complaints, week.feedback)}</tr>'
        for week in reversed(found)
    )
    heads = ["Week of", "Questions", "Refused", "Errors", "Feedback", "Complaints"]
    return "<h2>What users met</h2>\n" + _table(heads, rows)


def _share(part: int, whole: int) -> str:
    if not whole:
        return '<td class="number soft">–</td>'
    share = part / whole
    bar = '<svg class="share" viewBox="0 0 100 8" aria-hidden="true">'
    bar += '<rect class="track" width="100" height="8" rx="2"/>'
    bar += f'<rect class="bar" width="{100 * share:.1f}" height="8" rx="2"/></svg>'
    return f'<td class="number">{share:.1%}{bar}</td>'


def _runs(report: Spec) -> str:
    rows = "".join(_run(run) for run in reversed(report.runs))
    heads = ["Run", "When (UTC)", "Outcome", "Baseline of the day", "Changed since the one before", "Why"]
    return "<h2>Every run</h2>\n" + _table(heads, rows)


def _run(run: Judged) -> str:
    kept = KEPT.get(run.held.outcome, "") if run.held else ""
    told = f'<span class="tag {kept}">{run.held.outcome}</span>' if run.held else ""
    if run.held and run.held.accepted_at:
        told += f" <code>{escape(run.held.baseline)}</code>, accepted {_day(run.held.accepted_at)}"
    reasons = "<br>".join(escape(reason) for reason in run.missed.values())
    return (
        f'<tr><th scope="row"><code>{escape(run.id)}</code></th><td class="number">{_minute(run.at)}</td>'
        f'<td><span class="tag {CLASS[run.outcome]}">{run.outcome}</span></td><td>{told}</td>'
        f"<td>{', '.join(run.changed)}</td>"
        f"<td>{reasons}</td></tr>"
    )


def _table(heads: list[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    return f'<div class="card scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _dot(x: float, y: float, kind: str, title: str) -> str:
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y}" r="5"><title>{escape(title)}</title></circle>'


def _span(start: float, end: float, y: float, kind: str, title: str) -> str:
    width = max(end - start, 3)
    return (
        f'<rect class="span {kind}" x="{start:.1f}" y="{y - 5}" width="{width:.1f}" height="10" rx="3">'
        f"<title>{escape(title)}</title></rect>"
    )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
