"""POST /api/feedback: what somebody says of an answer that was theirs."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from fastapi.testclient import TestClient

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.evaluation.cases import listed

from tests.scaffold.evaluation.test_feedback import ANSWER, QUESTION, TRACE, answered


def body(**changes: Any) -> dict[str, Any]:
    return {"trace_id": TRACE, "verdict": "down", "question": QUESTION, "answer": ANSWER, "caller": "tom"} | changes


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({}, 200, ""),
        ({"verdict": "corrected", "correction": "It is 150 EUR."}, 200, ""),
        ({"caller": "moira"}, 404, "No answer of that trace_id was given to you"),
        ({"trace_id": "b" * 32}, 404, "No answer of that trace_id was given to you"),
        ({"answer": "It is 1 EUR."}, 409, "The answer of that trace_id was another"),
        ({"caller": None}, 400, "Say who asks"),
        ({"caller": "nobody"}, 400, "There is no caller 'nobody'"),
        ({"verdict": "meh"}, 422, "verdict: input should be 'up', 'down' or 'corrected'."),
        ({"verdict": "corrected"}, 422, "A correction and the verdict 'corrected' go together."),
        ({"correction": "x" * 4001}, 422, "correction: string should have at most 4000 characters."),
        (
            {"stars": 5},
            422,
            "There are only the fields trace_id, verdict, reason, question, answer, correction and caller.",
        ),
        ({"reason": "x" * 200_000}, 413, "The request is too large; at most 200000 bytes are read."),
    ],
)
def test_feedback_is_kept_or_refused_in_one_sentence(
    own: TestClient, application: Application, changes: dict[str, Any], status: int, message: str
) -> None:
    answered(application)
    response = own.post("/api/feedback", json=body(**changes))
    assert response.status_code == status
    assert message in response.json().get("error", {"message": ""})["message"]
    assert len(listed(application.state)) == (status == 200)


@pytest.mark.parametrize(
    ("outcome", "text", "status"),
    [("refused", "I found no answer.", 200), ("error", "", 200), ("error", "It is 1 EUR.", 409), ("refused", "", 409)],
)
def test_a_withheld_answer_can_be_complained_of_as_well(
    own: TestClient, application: Application, outcome: str, text: str, status: int
) -> None:
    kept = hashlib.sha256(b"I found no answer.").hexdigest() if outcome == "refused" else None
    answered(application, outcome=outcome, answer_sha256=kept)
    assert own.post("/api/feedback", json=body(answer=text)).status_code == status
