"""A report for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .kinds import KINDS
from .report import Report, first_to_mend, judge
from .settings import DataRequired

SHOWN = 3
"""Documents shown of each kind; the page and the record hold all."""


def render(report: Report, required: DataRequired, stage: str) -> RenderableType:
    """Each source with its defects against the limits of the stage; what to mend first; then the verdict."""
    exceeded = judge(report, required)
    over = {(excess.origin, excess.kind) for excess in exceeded}
    parts: list[RenderableType] = []
    for source in report.sources:
        title = Text(f"\n{source.origin}", style="bold").append(
            f"  score {source.score:g} of 100, {source.documents} documents", style="not bold"
        )
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("", "defect", "documents", "share", "at most"):
            table.add_column(heading, justify="right" if heading in ("documents", "share", "at most") else "left")
        for kind, count in source.kinds.items():
            red = (source.origin, kind) in over
            cells = (KINDS[kind].title, str(count), f"{count / source.documents:.1%}", f"{required.limit(kind):.1%}")
            table.add_row(Text("✗" if red else "✓", style="red" if red else "green"), *map(Text, cells))
        parts += [title, table if source.kinds else Text("no defect found", style="green")]
    if report.findings:
        parts.append(Text("\nMend first", style="bold"))
    for kind, findings in first_to_mend(report, exceeded):
        parts.append(Text(f"  {KINDS[kind].title}: ", style="bold").append(KINDS[kind].mend, style="not bold"))
        parts += [Text(f"      {each.reason}", style="dim") for each in findings[:SHOWN]]
        if len(findings) > SHOWN:
            parts.append(Text(f"      … and {len(findings) - SHOWN} more", style="dim"))
    return Group(*parts, Text(f"\n{verdict(report, required, stage)}", style="bold red" if exceeded else "bold green"))


def verdict(report: Report, required: DataRequired, stage: str) -> str:
    """One sentence: the score, and what is above its limit."""
    exceeded = judge(report, required)
    found = f"Score {report.score:g} of 100 over {report.documents} documents"
    if not exceeded:
        return f"{found}; within every limit of {stage}."
    return f"{found}; above the limits of {stage}: {'; '.join(map(str, exceeded))}."
