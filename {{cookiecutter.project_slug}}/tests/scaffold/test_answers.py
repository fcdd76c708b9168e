"""Every question leaves a row without its text: what feedback is matched with, and what drift is measured on."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import insert, select

from {{ cookiecutter.package_name }}.scaffold.answers import Answers
from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import ModelUnavailable, RecordError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.state import answers
from {{ cookiecutter.package_name }}.scaffold.usecase import Answer

QUESTION = "How long may a remote session last?"
ON_EVERYTHING = {"question_characters", "language"}
ON_AN_ANSWER = {"answer_characters", "citations", "confidence"}


class Broken:
    async def ask(self, question: str, caller: Principal) -> Answer:
        raise ModelUnavailable("The model is down.")


def rows(application: Application) -> list[dict[str, Any]]:
    with application.state.begin() as connection:
        return [dict(row) for row in connection.execute(select(answers).order_by(answers.c.at)).mappings()]


async def test_an_answer_leaves_numbers_names_and_digests(application: Application) -> None:
    caller = application.index.directory.get("callum")
    answer = await application.ask(QUESTION, caller, channel="api")
    [row] = rows(application)
    assert (row["trace_id"], row["outcome"], row["channel"]) == (answer.trace_id, "answered", "api")
    assert (row["caller"], row["locale"], row["use_case"]) == ("callum", caller.locale, "KnowledgeAssistant")
    assert (row["model"], row["prompt"]) == (answer.model, answer.prompt)
    assert row["question_sha256"] == sha256(QUESTION.encode()).hexdigest()
    assert row["answer_sha256"] == sha256(answer.answer.encode()).hexdigest()
    found = row["features"]
    assert found.keys() >= ON_EVERYTHING | ON_AN_ANSWER | {"lexical", "cosine", "seconds", "cost", "input_tokens"}
    assert (found["question_characters"], found["language"]) == (len(QUESTION), "en")
    assert (found["answer_characters"], found["citations"]) == (len(answer.answer), len(answer.citations))
    assert found["confidence"] == answer.confidence
    assert 0 < found["lexical"] <= 1
    assert "remote" not in json.dumps(row)


async def test_a_refusal_says_nothing_of_an_answer(application: Application) -> None:
    await application.ask("Quel est le point de fusion du tungstène ?", Principal("nobody", frozenset()))
    [row] = rows(application)
    assert (row["outcome"], row["features"]["language"]) == ("refused", "fr")
    assert not ON_AN_ANSWER & row["features"].keys()


async def test_an_error_leaves_a_row_of_the_question_alone(application: Application) -> None:
    broken = dataclasses.replace(application, usecase=Broken())
    with pytest.raises(ModelUnavailable):
        await broken.ask("What did berta@example.com write?", Principal("anna", frozenset()))
    [row] = rows(application)
    assert row["question_sha256"] == sha256(b"What did [EMAIL] write?").hexdigest()
    assert (row["outcome"], row["model"], row["answer_sha256"]) == ("error", None, None)
    assert row["features"].keys() == ON_EVERYTHING


async def test_where_the_row_cannot_be_written_no_answer_goes_out(application: Application) -> None:
    with application.state.begin() as connection:
        answers.drop(connection)
    with pytest.raises(RecordError, match=r"The table of answers cannot be written \(.*\); mend the state database"):
        await application.ask(QUESTION, application.index.directory.get("callum"))


async def test_rows_are_kept_as_long_as_is_configured(application: Application) -> None:
    await application.ask(QUESTION, application.index.directory.get("callum"))
    [row] = rows(application)
    old, older = (datetime.now(UTC) - timedelta(days=days) for days in (29, 31))
    with application.state.begin() as connection:
        for name, at in (("old", old), ("older", older)):
            connection.execute(insert(answers), row | {"trace_id": name, "at": at.isoformat(timespec="milliseconds")})
    thirty = dataclasses.replace(application, answers=Answers(application.state, days=30))
    await thirty.ask(QUESTION, application.index.directory.get("callum"))
    left = [each["trace_id"] for each in rows(application)]
    assert (left[0], len(left)) == ("old", 3)
