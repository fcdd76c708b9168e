"""The table ``answers``: what became of each question, in numbers and names instead of text.

Feedback is matched with its rows, and drift is measured on them: see ``evaluation.drift``.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, bindparam, delete, text
from sqlalchemy.exc import SQLAlchemyError

from .errors import RecordError
from .observability import Call, trace_id
from .state import answers
from .usecase import Answer

SWEEP_EVERY = timedelta(hours=1)

_COLUMNS = [column.name for column in answers.columns]
# A trace that was begun outside may hold several questions: its row tells of the one that was answered last.
_PUT = text(
    f"INSERT INTO answers ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) "  # noqa: S608 - names
    f"ON CONFLICT (trace_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
).bindparams(bindparam("features", type_=answers.c.features.type))
_FORGET = delete(answers).where(answers.c.at < bindparam("before"))


class Answers:
    """Writes the rows, and deletes those that are older than ``days``; now and then, with the row of an answer."""

    def __init__(self, state: Engine, days: int) -> None:
        # Not worth waiting for the disk at every answer: a power cut may forget the last moments.
        self._state, self._kept = state.execution_options(durable=False), timedelta(days=days)
        self._swept = datetime.min.replace(tzinfo=UTC)
        self._turn = threading.Lock()  # callers of this process queue here in turn, rather than race for the database

    def put(
        self,
        outcome: str,
        call: Call,
        locale: str,
        answer: Answer | None,
        features: dict[str, Any],
        **digests: str | None,
    ) -> None:
        """Write the row of the current trace; ``outcome`` is ``answered``, ``refused`` or ``error``.

        Raises ``RecordError`` where the database fails: feedback on the answer would then find nothing.
        """
        now = datetime.now(UTC)
        row = {
            "trace_id": trace_id(),
            "at": _stamp(now),
            "channel": call.channel,
            "use_case": call.use_case or "",
            "caller": call.caller,
            "locale": locale,
            "outcome": outcome,
            "features": {name: value for name, value in features.items() if value is not None},
            "model": answer.model if answer else None,
            "prompt": answer.prompt if answer else None,
            **digests,
        }
        try:
            with self._turn, self._state.begin() as connection:
                connection.execute(_PUT, row)
                if now >= self._swept + SWEEP_EVERY:
                    connection.execute(_FORGET, {"before": _stamp(now - self._kept)})
                    self._swept = now
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise RecordError(f"The table of answers cannot be written ({reason}); mend the state database.") from error


def features(call: Call, answer: Answer | None, question: str, language: str, seconds: float) -> dict[str, Any]:
    """What drift may show in; what a refusal or an error does not have is None.

    How long, how sure and how well cited tells of released answers alone: a refusal's text is always the same.
    """
    released = answer if answer and not answer.refused else None
    return {
        "question_characters": len(question),
        "language": language,
        **call.measured,
        "answer_characters": len(released.answer) if released else None,
        "citations": len(released.citations) if released else None,
        "confidence": released.confidence if released else None,
        "seconds": round(seconds, 6) if answer else None,
        "cost": call.meter.dollars if answer else None,
        "input_tokens": answer.usage.input_tokens if answer else None,
        "output_tokens": answer.usage.output_tokens if answer else None,
    }


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
