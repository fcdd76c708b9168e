"""F15: nobody can say what the system did."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from {{ cookiecutter.package_name }}.scaffold.application import Application
from {{ cookiecutter.package_name }}.scaffold.errors import AuditError
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal

QUESTIONS = ["How many days of leave do I have?", "Who approves a business trip?"]


@pytest.fixture
async def audit(application: Application) -> AuditLog:
    """The log of an application that was asked something, over and above what its index wrote."""
    caller = next(iter(application.index.directory.callers))
    for question in QUESTIONS:
        await application.ask(question, application.index.directory.get(caller), "cli")
    assert application.audit.verify().ok
    return application.audit


@pytest.mark.drill("F15")
async def test_every_answer_leaves_a_record_that_says_who_and_what(application: Application, audit: AuditLog) -> None:
    """Staged: questions are asked, one of them by somebody who may see nothing.
    Caught by: the audit log, which names caller, channel, model, prompt and trace of each, and still verifies.
    """
    answer = await application.ask(QUESTIONS[0], Principal("stranger"), "api")
    record = [record for record in audit.records() if record["event"] == "answer"][-1]
    assert (record["caller"], record["channel"]) == ("stranger", "api")
    assert (record["model"], record["prompt"], record["trace_id"]) == (answer.model, answer.prompt, answer.trace_id)
    assert audit.verify().ok


@pytest.mark.drill("F15")
def test_a_flipped_byte_is_named(audit: AuditLog) -> None:
    """Staged: single bytes of the audit log are flipped, at 200 random places and at both ends of every record.
    Caught by: the chain of message authentication codes, which names the record.
    """
    good = audit.path.read_bytes()
    ends = {at + step for at in range(len(good)) if good[at : at + 1] == b"\n" for step in (-1, 0, 1)}
    for position in sorted((ends | {0, *random.Random(15).sample(range(len(good)), 200)}) - {len(good)}):
        bad = bytearray(good)
        bad[position] ^= 1
        audit.path.write_bytes(bad)
        result = audit.verify()
        assert not result.ok
        assert result.line == good.count(b"\n", 0, position) + 1


@pytest.mark.drill("F15")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: lines[1:], "removed"),
        (lambda lines: lines[:1] + lines[2:], "removed"),
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: [], "cut off"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "reordered"),
        (lambda lines: [*lines[:2], *lines[1:]], "repeated"),
        (lambda lines: [*lines, lines[-1]], "foreign"),
    ],
)
def test_a_dropped_moved_or_added_record_is_named(
    audit: AuditLog, change: Callable[[list[bytes]], list[bytes]], what: str
) -> None:
    """Staged: records are dropped, cut off, swapped, written twice.
    Caught by: sequence, chain and the anchor in the state database; verification says what and where.
    """
    lines = audit.path.read_bytes().splitlines(keepends=True)
    audit.path.write_bytes(b"".join(change(lines)))
    result = audit.verify()
    assert (result.ok, result.what) == (False, what)
    assert result.message.startswith(f"Line {result.line}: record {result.sequence} ")


@pytest.mark.drill("F15")
async def test_without_the_key_nothing_more_is_recorded_and_nothing_more_is_answered(
    application: Application, audit: AuditLog
) -> None:
    """Staged: the key of the audit log is deleted while the service runs.
    Caught by: the log, which reads its key for each record and refuses; so the question is not answered.
    """
    audit.path.with_name("key").unlink(missing_ok=True)
    caller = application.index.directory.get(next(iter(application.index.directory.callers)))
    with pytest.raises(AuditError, match="does not hold their key"):
        audit.append("x")
    with pytest.raises(AuditError):
        await application.ask(QUESTIONS[0], caller, "cli")
