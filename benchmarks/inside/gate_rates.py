"""False alarm and miss rates of the comparison with the baseline. Runs with the Python of a generated project.

Pairs of runs are invented of which the truth is known; the project's own code decides them. A run is red where it does
not pass, for whatever reason; behind the stroke stands the share of which it is said that they lost.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.scaffold.evaluation.simulation import pairs_of_runs, share_missed, share_red

SIZES = (50, 100, 200, 500, 1000)
GOALS = {"no change": 0.05, "5 points lost": 0.8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500, help="pairs of runs in each cell (500)")
    parser.add_argument("--only", default="", help="rows whose name holds this, such as lost")
    given = parser.parse_args()
    rounds: int = given.rounds
    start = time.perf_counter()
    scenarios: dict[str, dict[str, Any]] = {
        "no change": {},
        "5 points lost": {"loss": 0.05},
        "20 points in a sixth": {"loss": 0.2 / 6, "in_one_topic": True},
    }
    print(f"Share of runs red / said to have lost; margin 0.05, 14 slices that overlap, {rounds} rounds a cell\n")
    print(f"{'':<22}{'changed':>8}{'asked':>7}" + "".join(f"{f'n = {n}':>14}" for n in SIZES))
    for name, truth in ((name, truth) for name, truth in scenarios.items() if given.only in name):
        for discordance in (0.0, 0.05, 0.1, 0.2):
            for repeat in (1, 3) if discordance else (1,):
                cells = []
                for n in SIZES:
                    found = list(pairs_of_runs(rounds, n, discordance, repeat, **truth))
                    red = share_red(found)
                    far = "*" if missed_goal(name, n, red) else " "
                    cells.append(f"{f'{red:.1%} / {share_missed(found):.1%}':>13}{far}")
                print(f"{name:<22}{discordance:>8.0%}{repeat:>6}×" + "".join(cells), flush=True)
    print("\n* the goal is not met: no change, at most 5 % red; 5 points lost at n = 500 or more, at least 80 % red.")
    seconds = time.perf_counter() - start
    print(f"changed: cases that end otherwise when asked again, though nothing changed. {seconds:.0f} s")


def missed_goal(name: str, n: int, red: float) -> bool:
    if name == "no change":
        return red > GOALS[name]
    return name in GOALS and n >= 500 and red < GOALS[name]


if __name__ == "__main__":
    main()
