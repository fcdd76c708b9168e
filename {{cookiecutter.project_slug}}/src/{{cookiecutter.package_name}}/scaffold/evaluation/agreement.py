"""Whether a judge agrees with people, and whether it looks at what it should not.

Agreement beyond chance: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological
Measurement 20 (1960), 37-46. Position and verbosity bias: L. Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and
Chatbot Arena" (2023), section 3.3.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from statistics import fmean

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError

from ..application import Application
from ..config import Strict
from ..errors import EvidenceError
from ..evidence import digest_files
from ..observability import Call, calling
from ..observability.calls import EVALUATION
from ..usecase import name_of
from .dataset import Line, load_lines
from .judging import WORTH, Judgement, Submitted, judge_by
from .record import Verdict
from .statistics import CONFIDENCE, RESAMPLES, SEED, wilson
from .store import write_atomically
from .suite import JUDGED, JudgedBy, SuiteFile

WHERE = "evals/judges/{}.json"
"""What was found, by suite. It holds no text, and belongs into git."""
LEAST = 30
"""Labels below which nothing is said: kappa of a handful is anything."""


class Label(Line):
    """One line of ``evals/labels/*.jsonl``: an answer, and what a person says of it."""

    question: str = Field(min_length=1)
    reference: str = Field(min_length=1, description="A good answer.")
    passages: list[str] = Field(description="What the answer rests on.")
    answer: str = Field(min_length=1, description="The answer that is judged.")
    verdict: str = Field(
        pattern="^(correct|partly|wrong)$", description="Against the reference: correct, partly, wrong."
    )
    grounded: bool = Field(description="Whether the passages say everything that the answer says.")
    by: str = Field(min_length=1, description="Who says so; a person.")
    on: date

    @property
    def submitted(self) -> Submitted:
        """What a judge gets to see of it."""
        return Submitted(self.question, self.reference, self.answer, tuple(self.passages))


class Changed(Strict):
    """How many judgements something that must not matter changed."""

    of: int = Field(ge=0, description="Judgements that it was tried on.")
    changed: int = Field(ge=0, description="Those of them that it changed.")

    @property
    def most(self) -> float:
        """The one-sided 95 % upper bound of the share that it changes (Wilson): 1 where it was tried on nothing."""
        return wilson(self.changed, self.of, 2 * CONFIDENCE - 1)[1]


class Agreement(Strict):
    """How a judge did on labelled answers."""

    judge: str = Field(description="Digest of model and rubric.")
    labels: str = Field(description="SHA-256 of the file of labels.")
    at: AwareDatetime
    n: int
    without_verdict: int = Field(description="Answers of which the judge said nothing that could be read.")
    kappa: dict[str, float] = Field(description="Cohen's, by what is judged; 1 is full agreement, 0 is chance.")
    low: dict[str, float] = Field(description="One-sided 95 % lower bounds, by bootstrap.")
    lenient: float = Field(description="Mean of the judge's worth less the people's; above 0 it praises too much.")
    order: Changed = Field(
        description="By reversing the passages, where these have an order: two that differ, or more."
    )
    repetition: Changed = Field(description="By asking the same again.")
    length: Changed = Field(description="Of what it found not correct, by padding the answer: now judged better.")


def cohens_kappa(pairs: Sequence[tuple[object, object]]) -> float:
    """Agreement of two raters beyond chance, at most 1.

    Where both only ever use one and the same word, chance explains everything: 0, not 1. Empty raises ``ValueError``.
    """
    if not pairs:
        raise ValueError("nobody rated anything")
    n = len(pairs)
    observed = sum(one == other for one, other in pairs) / n
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(count * others[word] for word, count in ones.items()) / n**2
    return 0.0 if chance == 1 else (observed - chance) / (1 - chance)


def kappa_bound(pairs: Sequence[tuple[object, object]]) -> float:
    """The bootstrap's one-sided 95 % lower bound of kappa."""
    lots = np.random.default_rng(SEED)
    drawn = lots.integers(len(pairs), size=(RESAMPLES, len(pairs)))
    return float(np.quantile([cohens_kappa([pairs[i] for i in some]) for some in drawn], 1 - CONFIDENCE))


async def measure(
    application: Application, suite: SuiteFile, by: JudgedBy, progress: Callable[[int, int], None] | None = None
) -> Agreement:
    """Have the judge look at every labelled answer, in four ways, and write down how it did.

    Raises ``ConfigurationError`` for a judge that cannot be asked and for a mistake in the labels, ``EvidenceError``
    where there are too few of them or too few answers of one kind to tell.
    """
    judge = judge_by(application, suite, by)
    path = application.settings.path(by.labels)
    labels = load_lines(path, Label, "file of labels")
    kinds = Counter(label.verdict for label in labels)
    if len(labels) < LEAST or len(kinds) < 2:
        raise EvidenceError(
            f"{path} holds {len(labels)} labelled answers of {len(kinds)} kinds; at least {LEAST}, good ones and bad "
            "ones, are needed to say anything of a judge."
        )
    ordered = [index for index, label in enumerate(labels) if label.passages != label.passages[::-1]]
    done, gate, total = 0, asyncio.Semaphore(suite.concurrency), 3 * len(labels) + len(ordered)

    async def ask(submitted: Submitted, again: int = 0) -> Judgement | None:
        nonlocal done
        async with gate:
            with calling(Call("judge", EVALUATION, (), name_of(application.usecase))):
                try:
                    return await judge.judge(submitted, again, fresh=True)  # not what it said when it was held last
                except EvidenceError:
                    return None
                finally:
                    done += 1
                    if progress:
                        progress(done, total)

    plain, turned, twice, padded = [
        await asyncio.gather(*asked)
        for asked in (
            [ask(label.submitted) for label in labels],
            [ask(turn(labels[index])) for index in ordered],
            [ask(label.submitted, again=1) for label in labels],
            [ask(replace(label.submitted, answer=pad(label))) for label in labels],
        )
    ]
    pairs: dict[str, list[tuple[object, object]]] = {
        JUDGED[0]: [(label.verdict, said and said.verdict) for label, said in zip(labels, plain, strict=True)],
        JUDGED[1]: [(label.grounded, said and said.grounded) for label, said in zip(labels, plain, strict=True)],
    }
    worths = [(WORTH[label.verdict], said) for label, said in zip(labels, plain, strict=True)]
    longer = [
        WORTH[long.verdict] > WORTH[short.verdict]
        for short, long in zip(plain, padded, strict=True)
        if short and long and short.verdict != "correct"
    ]
    found = Agreement(
        judge=judge.digest,
        labels=digest_files(path.parent, [path]),
        at=datetime.now(UTC),
        n=len(labels),
        without_verdict=sum(said is None for said in plain),
        kappa={name: round(cohens_kappa(each), 4) for name, each in pairs.items()},
        low={name: round(kappa_bound(each), 4) for name, each in pairs.items()},
        lenient=round(fmean((WORTH[said.verdict] if said else 0) - worth for worth, said in worths), 4),
        order=_flipped([plain[index] for index in ordered], turned),
        repetition=_flipped(plain, twice),
        length=Changed(of=len(longer), changed=sum(longer)),
    )
    target = application.settings.path(WHERE.format(suite.name))
    write_atomically(target, (found.model_dump_json(indent=2) + "\n").encode())
    return found


def turn(label: Label) -> Submitted:
    """The same with its passages in reverse order."""
    return replace(label.submitted, passages=tuple(label.passages[::-1]))


def pad(label: Label) -> str:
    """The same answer at twice the length, with nothing more said."""
    return f"{label.answer} In other words, and to be quite clear about it: {label.answer}"


def _flipped(one: Sequence[Judgement | None], other: Sequence[Judgement | None]) -> Changed:
    """Of how many the judgement changed, whatever reason is given for it."""
    said = [[each and (each.verdict, each.grounded) for each in side] for side in (one, other)]
    return Changed(of=len(one), changed=sum(a != b for a, b in zip(*said, strict=True)))


def proven(application: Application, suite: SuiteFile) -> list[Verdict]:
    """Whether the suite's judge may decide: one verdict where a threshold is about what it says, none otherwise."""
    by = suite.judge
    demanded = {name for thresholds in (suite.thresholds, *suite.slices.values()) for name in thresholds}
    if by is None or not demanded & set(JUDGED):
        return []
    reason = doubt(application, suite, by, sorted(demanded & set(JUDGED)))
    if not reason:
        return [Verdict(metric="judge", outcome="passed", reason="judge: it agrees with people.")]
    return [Verdict(metric="judge", outcome="unclear", reason=f"judge: {reason}; run 'eval judge {suite.name}'.")]


def doubt(application: Application, suite: SuiteFile, by: JudgedBy, names: Sequence[str]) -> str:
    """Why what the judge says of ``names`` may not decide; empty where it may."""
    where = WHERE.format(suite.name)
    try:
        found = Agreement.model_validate_json(application.settings.path(where).read_bytes())
    except FileNotFoundError:
        return "nobody has held it against people yet"
    except (OSError, ValidationError):
        return f"{where} cannot be read"
    path = application.settings.path(by.labels)
    if found.judge != judge_by(application, suite, by).digest:
        return "its model or its rubric changed since it was held against people"
    if found.labels != digest_files(path.parent, [path]):
        return "the labels changed since it was held against them"
    bounds = {name: found.low.get(name, -1.0) for name in names}
    if low := [f"kappa of {name} is at least {bound:.2f}" for name, bound in bounds.items() if bound < by.kappa]:
        return f"{' and '.join(low)} only (95 %), {by.kappa:g} is demanded"
    for each, what, whether in (
        (found.order, "labels have two passages or more", "their order matters to it"),
        (found.length, "answers were found poor", "length flatters it"),
    ):
        if each.of < LEAST:
            return f"{each.of} {what}, at least {LEAST} are needed to say whether {whether}: not enough evidence"
    biases = {
        "change with the order of the passages": found.order,
        "change when it is asked again": found.repetition,
        "on poor answers rise when these are padded": found.length,
    }
    if biased := [
        f"{each.changed} of {each.of} verdicts {what}, which may be {each.most:.0%} of all (95 %)"
        for what, each in biases.items()
        if each.most > by.bias
    ]:
        return f"{'; '.join(biased)}; {by.bias:.0%} is allowed"
    return ""
