"""Charts as inline SVG. Places are per cent of the width, so that dots stay round; ``said`` is for screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BINS = 24


def whisker(
    said: str,
    mean: float,
    low: float,
    high: float,
    stands: str = "",
    demanded: float | None = None,
    before: float | None = None,
) -> str:
    """A dot at ``mean`` on the line from ``low`` to ``high``, an upright mark and a ring; all in 0..1.

    ``stands`` is good, bad, some or nothing.
    """
    mark = f'<rect class="limit" x="{_x(demanded)}" y="1" width="3" height="22"/>' if demanded is not None else ""
    ring = f'<circle class="before" cx="{_x(before)}" cy="12" r="5"/>' if before is not None else ""
    return (
        f'<svg class="whisker" height="24" role="img" aria-label="{escape(said)}">'
        f'<line class="track" x1="0" x2="100%" y1="12" y2="12"/>{mark}'
        f'<line class="reach {stands}" x1="{_x(low)}" x2="{_x(high)}" y1="12" y2="12"/>{ring}'
        f'<circle class="dot {stands}" cx="{_x(mean)}" cy="12" r="6"/></svg>'
    )


def histogram(said: str, values: Sequence[float], marks: Sequence[tuple[str, float]] = ()) -> tuple[str, float]:
    """How often which of ``values`` came, with an upright mark for each (CSS class, value); and the scale's upper end.

    Values beyond twice the 95th percentile are counted in the last bar, so that one far out does not flatten the rest.
    """
    ordered = sorted(values)
    most = min(ordered[-1], 2 * ordered[int(0.95 * (len(ordered) - 1))]) or ordered[-1] or 1.0
    counts = [0] * BINS
    for value in ordered:
        counts[min(BINS - 1, int(BINS * value / most))] += 1
    width = 100 / BINS
    bars = "".join(
        f'<rect class="bar" x="{place * width:.2f}%" y="{84 - height:.1f}" width="{width * 0.86:.2f}%" '
        f'height="{height:.1f}"/>'
        for place, count in enumerate(counts)
        if count
        for height in [max(2.0, 80 * count / max(counts))]
    )
    lines = "".join(
        f'<rect class="{style}" x="{_x(value / most)}" y="0" width="2" height="84"/>'
        for style, value in marks
        if value <= most
    )
    base = '<rect class="track" x="0" y="84" width="100%" height="2"/>'
    return f'<svg height="86" role="img" aria-label="{escape(said)}">{base}{bars}{lines}</svg>', most


def _x(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"
