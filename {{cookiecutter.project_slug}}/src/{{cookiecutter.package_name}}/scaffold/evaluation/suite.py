"""Suites: which cases are run, how, and what the results must reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated

from pydantic import Field, model_validator

from ..config import File, Settings, load_yaml, locate, nearest, raise_at
from ..errors import UsageError
from .graders import GRADED, MEASURES, WORDS, Grade, custom, read_words, shape_of, shaped, toxicity
from .graders.custom import REFERENCE, guarded


class Threshold(File):
    """What a metric must reach. ``min`` and ``max`` are judged by the 95 % interval's worse end, not by the mean."""

    min: float | None = Field(
        default=None, ge=0, le=1, description="The interval's lower end must reach this; 1 means every single case."
    )
    max: float | None = Field(
        default=None, ge=0, description="The interval's upper end must not exceed this; for latency, cost and tokens."
    )
    p95: float | None = Field(
        default=None,
        ge=0,
        description="19 of 20 answers must not exceed this, with 95 % certainty; for latency, cost and tokens.",
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="So much worse than the accepted baseline it may be, with 95 % certainty: of a score so many "
        "hundredths less, as 0.05 is 5 points; of latency, cost and tokens a share more, as 0.2 is 20 %.",
    )
    cases: int = Field(
        default=1, ge=1, description="Where fewer cases measure it, the outcome is unclear, which is no pass."
    )

    @model_validator(mode="after")
    def _demands_something(self) -> Threshold:
        if all(demand is None for demand in (self.min, self.max, self.p95, self.margin)):
            raise ValueError("a threshold demands something; set min, max, p95 or margin")
        return self


Thresholds = dict[str, Threshold]


JUDGED = ("judged_correctness", "judged_groundedness")
"""What a judge says of an answer, as scores in 0..1."""


class JudgedBy(File):
    """Which model judges the answers, and what it must have shown before a threshold may rest on it."""

    role: str = Field(default="judge", description="Role of config/models.yaml; not the offline model.")
    labels: str = Field(default="evals/labels/answers.jsonl", description="Answers that people have judged.")
    kappa: float = Field(default=0.6, ge=0, le=1, description="Least agreement with them, as Cohen's kappa, with 95 %.")
    bias: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Most verdicts that may depend on order, repetition or length, as a share, with 95 %.",
    )


class SuiteFile(File):
    """``evals/suites/NAME.yaml``."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,29}$", description="The file's name without .yaml.")
    dataset: str = Field(description="Cases, as a path below the project's folder.")
    sample: int | None = Field(
        default=None, ge=1, description="So many of the reviewed cases, the same ones each time; all without it."
    )
    k: int = Field(default=5, ge=1, le=100, description="Passages that retrieval metrics look at.")
    concurrency: int = Field(default=4, ge=1, le=64, description="Questions asked at the same time.")
    timeout: float = Field(
        default=60,
        gt=0,
        description="Seconds that one question may take, and a grader of your own to judge its answer.",
    )
    repeat: int = Field(
        default=1, ge=1, le=100, description="So often each case is asked: a model may answer differently each time."
    )
    graders: dict[str, Annotated[str, Field(pattern=REFERENCE)]] = Field(
        default={}, description="Graders of your own: package.module:function, deepeval:Metric or ragas:Metric."
    )
    shape: str | None = Field(
        default=None,
        pattern=REFERENCE,
        description="What an answer's fields must fit: package.module:Class, a pydantic model.",
    )
    thresholds: Thresholds = Field(min_length=1, description="What each metric must reach.")
    judge: JudgedBy | None = Field(default=None, description="A model that judges every answer; none without it.")
    slices: dict[str, Thresholds] = Field(
        default={}, description="The same for the cases with a tag, or of a locale as in 'locale:de'."
    )

    @model_validator(mode="after")
    def _known(self) -> SuiteFile:
        raise_at(type(self), self._mistakes())
        return self

    def _mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What no field can tell by itself, each with its place."""
        if self.dataset.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", self.dataset):
            yield ("dataset",), f"must be a path below the project's folder, not {self.dataset!r}"
        for name in self.graders:
            if name in (*GRADED, *JUDGED, *MEASURES) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
                yield ("graders", name), "choose a free name of small letters, digits and underscores"
        judged = JUDGED if self.judge else ()
        scores = [*(name for name in GRADED if name != "shape" or self.shape), *self.graders, *judged]
        known = [*scores, *MEASURES]
        asked = {("thresholds",): self.thresholds} | {("slices", label): each for label, each in self.slices.items()}
        for where, thresholds in asked.items():
            for name, threshold in thresholds.items():
                at = (*where, name)
                if name not in known:
                    listed = ", ".join(known)
                    yield at, f"there is no metric {name!r}{nearest(name, known)}; known: {listed}"
                if name in scores and not (threshold.max is None and threshold.p95 is None):
                    yield at, f"more of {name} is better; set min or margin"
                if name in MEASURES and threshold.min is not None:
                    yield at, f"less of {name} is better; set max, p95 or margin"


def located(settings: Settings, suite: SuiteFile, *field: str) -> str:
    """``path:line: field`` of ``suite``: how a message about it begins. One that stands in no file has no line."""
    path = settings.path("evals", "suites", f"{suite.name}.yaml")
    try:
        return locate(path, path.read_text("utf-8"), *field)
    except FileNotFoundError:
        return f"{path}: {'.'.join(field)}"


def graders_of(settings: Settings, suite: SuiteFile) -> dict[str, Grade]:
    """The graders that ``suite`` and the project add. Raises ``ConfigurationError`` where one of them is not there."""
    place = partial(located, settings, suite)
    words = read_words(settings.path(WORDS))
    return {
        **({"toxicity": toxicity(words)} if words else {}),
        **({"shape": guarded(shaped(shape_of(suite.shape, place("shape"))), suite.timeout)} if suite.shape else {}),
        **custom(suite.graders, place, suite.timeout),
    }


def load_suite(settings: Settings, name: str) -> SuiteFile:
    """The suite of that name. Raises ``UsageError`` naming the known ones, ``ConfigurationError`` where it is wrong."""
    folder = settings.path("evals", "suites")
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        listed = ", ".join(known) or "none"
        raise UsageError(f"There is no suite {name!r} in evals/suites{nearest(name, known)}; known: {listed}.")
    suite = load_yaml(folder / f"{name}.yaml", SuiteFile)
    if suite.name != name:
        raise UsageError(f"{folder / name}.yaml calls itself {suite.name!r}; name the file and the suite alike.")
    return suite
