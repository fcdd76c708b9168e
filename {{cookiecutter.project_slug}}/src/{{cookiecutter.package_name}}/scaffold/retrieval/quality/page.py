"""A report as one HTML page: no script, nothing from elsewhere, charts as inline SVG with their numbers beside them."""

from __future__ import annotations

from html import escape

from ...page import document, table, verdict
from .kinds import KINDS, KindName
from .report import Excess, Finding, Freshness, Report, SourceReport, first_to_mend, judge
from .settings import DataRequired

SHOWN = 200
"""Documents listed of each kind; ``--json`` lists all."""


def page(report: Report, required: DataRequired, stage: str) -> str:
    """The page, for people who decide rather than operate: score, defects against limits, what to mend first."""
    exceeded = judge(report, required)
    sections = [
        _verdict(report, exceeded, stage),
        _sources(report),
        *(_defects(source, required, exceeded) for source in report.sources),
        _first(report, exceeded),
        _how(report),
    ]
    return document("Data check", sections)


def _verdict(report: Report, exceeded: list[Excess], stage: str) -> str:
    stands = "bad" if exceeded else "good"
    said = f"Not good enough for the stage “{stage}” yet." if exceeded else f"Good enough for the stage “{stage}”."
    return (
        f'<h1>Data check</h1>\n<p class="soft">{report.documents} documents in {len(report.sources)} '
        f"source{'s' * (len(report.sources) != 1)}, checked {report.checked_at:%Y-%m-%d %H:%M} UTC</p>\n"
        + verdict(stands, said, map(str, exceeded))
    )


def _sources(report: Report) -> str:
    fresh = any(source.freshness for source in report.sources)
    rows = []
    for source in report.sources:
        chart = _bar(source.score / 100, f"Score of {source.origin}: {source.score:g} of 100", "good")
        last = f"<td>{_freshness(source.freshness)}</td>" if fresh else ""
        rows.append(
            f'<tr><th scope="row">{escape(source.origin)}</th><td class="number">{source.documents}</td>'
            f'<td class="number"><span class="score">{source.score:g}</span> of 100</td>'
            f'<td class="chart">{chart}</td>{last}</tr>'
        )
    heads = ["Source", "Documents", "Score", "", *(["Freshness"] if fresh else [])]
    return f'<h2>Sources</h2>\n<div class="card scroll">{table(heads, rows)}</div>'


def _freshness(freshness: Freshness | None) -> str:
    if freshness is None:
        return "not measured"
    oldest, objective = freshness.oldest_hours, freshness.objective_hours
    late = oldest is None or oldest > objective
    behind = "nobody knows how far behind" if oldest is None else f"{oldest:.1f} h behind"
    said = f"{behind}, at most {objective:g} h wanted ({escape(freshness.reason)})"
    return f'<span class="tag bad">late</span> {said}' if late else said


def _defects(source: SourceReport, required: DataRequired, exceeded: list[Excess]) -> str:
    over = {excess.kind for excess in exceeded if excess.origin == source.origin}
    rows = []
    for kind, count in source.kinds.items():
        share, limit, title = count / source.documents, required.limit(kind), KINDS[kind].title
        said = f"{title}: {count} of {source.documents} documents, {share:.1%}; at most {limit:.1%}"
        rows.append(
            f'<tr><th scope="row">{escape(title)}</th>'
            f'<td class="chart">{_bar(share, said, "bad" if kind in over else "", limit)}</td>'
            f'<td class="number">{count}</td><td class="number{" over" * (kind in over)}">{share:.1%}</td>'
            f'<td class="number">{limit:.1%}</td></tr>'
        )
    heads = ["Defect", "Share of the documents", "Documents", "Share", "At most"]
    clean = ", ".join(KINDS[kind].title.lower() for kind in KINDS if kind not in source.kinds)
    chart = f'{table(heads, rows)}<p class="soft">The upright mark is the limit.</p>' if rows else ""
    absent = f'<p class="soft">Looked for, and not found: {escape(clean)}.</p>' if clean else ""
    return f'<h2>Defects in {escape(source.origin)}</h2>\n<div class="card scroll">{chart}{absent}</div>'


def _first(report: Report, exceeded: list[Excess]) -> str:
    over = {excess.kind for excess in exceeded}
    items = [_kind(kind, findings, kind in over) for kind, findings in first_to_mend(report, exceeded)]
    listed = f'<ol class="first">{"".join(items)}</ol>' if items else "<p>Nothing was found.</p>"
    return f"<h2>What to mend first</h2>\n{listed}"


def _kind(kind: KindName, findings: list[Finding], over: bool) -> str:
    about = KINDS[kind]
    lines = []
    for finding in findings[:SHOWN]:
        own = f" {escape(finding.mend)}" if finding.mend != about.mend else ""
        lines.append(f"<li>{_named(finding)}{own}</li>")
    more = f"<li>… and {len(findings) - SHOWN} more: data check --json</li>" if len(findings) > SHOWN else ""
    count = f"{len(findings)} document{'s' * (len(findings) != 1)}"
    tag = '<span class="tag bad">above the limit</span>' if over else ""
    return (
        f'<li class="card"><h3>{escape(about.title)}<span class="tag">{count}</span>{tag}</h3>'
        f'<p class="soft">{escape(about.why)}</p><p>{escape(about.mend)}</p>'
        f"<details{' open' * (len(findings) <= 5)}><summary>Which</summary><ul>{''.join(lines)}{more}</ul></details>"
        "</li>"
    )


def _named(finding: Finding) -> str:
    rest = finding.reason.removeprefix(finding.source)
    return f"<code>{escape(finding.source)}</code>{escape(rest)}"


def _how(report: Report) -> str:
    parts = ", ".join(f"{part} <code>{digest[:12]}</code>" for part, digest in report.digests.items())
    return (
        "<h2>How it is counted</h2>\n"
        "<p>The score of a source is 100 where no document has a defect. Each document takes away its share once, by "
        "the gravest defect that it has: all of it where it gives wrong answers, none, or the right ones to the wrong "
        "people; half or a quarter of it where answers get worse. Limits are those of "
        "<code>governance/stages.yaml</code>; what counts as a defect is in <code>config/quality.yaml</code>.</p>\n"
        f'<p class="soft">Measured on: {parts}.</p>'
    )


def _bar(share: float, said: str, style: str, limit: float | None = None) -> str:
    """A bar of ``share`` of the width, with a mark at ``limit``; ``said`` is what a screen reader says."""
    mark = f'<rect class="limit" x="{min(99.5, 100 * limit):.2f}" width=".5" height="10"/>' if limit is not None else ""
    return (
        f'<svg viewBox="0 0 100 10" height="14" preserveAspectRatio="none" role="img" aria-label="{escape(said)}">'
        f'<rect class="track" y="1" width="100" height="8"/>'
        f'<rect class="bar {style}" y="1" width="{100 * min(1.0, share):.2f}" height="8"/>{mark}</svg>'
    )
