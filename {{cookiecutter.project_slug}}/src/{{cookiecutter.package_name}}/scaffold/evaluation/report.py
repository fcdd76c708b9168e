"""A run for people: on the terminal, and as Markdown for a pull request."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .record import CaseResult, Metric, Run, Verdict
from .suite import Threshold

SHOWN = 10
"""Failing cases shown for each missed threshold; the record holds all."""


def render(run: Run) -> RenderableType:
    """Metrics against their thresholds; for each one missed, the cases that pull it down; then the verdict."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "metric", "mean", "95 %", "cases", "demanded"):
        table.add_column(heading, style="dim" if heading in ("95 %", "cases") else "")
    for mark, *cells in _rows(run):
        table.add_row(
            Text(mark, style={"✓": "green", "✗": "red", "?": "yellow"}.get(mark, "dim")),
            *(Text(cell) for cell in cells),
        )
    parts: list[RenderableType] = [table]
    for verdict in _missed(run):
        failing = failing_cases(run, verdict)
        mark = "✗" if verdict.outcome == "missed" else "?"
        parts.append(Text(f"\n{mark} {verdict.reason}", style="bold red"))
        for case in failing[:SHOWN]:
            parts.append(Text(f"  {case.id}", style="bold").append(f"  {case.question}", style="not bold"))
            parts.append(Text(f"      expected  {case.expected}\n      got       {got(case)}\n", style="dim", end=""))
            parts.append(Text(f"      because   {case.scores[verdict.metric].reason}", style="yellow"))
        if len(failing) > SHOWN:
            parts.append(Text(f"  … and {len(failing) - SHOWN} more in evals/runs/{run.id}.json", style="dim"))
    parts.append(Text("\n" + summary(run), style="bold green" if run.passed else "bold red"))
    return Group(*parts)


def markdown(run: Run) -> str:
    """The same as Markdown, self-contained."""
    lines = [f"### Evaluation `{run.suite}`: {'passed' if run.passed else 'failed'}", "", summary(run), ""]
    lines += ["| | metric | mean | 95 % | cases | demanded |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in _rows(run)]
    for verdict in _missed(run):
        lines += ["", f"**{_cell(verdict.reason)}**", ""]
        lines += ["| case | question | expected | got | because |", "|---|---|---|---|---|"]
        for case in failing_cases(run, verdict)[:SHOWN]:
            cells = (case.id, case.question, case.expected, got(case), case.scores[verdict.metric].reason)
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    lines += ["", "<details><summary>Measured on</summary>", ""]
    lines += [f"- {part}: `{digest}`" for part, digest in run.digests.items()]
    return "\n".join([*lines, "", "</details>", ""])


def summary(run: Run) -> str:
    """One sentence: how many cases passed, failed, ended in an error or wait for review."""
    passed = sum(case.passed for case in run.cases)
    errors = sum(bool(case.error) for case in run.cases)
    parts = [f"{passed} of {len(run.cases)} cases passed"]
    if errors:
        parts.append(f"{errors} ended in an error")
    if run.calls == "replayed":
        parts.append("recorded answers were replayed")
    if run.unreviewed:
        parts.append(f"{len(run.unreviewed)} wait for review and were not asked")
    said = {"missed": "below the threshold", "unclear": "not enough evidence"}
    for outcome, words in said.items():
        if names := list(dict.fromkeys(each.metric for each in run.verdicts if each.outcome == outcome)):
            parts.append(f"{words}: {', '.join(names)}")
    verdict = [] if _missed(run) else ["every threshold is reached"]
    return f"{'; '.join([*parts, *verdict])} ({run.id}, {run.seconds:.1f} s)."


def failing_cases(run: Run, verdict: Verdict) -> list[CaseResult]:
    """Cases that score below 1 on the verdict's metric, in its slice, worst first."""
    name, label = verdict.metric, verdict.slice
    failing = [
        case
        for case in run.cases
        if name in case.scores and case.scores[name].score < 1 and (not label or label in case.labels)
    ]
    return sorted(failing, key=lambda case: case.scores[name].score)


def got(case: CaseResult) -> str:
    """What came back, in a line."""
    if case.error:
        return f"error: {case.error}"
    text = " ".join(case.answer.split())
    return f"refused: {text}" if case.refused else text


def _missed(run: Run) -> list[Verdict]:
    return [verdict for verdict in run.verdicts if not verdict.passed]


def _rows(run: Run) -> list[tuple[str, ...]]:
    marks = {"passed": "✓", "missed": "✗", "unclear": "?"}
    worst = {verdict.metric: verdict.outcome for verdict in sorted(run.verdicts, key=lambda each: not each.passed)}
    rows: list[tuple[str, ...]] = []
    for name in [*run.thresholds, *(name for name in run.metrics if name not in run.thresholds)]:
        metric, threshold = run.metrics.get(name), run.thresholds.get(name)
        mark = marks[worst[name]] if name in worst else "·"
        rows.append((mark, name, *_numbers(metric), _demanded(threshold) if threshold else ""))
    return rows


def _demanded(threshold: Threshold) -> str:
    parts = [f"≥ {threshold.min:g}"] if threshold.min is not None else []
    parts += [f"≤ {threshold.max:g}"] if threshold.max is not None else []
    parts += [f"p95 ≤ {threshold.p95:g}"] if threshold.p95 is not None else []
    parts += [f"baseline - {threshold.margin:g}"] if threshold.margin is not None else []
    return ", ".join(parts)


def _numbers(metric: Metric | None) -> tuple[str, str, str]:
    if metric is None:
        return "–", "", "0"
    return f"{metric.mean:.3f}", f"{metric.low:.3f}–{metric.high:.3f}", str(metric.n)


def _cell(text: str) -> str:
    """``text`` as it is, on one line, inside a Markdown table."""
    flat = " ".join(text.split())
    for character in "\\`*_|<>[]&":
        flat = flat.replace(character, f"\\{character}")
    return flat
