"""What a run found: the shapes of its record, which is self-contained."""

from __future__ import annotations

from statistics import fmean
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from ..config import Strict
from .dataset import labels
from .graders import RATES, Score, unique
from .relative import Change
from .suite import Threshold


class Shown(Strict):
    """A passage that the answer cites."""

    source: str
    title: str
    passage: str


class CaseResult(Strict):
    """One case, asked once: what was asked, expected and got."""

    id: str
    attempt: int = Field(default=1, description="Which time it was asked, from 1.")
    sha256: str = Field(description="Digest of what was asked and expected.")
    question: str
    caller: str
    locale: str
    tags: list[str]
    pair: str = ""
    expected: str = Field(description="The expected answer, or what it had to hold, with its fields; or 'a refusal'.")
    answer: str = Field(description="What was answered; empty after an error.")
    fields: dict[str, JsonValue] = Field(default={}, description="What was extracted or classified.")
    refused: bool
    error: str = Field(description="Why there is no answer; empty where there is one.")
    citations: list[Shown]
    retrieved: list[str]
    scores: dict[str, Score] = Field(description="By grader; graders that do not apply are left out.")
    measures: dict[str, float] = Field(description="By name, in the units of graders.MEASURES; unknown ones left out.")
    unpriced: list[str] = Field(default=[], description="Models asked that have no price: why the cost is unknown.")
    model: str
    prompt: str
    trace_id: str

    @property
    def cited(self) -> list[str]:
        """Sources of the citations, each once, in order."""
        return unique(each.source for each in self.citations)

    @property
    def passed(self) -> bool:
        """Whether every grader that says yes or no said yes."""
        return all(self.scores[name].score == 1 for name in RATES if name in self.scores)

    @property
    def labels(self) -> set[str]:
        """The slices that it belongs to."""
        return labels(self.tags, self.locale, self.caller)


class Metric(Strict):
    """A grader's scores, or a measure, over the ``n`` cases that it applies to, with the 95 % interval of the mean.

    A case that was asked several times counts once, by its mean.
    """

    n: int
    mean: float
    low: float
    high: float
    p50: float | None = Field(default=None, description="Of measures only, over every single answer.")
    p95: float | None = None
    p95_low: float | None = Field(default=None, description="One-sided 95 % bounds of it; None: too few cases for one.")
    p95_high: float | None = None


class Verdict(Strict):
    """What a demand came to."""

    metric: str
    slice: str = Field(default="", description="Tag or locale; empty for all cases.")
    outcome: Literal["passed", "missed", "unclear"] = Field(
        description="unclear: not enough evidence, which is no pass."
    )
    reason: str
    baseline: str = Field(default="", description="Id of the baseline that a margin was held against; else empty.")

    @property
    def passed(self) -> bool:
        """Whether it is certain enough that the demand is met."""
        return self.outcome == "passed"


class Paired(Strict):
    """One metric of this run and of the baseline, over the cases that both asked."""

    n: int
    before: float
    after: float
    low: float = Field(description="One-sided 95 % bounds of the mean difference, after less before.")
    high: float
    worse: list[str] = Field(description="Ids of the cases that score less than in the baseline.")
    better: list[str]
    p: float = Field(description="How likely chance alone makes so many of the changed cases worse (exact, one-sided).")

    @property
    def difference(self) -> float:
        """Mean of the cases' differences, after less before."""
        return self.after - self.before


class Against(Strict):
    """A run held against the baseline."""

    baseline: str = Field(description="Id of the run that was accepted.")
    accepted_at: AwareDatetime
    left_out: list[str] = Field(description="Ids of cases that only one of them asked, or that were rewritten since.")
    changed: list[str] = Field(description="What differs between both, of evidence.COMPARED.")
    metrics: dict[str, Paired]
    slices: dict[str, dict[str, Paired]]
    measures: dict[str, Change] = Field(default={}, description="Time, cost and tokens, as metrics are scores.")
    measure_slices: dict[str, dict[str, Change]] = Field(default={}, description="The same by slice.")
    incomparable: dict[str, str] = Field(default={}, description="Measures that are not compared, and why not.")


class Run(Strict):
    """One run of a suite."""

    id: str
    suite: str
    dataset: str
    started_at: AwareDatetime
    seconds: float
    k: int
    repeat: int = 1
    calls: Literal["live", "replayed"] = Field(
        default="live", description="Whether models were asked, or answered from a recording made earlier."
    )
    times: str = Field(default="", description="Where and how times were taken; those of two runs alike compare.")
    resumed: int = Field(default=0, description="So many answers were taken over from a run that was cut off.")
    digests: dict[str, str] = Field(description="What was measured: evidence.fingerprint.")
    cases: list[CaseResult] = Field(description="Reviewed cases only.")
    unreviewed: list[str] = Field(description="Ids of cases that wait for a person and were not asked.")
    metrics: dict[str, Metric]
    slices: dict[str, dict[str, Metric]] = Field(description="The same metrics by tag, locale:xx and caller:xx.")
    thresholds: dict[str, Threshold]
    slice_thresholds: dict[str, dict[str, Threshold]] = Field(default={}, description="By slice, as in the suite.")
    verdicts: list[Verdict]
    against: Against | None = Field(default=None, description="None where no baseline was accepted.")

    @property
    def passed(self) -> bool:
        """Whether every threshold is reached."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def score(self) -> float:
        """Share of the answers that passed."""
        return fmean(case.passed for case in self.cases)

    @property
    def asked(self) -> int:
        """How many cases were asked, each once or more."""
        return len({case.id for case in self.cases})
