"""Every log line is JSON with a trace id, and holds no personal data, whoever wrote it."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.observability import Telemetry, configure_logging, trace_id

WHO = "jane@acme.test"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.root
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def lines(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    configure_logging(settings, redact)

    def read() -> list[dict[str, Any]]:
        written = capsys.readouterr()
        assert written.out == ""
        assert "jane" not in written.err
        return [json.loads(line) for line in written.err.splitlines()]

    return read


Lines = Callable[[], list[dict[str, Any]]]


class Rude:
    def __str__(self) -> str:
        return f"I am {WHO}"


def broken(text: str) -> str:
    raise RuntimeError(text)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda log: log.info("from %s", WHO), "from [EMAIL]"),
        (lambda log: log.info("from %(who)s", {"who": WHO}), "from [EMAIL]"),
        (lambda log: log.info(f"from {WHO}"), "from [EMAIL]"),
        (lambda log: log.info("%s", Rude()), "I am [EMAIL]"),
        (lambda log: log.info(Rude()), "I am [EMAIL]"),
        (lambda log: log.info("from %s@%s", "jane", "acme.test"), "from [EMAIL]"),
        (lambda log: log.info("a\nb"), "a\nb"),
    ],
)
def test_messages_and_arguments_are_redacted(
    lines: Lines, write: Callable[[logging.Logger], None], message: str
) -> None:
    write(logging.getLogger("third.party"))
    [line] = lines()
    assert line["message"] == message
    assert (line["level"], line["logger"]) == ("INFO", "third.party")
    assert line["where"].startswith("test_logs:")


def test_exceptions_with_causes_notes_and_stacks_are_redacted(lines: Lines) -> None:
    try:
        try:
            raise ValueError(WHO)
        except ValueError as cause:
            error = RuntimeError(f"for {WHO}")
            error.add_note(f"note: {WHO}")
            raise error from cause
    except RuntimeError:
        logging.getLogger("x").exception("failed", stack_info=True)
    [line] = lines()
    assert line["exception"].count("[EMAIL]") == 3
    assert "RuntimeError" in line["exception"] and "ValueError" in line["exception"]
    assert "test_logs" in line["stack"]


def test_handlers_that_libraries_brought_are_replaced(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("uvicorn.error")
    library.addHandler(logging.StreamHandler(sys.stderr))
    library.propagate = False
    configure_logging(settings, redact)
    configure_logging(settings, redact)
    library.warning("from %s", WHO)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "from [EMAIL]"


def test_warnings_are_log_lines(settings: Settings, lines: Lines) -> None:
    logging.captureWarnings(False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging(settings, redact)
        warnings.warn(f"about {WHO}", stacklevel=1)
        logging.captureWarnings(False)
    [line] = lines()
    assert line["logger"] == "py.warnings" and "about [EMAIL]" in line["message"]


def test_a_record_that_cannot_be_formatted_is_named_without_its_content(settings: Settings, lines: Lines) -> None:
    configure_logging(settings, redact)  # again, without pytest's own handler, which would fail the test
    logging.getLogger("x").info("%d items", WHO)
    [line] = lines()
    assert line["message"] == "[WITHHELD] this record could not be formatted"


def test_a_redactor_that_fails_withholds(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(settings, broken)
    logging.getLogger("x").info(WHO)
    written = capsys.readouterr().err
    assert "jane" not in written and "[WITHHELD]" in written


def test_a_line_carries_the_trace_of_its_span(settings: Settings, lines: Lines) -> None:
    telemetry = Telemetry.start(settings, "x", redact)
    with telemetry.span("answer"):
        logging.getLogger("x").info("inside")
        expected = trace_id()
    logging.getLogger("x").info("outside")
    telemetry.shutdown()
    assert [(line["message"], line["trace_id"]) for line in lines()] == [("inside", expected), ("outside", "")]


def test_debug_is_not_written_and_time_is_utc(lines: Lines) -> None:
    logging.getLogger("x").debug("noise")
    logging.getLogger("x").info("signal")
    [line] = lines()
    assert line["message"] == "signal" and line["at"].endswith("+00:00")


def test_libraries_that_tell_of_every_step_are_quiet(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("alembic.runtime.migration").info("Context impl")
    logging.getLogger("pypdf._reader").warning("EOF marker not found")
    logging.getLogger("alembic.runtime.migration").warning("heard")
    assert [line["message"] for line in lines()] == ["heard"]
