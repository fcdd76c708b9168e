"""Questions answered from documents: search, prompt, model, check. Change it as your use case needs."""

from __future__ import annotations

import asyncio
import re

from langchain_core.messages import AIMessage

from ..scaffold.application import Parts
from ..scaffold.governance.principal import Principal
from ..scaffold.guardrails import fence, support
from ..scaffold.models import ANSWERED_BY
from ..scaffold.observability import trace_id
from ..scaffold.retrieval import Excerpt, Packed, pack
from ..scaffold.usecase import Answer, Citation, Usage

NO_ANSWER = "NO_ANSWER"
"""What the prompt tells a model to write where the passages hold no answer."""
MIN_SUPPORT = 0.6
"""Least share of an answer's sentences that its citations must support; below it the answer is refused."""
REFUSALS = {
    "en": "I found no answer to that in the documents that you may see.",
    "de": "In den Dokumenten, die Sie sehen dürfen, habe ich darauf keine Antwort gefunden.",
}


class KnowledgeAssistant:
    """Answers with citations from what the caller may see, or says that it cannot."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def ask(self, question: str, caller: Principal) -> Answer:
        """Search, ask the model, and release only what its citations support."""
        passages = await asyncio.to_thread(self.parts.index.search, question, caller)
        packed = pack(passages, self.parts.index.context_tokens)
        fenced = fence(packed.passages, packed.notes)
        prompt = self.parts.prompts.render("answer", caller.locale, question=question, passages=fenced)
        if not passages:
            return self._refusal(caller, "none", prompt.label, Usage())
        model = self.parts.models.get(prompt.role, prompt.parameters)
        reply = await model.ainvoke(prompt.messages, config={"metadata": prompt.metadata})
        text, usage = reply.text.strip(), _usage(reply)
        label = reply.response_metadata.get(ANSWERED_BY, "unknown")
        citations = _citations(text, packed.excerpts)
        supported = support(text, [citation.passage for citation in citations])
        if text == NO_ANSWER or supported < MIN_SUPPORT or not await self._still_visible(packed, caller):
            return self._refusal(caller, label, prompt.label, usage)
        return Answer(
            answer=text,
            citations=citations,
            confidence=round(supported * max(packed.passages[c.number - 1].lexical for c in citations), 3),
            model=label,
            prompt=prompt.label,
            usage=usage,
            trace_id=trace_id(),
        )

    async def _still_visible(self, packed: Packed, caller: Principal) -> bool:
        """Whether the caller may still see all that the model has read; a right may have been revoked meanwhile."""
        ids = [name for excerpt in packed.excerpts for name in excerpt.ids]
        return len(await asyncio.to_thread(self.parts.index.visible, ids, caller)) == len(ids)

    def _refusal(self, caller: Principal, model: str, prompt: str, usage: Usage) -> Answer:
        text = REFUSALS.get(caller.locale, REFUSALS["en"])
        return Answer(
            answer=text, confidence=0, refused=True, model=model, prompt=prompt, usage=usage, trace_id=trace_id()
        )


def _citations(answer: str, excerpts: list[Excerpt]) -> list[Citation]:
    """The excerpts that the answer's [n] name, each once, in the order of their numbers."""
    numbers = sorted({int(found) for found in re.findall(r"\[(\d{1,3})\]", answer)})
    return [
        Citation(
            number=number,
            source=excerpt.passage.source,
            title=excerpt.passage.title,
            passage=excerpt.passage.text,
            score=excerpt.passage.score,
            updated=excerpt.passage.updated,
            sha256=excerpt.passage.sha256,
            ids=list(excerpt.ids),
        )
        for number in numbers
        if 1 <= number <= len(excerpts)
        for excerpt in [excerpts[number - 1]]
    ]


def _usage(reply: AIMessage) -> Usage:
    counted = reply.usage_metadata
    return Usage(input_tokens=counted["input_tokens"], output_tokens=counted["output_tokens"]) if counted else Usage()
