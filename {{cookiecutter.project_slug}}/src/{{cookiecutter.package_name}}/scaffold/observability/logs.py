"""Logs: one JSON object a line, with the trace id, and redacted whatever wrote them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from opentelemetry import trace

from ..config import Settings

QUIET = {"alembic": logging.WARNING, "pypdf": logging.ERROR}
"""Libraries that tell of every step; what goes wrong in them is reported by whoever calls them."""


def configure_logging(settings: Settings, redact: Callable[[str], str]) -> None:
    """Write every log record to standard error as a JSON line; message, arguments and exceptions pass ``redact``.

    Handlers that libraries have put in place until now are taken down, since they would write unredacted.
    """
    handler = _Lines()
    handler.setFormatter(_Json(settings.root.name, redact))
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.INFO)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)


class _Json(logging.Formatter):
    def __init__(self, service: str, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._service, self._redact = service, redact

    def format(self, record: logging.LogRecord) -> str:
        line = {**_head(record), "service": self._service, "message": self._redact(record.getMessage())}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = self._redact(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = self._redact(record.stack_info)
        return json.dumps(line)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # arguments that do not fit, a redactor that fails: name the record, not more
            line = json.dumps({**_head(record), "message": "[WITHHELD] this record could not be formatted"})
        with suppress(OSError, ValueError):  # standard error is closed: no reason to fail what was to be logged
            sys.stderr.write(line + "\n")


def _head(record: logging.LogRecord) -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    return {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "where": f"{record.module}:{record.lineno}",
        "trace_id": trace.format_trace_id(context.trace_id) if context.is_valid else "",
    }
