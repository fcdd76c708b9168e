"""How often drift cries wolf, and how often it sees one. Runs with the Python of a generated project.

Answers are drawn from distributions like those of an assistant in use; a month of them is the reference, and each
window is drawn anew, together with a reference of its own. Everything is seeded: the same figures come out again.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from acme_assistant.scaffold.evaluation.statistics import wilson
from acme_assistant.scaffold.observability.drift import Compared, Value, compare
from acme_assistant.scaffold.observability.settings import DriftFile

RULES = DriftFile()
REFERENCE = RULES.reference
WITHOUT = (100, 250, 500, 1000, 2000, 5000)
WITH = (500, 1000, 2000)


@dataclass(frozen=True)
class World:
    """What people ask and get; the defaults are the one that was accepted."""

    french: float = 0
    length: float = 1
    refused: float = 0.05
    latency: float = 1


SHIFTS = {
    "10 % of the questions in a new language": (World(french=0.1), "language"),
    "questions 30 % longer": (World(length=1.3), "question_characters"),
    "refusals from 5 to 10 %": (World(refused=0.1), "outcome"),
    "answers take 1.5 times as long": (World(latency=1.5), "seconds"),
}


def answers(lots: np.random.Generator, n: int, world: World) -> dict[str, list[Value]]:
    """The features of ``n`` answers: lengths, times and costs are skewed, scores lie in 0..1, few people comment."""
    refused = lots.random(n) < world.refused
    failed = lots.random(n) < 0.005
    released = int(n - (refused | failed).sum())
    characters = (lots.lognormal(4.1, 0.5, n) * world.length).round()
    return {
        "question_characters": characters.tolist(),
        "lexical": lots.beta(5, 2, n).tolist(),
        "cosine": lots.beta(6, 5, n).tolist(),
        "answer_characters": lots.lognormal(5.5, 0.6, released).round().tolist(),
        "citations": lots.choice([1, 2, 3, 4], released, p=[0.6, 0.25, 0.1, 0.05]).tolist(),
        "confidence": lots.beta(6, 2, released).round(3).tolist(),
        "seconds": (lots.lognormal(0.6, 0.6, n) * world.latency).tolist(),
        "cost": lots.lognormal(-6, 0.4, n).tolist(),
        "input_tokens": (1400 + characters / 4 + lots.normal(0, 250, n)).round().tolist(),
        "output_tokens": lots.lognormal(4.4, 0.5, n).round().tolist(),
        "language": np.where(
            lots.random(n) < world.french, "fr", lots.choice(["en", "de", "unknown"], n, p=[0.6, 0.3, 0.1])
        ).tolist(),
        "outcome": np.where(failed, "error", np.where(refused, "refused", "answered")).tolist(),
        "locale": lots.choice(["en", "de"], n, p=[0.7, 0.3]).tolist(),
        "model": ["openai/gpt"] * n,
        "prompt": ["answer.en@3"] * n,
        "channel": lots.choice(["api", "cli"], n, p=[0.98, 0.02]).tolist(),
        "feedback": lots.choice(["none", "up", "down"], n, p=[0.94, 0.045, 0.015]).tolist(),
    }


def window(lots: np.random.Generator, n: int, world: World) -> list[Compared]:
    """One comparison, by the rules that a project starts with; the least number of answers aside."""
    before, now = answers(lots, REFERENCE, World()), answers(lots, n, world)
    return compare(before, now, min(n // 2, RULES.least), RULES.false_alarms, RULES.minor, RULES.major)


def usual(found: list[Compared]) -> bool:
    """Whether the rule that is common, PSI above 0.1 whatever the number of answers, would raise an alarm."""
    return any(
        sum((b.now - b.before) * math.log(max(b.now, 1e-4) / max(b.before, 1e-4)) for b in each.bins) > 0.1
        for each in found
    )


def share(hits: int, of: int) -> str:
    """A rate with its 95 % interval."""
    low, high = wilson(hits, of)
    return f"{hits / of:6.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=300, help="Windows a cell.")
    windows = parser.parse_args().windows
    lots = np.random.default_rng(2018)
    print(f"Reference {REFERENCE} answers, {windows} windows a row, 95 % intervals in brackets.\n")
    print("Nothing drifts: windows with an alarm of any feature\n")
    print("| answers | alarm | PSI > 0.1, uncorrected |\n|---:|---|---|")
    for n in WITHOUT:
        ours = theirs = 0
        for _ in range(windows):
            found = window(lots, n, World())
            ours, theirs = ours + any(each.drifts for each in found), theirs + usual(found)
        print(f"| {n} | {share(ours, windows)} | {share(theirs, windows)} |", flush=True)
    print("\nSomething drifts: windows in which its feature is named\n")
    print("| what | feature | answers | named | also named |\n|---|---|---:|---|---|")
    for what, (world, feature) in SHIFTS.items():
        for n in WITH:
            named: Counter[str] = Counter()
            for _ in range(windows):
                named.update(each.feature for each in window(lots, n, world) if each.drifts)
            others = ", ".join(f"{name} {hits}" for name, hits in named.most_common() if name != feature) or "none"
            print(f"| {what} | {feature} | {n} | {share(named[feature], windows)} | {others} |", flush=True)


if __name__ == "__main__":
    main()
