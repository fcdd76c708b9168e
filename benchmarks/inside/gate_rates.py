"""False alarm and miss rates of the comparison with the baseline. Runs with the Python of a generated project.

Pairs of runs are invented of which the truth is known; the project's own code decides them. A run is red where it does
not pass, for whatever reason; behind the stroke stands the share of which it is said that they lost.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.scaffold.evaluation.simulation import pairs_of_costs, pairs_of_runs, share_missed, share_red

SIZES = (50, 100, 200, 500, 1000)
GOALS = {"no change": 0.05, "5 points lost": 0.8, "as dear as before": 0.05, "20 % dearer": 0.8}
UNCHANGED = ("no change", "as dear as before")


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
    costs(rounds, given.only)
    print("\n* the goal is not met: no change, at most 5 % red; a true loss or rise at n >= 500, 80 % or more.")
    print("changed: cases that end otherwise when asked again, though nothing changed.")
    seconds = time.perf_counter() - start
    print(f"spread: by how much a case costs more or less when asked again (standard deviation). {seconds:.0f} s")


def costs(rounds: int, only: str) -> None:
    """The same of a measure, whose margin is a share of the baseline's mean."""
    print(f"\nCost, in the same slices; margin 0.1, that is 10 % of the baseline's mean, {rounds} rounds a cell\n")
    print(f"{'':<34}{'spread':>7}" + "".join(f"{f'n = {n}':>14}" for n in SIZES))
    scenarios: dict[str, dict[str, Any]] = {
        "as dear as before": {},
        "5 % dearer, half the margin": {"rise": 0.05},
        "10 % dearer, the margin itself": {"rise": 0.1},
        "20 % dearer": {"rise": 0.2},
        "20 % dearer by one case in 20": {"rise": 0.2, "in_few": True},
    }
    for name, truth in ((name, truth) for name, truth in scenarios.items() if only in name):
        for noise in (0.1, 0.3):
            cells = []
            for n in SIZES:
                found = list(pairs_of_costs(rounds, n, noise, **truth))
                red = share_red(found)
                far = "*" if missed_goal(name, n, red) else " "
                cells.append(f"{f'{red:.1%} / {share_missed(found):.1%}':>13}{far}")
            print(f"{name:<34}{noise:>7.0%}" + "".join(cells), flush=True)


def missed_goal(name: str, n: int, red: float) -> bool:
    if name in UNCHANGED:
        return red > GOALS[name]
    return name in GOALS and n >= 500 and red < GOALS[name]


if __name__ == "__main__":
    main()
