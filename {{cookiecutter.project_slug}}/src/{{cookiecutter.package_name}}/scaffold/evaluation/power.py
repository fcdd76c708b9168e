"""How many cases it takes to see a loss, and what loss the cases that are there can show."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from pydantic import Field

from ..config import Strict
from .baseline import Baseline, scores_of
from .record import CaseResult
from .sizes import cases_to_hold, cases_to_see, drop_seen


class Power(Strict):
    """One metric."""

    cases: int = Field(description="Cases that measure it.")
    changed: float = Field(description="Share of the cases that changed: what the test of a loss counts.")
    discordance: float = Field(description="Mean squared change of a case, which the bound of a margin rests on.")
    seen: float = Field(description="The smallest loss that so many cases show with the power that was asked for.")
    to_see: int = Field(description="Cases that show the loss that was asked for.")
    to_hold: int = Field(description="Cases that pass a margin of the same size where nothing got worse.")


def power(
    before: Baseline | None,
    cases: list[CaseResult],
    drop: float,
    power: float = 0.8,
    discordance: float | None = None,
    passing: float = 0.95,
) -> dict[str, Power]:
    """Every metric that ``cases`` have. Either ``before`` or ``discordance`` says how many cases change.

    ``power``: how surely a loss of ``drop`` is seen; ``passing``: how surely what did not get worse passes a margin of
    the same size.
    """
    now = scores_of(cases)
    old = {kept.id: kept.scores for kept in before.cases} if before else {}
    found = {}
    for name in sorted({name for scores in now.values() for name in scores}):
        having = [id_ for id_, scores in now.items() if name in scores]
        changed, squared = _changes(name, old, now) if discordance is None else (discordance, discordance)
        found[name] = Power(
            cases=len(having),
            changed=changed,
            discordance=squared,
            seen=drop_seen(len(having), changed, power),
            to_see=cases_to_see(drop, changed, power),
            to_hold=cases_to_hold(drop, squared, passing),
        )
    return found


def _changes(
    name: str, old: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]
) -> tuple[float, float]:
    """The share of the cases that changed, and their mean squared change."""
    by = [now[id_][name] - old[id_][name] for id_ in now if name in now[id_] and name in old.get(id_, {})]
    return (fmean(each != 0 for each in by), fmean(each**2 for each in by)) if by else (0.0, 0.0)
