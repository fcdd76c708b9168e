"""Whether what the answer says stands in what it cites."""

from __future__ import annotations

from ...guardrails.grounding import claims_of, supported
from ..dataset import Case
from .observed import Observation, Score, unanswered


def groundedness(case: Case, observed: Observation) -> Score | None:
    """Share of the answer's claims that their own citations support; the reason quotes those that they do not.

    A claim is a sentence, or the part of one up to its citations. One without a citation of its own is held against
    all passages that the answer cites. The comparison is lexical: ``guardrails.grounding`` says what it cannot see. The
    share of supported claims is the faithfulness of S. Es et al., "RAGAS: Automated Evaluation of Retrieval Augmented
    Generation" (2024), whose claims a model finds and judges.
    """
    if observed.answer is None:
        return unanswered(observed) if case.expected.sources else None
    nobody_cites = not (case.expected.sources or case.expected.refusal or observed.answer.citations)
    if observed.answer.refused or nobody_cites:
        return None
    by_number = {citation.number: citation.passage for citation in observed.answer.citations}
    judged = [
        (claim, held)
        for claim, numbers in claims_of(observed.answer.answer)
        for passages in [[by_number[n] for n in numbers if n in by_number] if numbers else list(by_number.values())]
        if (held := supported(claim, passages)) is not None
    ]
    if not judged:
        return Score(score=0, reason="nothing is claimed")
    loose = [claim for claim, held in judged if not held]
    quoted = ", ".join(f"“{' '.join(claim.split())}”" for claim in loose)
    return Score(score=1 - len(loose) / len(judged), reason=f"not in what it cites: {quoted}" if loose else "")
