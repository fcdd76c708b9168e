"""Two indexes compared on reviewed cases, by what each finds; no model answers.

Both are searched for the same case as the same caller, so that a case is paired with itself. Whether more cases find
less than find more by chance alone is an exact sign test (W. J. Dixon, A. M. Mood, "The statistical sign test", Journal
of the American Statistical Association 41 (1946), 557-566), which is what ``statistics.mcnemar`` computes for pairs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from ..application import Application
from ..config import Strict
from ..errors import EvidenceError
from ..evidence import digest_files
from ..observability import Call, calling
from ..observability.calls import EVALUATION
from ..retrieval.patience import in_time
from ..retrieval.versions import Version
from ..usecase import name_of
from .dataset import Case, load_cases, sample
from .graders import Observation, retrieval_mrr, retrieval_recall
from .margins import pair
from .record import Paired
from .runner import caller_of
from .store import write_atomically
from .suite import SuiteFile

GRADERS = {"recall": retrieval_recall, "mrr": retrieval_mrr}
DECIDES = "recall"
"""A document that is found lower down can still be cited; one that is not found cannot."""

SIGNIFICANCE = 0.05
"""Milder than the canary's, for a refusal costs one look at the cases, and a worse index every question after it."""

LEAST = 5
"""So many cases must be there, or even a loss of all of them would not be significant (1/2 to the fifth is 0.03)."""


class Side(Strict):
    """An index, and what it is made of."""

    index: int
    embedding: str
    label: str


class Comparison(Strict):
    """What the comparison found; a record of its own."""

    id: str
    at: AwareDatetime
    suite: str
    dataset: str = Field(description="SHA-256 of the cases.")
    k: int
    before: Side
    after: Side
    metrics: dict[str, Paired]

    @property
    def worse(self) -> str:
        """Why the new index should not answer, in a sentence; empty where nothing speaks against it."""
        found = self.metrics[DECIDES]
        if found.p > SIGNIFICANCE:
            return ""
        return (
            f"The new index finds less: {DECIDES}@{self.k} is {found.after:.3f} instead of {found.before:.3f} over "
            f"{found.n} cases, worse for {len(found.worse)} and better for {len(found.better)} (p = {found.p:.2g})."
        )

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"Compared on {self.suite}: index {self.before.index} ({self.before.embedding}) with "
        yield f"index {self.after.index} ({self.after.embedding}), {self.metrics[DECIDES].n} cases"
        for name, paired in self.metrics.items():
            yield (
                f"  {name}@{self.k:<3} {paired.before:.3f} → {paired.after:.3f}  ({paired.difference:+.3f}; worse: "
                f"{len(paired.worse)}, better: {len(paired.better)}, p = {paired.p:.2g})"
            )
            if paired.worse:
                yield f"    worse: {', '.join(paired.worse)}"


def compare(application: Application, suite: SuiteFile, before: Version, after: Version) -> Comparison:
    """Search both indexes for the suite's reviewed cases, and write the record below ``var/reindex``.

    Raises ``EvidenceError`` where there are too few cases to tell, and whatever keeps an index from being searched.
    """
    path = application.settings.path(suite.dataset)
    reviewed = sample([case for case in load_cases(path) if case.review.state == "reviewed"], suite.sample)
    cases = [case for case in reviewed if case.expected.sources]
    if len(cases) < LEAST:
        raise EvidenceError(
            f"{path} holds {len(cases)} reviewed cases with expected sources; two indexes are compared on at least "
            f"{LEAST}. Write some."
        )
    old, new = ({case.id: _found(application, suite, case, side) for case in cases} for side in (before, after))
    at = datetime.now(UTC)
    record = Comparison(
        id=f"{at:%Y%m%dT%H%M%SZ}-{after.id}-{secrets.token_hex(3)}",
        at=at,
        suite=suite.name,
        dataset=digest_files(path.parent, [path]),
        k=suite.k,
        before=_side(before),
        after=_side(after),
        metrics={name: pair(_scores(name, cases, old), _scores(name, cases, new)) for name in GRADERS},
    )
    data = (record.model_dump_json(indent=2) + "\n").encode()
    write_atomically(application.settings.var / "reindex" / f"{record.id}.json", data)
    return record


def _found(application: Application, suite: SuiteFile, case: Case, version: Version) -> Observation:
    caller = caller_of(application, suite, case)
    call = Call(caller.id, EVALUATION, tuple(sorted(caller.groups)), name_of(application.usecase))
    with calling(call):
        passages = in_time(lambda: application.index.search(case.question, caller, suite.k, version=version))
    return Observation(None, tuple(passage.source for passage in passages))


def _scores(name: str, cases: list[Case], found: Mapping[str, Observation]) -> dict[str, float]:
    scores = {case.id: GRADERS[name](case, found[case.id]) for case in cases}
    return {case: score.score for case, score in scores.items() if score is not None}


def _side(version: Version) -> Side:
    return Side(index=version.id, embedding=version.embedding, label=version.label)
