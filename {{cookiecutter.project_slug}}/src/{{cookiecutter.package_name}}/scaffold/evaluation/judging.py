"""A model as judge: whether an answer is right and rests on its passages, by the rubric of a prompt file.

L. Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena" (2023). A judge errs, and prefers some
answers for the wrong reasons: before it may decide anything, ``evaluation.agreement`` holds it against people.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..application import Application
from ..errors import ConfigurationError, EvidenceError, ScaffoldError
from ..guardrails import fence
from ..models.access import OFFLINE_INSTEAD
from ..prompts import Prompt
from .dataset import Case
from .graders import Observation, Score
from .store import write_atomically
from .suite import JUDGED, JudgedBy, SuiteFile, located

PROMPT = "judge"
"""The rubric: ``config/prompts/judge.LOCALE.yaml``."""
WORTH = {"correct": 1.0, "partly": 0.5, "wrong": 0.0}


class Judgement(BaseModel):
    """What a judge says, and what a person says of the same answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verdict: Literal["correct", "partly", "wrong"] = Field(description="Against the reference answer.")
    grounded: bool = Field(description="Whether the passages say everything that the answer says.")
    reason: str = ""


@dataclass(frozen=True)
class Quoted:
    """A text that the judge reads, fenced: it is no instruction to it."""

    text: str
    source: str
    title: str = ""
    updated: str | None = None


@dataclass(frozen=True)
class Submitted:
    """What is judged."""

    question: str
    reference: str
    answer: str
    passages: Sequence[str]


class Judge:
    """The role of ``config/models.yaml`` that judges. What it said of the same thing before is not asked again."""

    def __init__(self, application: Application, role: str) -> None:
        """Raises ``ConfigurationError`` where there is no such role, it cannot be used, or it is the offline model."""
        self._application = application
        models = application.models
        if role not in models.roles:
            raise ConfigurationError(
                f"The suite is judged by the role {role!r}, which config/models.yaml does not have; add it "
                "under roles, best with a model of another vendor than the answers', or take judge out of the suite."
            )
        if why := models.unusable(role):
            instead = why.replace(OFFLINE_INSTEAD, "or take judge out of the suite: the offline model cannot judge.")
            raise ConfigurationError(f"The judge cannot be asked: {instead}")
        if models.describe(role).provider == "offline":
            raise ConfigurationError(
                f"The role {role!r} is the offline model, which cannot judge; name a language model for it in "
                "config/models.yaml, or take judge out of the suite."
            )
        self.role = role
        self._said = application.settings.var / "evaluation" / "judgements"

    @property
    def digest(self) -> str:
        """Names the judge: its model and its rubric. Another one has to be proven anew."""
        rubric = self._ask(Submitted("", "", "", ())).sha256
        return _sha256([self._application.models.describe(self.role).sha256, rubric])

    async def judge(self, submitted: Submitted, again: int = 0, fresh: bool = False) -> Judgement:
        """Its judgement; ``again`` above 0 is another one of the same, ``fresh`` asks although it is known.

        Raises ``EvidenceError`` where what it says is none.
        """
        prompt = self._ask(submitted)
        key = _sha256([self.digest, *vars(submitted).values(), again])
        path = self._said / f"{key}.json"
        taped = self._application.models.tape is not None  # then each verdict is recorded, or comes from the recording
        try:
            return Judgement.model_validate_json(b"" if taped or fresh else path.read_bytes())
        except (OSError, ValidationError):  # not asked yet, or the file is damaged
            model = self._application.models.get(self.role, prompt.parameters)
        reply = await model.ainvoke(prompt.messages, config={"metadata": prompt.metadata})
        found = re.search(r"\{.*\}", reply.text, re.DOTALL)
        try:
            judgement = Judgement.model_validate_json(found.group() if found else "")
        except ValidationError:
            raise EvidenceError(f"The judge gave no verdict but {reply.text[:200]!r}.") from None
        if not taped:
            write_atomically(path, judgement.model_dump_json().encode())
        return judgement

    async def scores(self, case: Case, observed: Observation) -> dict[str, Score]:
        """``judged_correctness`` and ``judged_groundedness`` of a case that has an answer to give.

        Without an answer, or without a verdict, both are 0: nobody has said that it is good.
        """
        if case.expected.refusal:
            return {}
        answer = observed.answer
        if answer is None or answer.refused:
            why = f"error: {observed.error}" if answer is None else "refused, an answer was expected"
            return dict.fromkeys(JUDGED, Score(score=0, reason=why))
        submitted = Submitted(
            case.question, _reference(case), answer.answer, [citation.passage for citation in answer.citations]
        )
        try:
            said = await self.judge(submitted)
        except ConfigurationError:
            raise
        except ScaffoldError as error:
            return dict.fromkeys(JUDGED, Score(score=0, reason=str(error)))
        values = (WORTH[said.verdict], float(said.grounded))
        return {
            name: Score(score=value, reason="" if value == 1 else said.reason or said.verdict)
            for name, value in zip(JUDGED, values, strict=True)
        }

    def _ask(self, submitted: Submitted) -> Prompt:
        passages = [Quoted(text, f"passage {number}") for number, text in enumerate(submitted.passages, 1)]
        return self._application.prompts.render(
            PROMPT,
            "en",
            question=fence([Quoted(submitted.question, "question")]),
            reference=fence([Quoted(submitted.reference, "reference answer")]),
            answer=fence([Quoted(submitted.answer, "answer to be judged")]),
            passages=fence(passages),
        )


def judge_of(application: Application, suite: SuiteFile) -> Judge | None:
    """The suite's judge; None where it has none."""
    return judge_by(application, suite, suite.judge) if suite.judge else None


def judge_by(application: Application, suite: SuiteFile, by: JudgedBy) -> Judge:
    """The judge that ``suite`` names. Raises ``ConfigurationError`` as ``Judge`` does, with file and line."""
    try:
        return Judge(application, by.role)
    except ConfigurationError as error:
        raise ConfigurationError(f"{located(application.settings, suite, 'judge', 'role')}: {error}") from None


def _reference(case: Case) -> str:
    """What a good answer says, in words."""
    expected = case.expected
    wanted = [item if isinstance(item, str) else " or ".join(item) for item in expected.must_include]
    never = f" It must not say: {', '.join(expected.must_not_include)}." if expected.must_not_include else ""
    return (expected.answer or f"It says: {', '.join(wanted)}.") + never


def _sha256(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
