"""What vendors answered while a suite was asked, as a file that goes into git, so that the suite can be asked again
where there is no key.

One line a distinct request: its digest, never its text, and the answers in the order in which they came. Before them
stands what was recorded when and on what, behind them a digest of it all: a file that was cut or edited is refused.
That holds off mistakes, not forgers; whoever may merge answers for what is merged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from langchain_core.messages import BaseMessage
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from ..config import Strict
from ..errors import ConfigurationError
from ..guardrails.fencing import MARK
from .settings import ModelEntry

FORMAT = 1
UNSENT = {"id", "usage_metadata", "response_metadata"}
"""Fields of a message that no vendor is sent."""
AGAIN = "record again where the key is: eval run --record"


class Head(Strict):
    """The first line: what was recorded when, and on what."""

    recording: int = Field(description="Version of this format.")
    suite: str
    recorded_at: AwareDatetime
    digests: dict[str, str] = Field(description="evidence.fingerprint: models, prompts, index, code and so on.")


class Taken(Strict):
    """What came back once: an answer, a vector, or a refusal of this very request."""

    seconds: float
    generations: list[dict[str, Any]] = Field(default=[], description="Messages, with what the vendor says of them.")
    beside: dict[str, Any] = Field(default={}, description="What the vendor says of the whole answer.")
    vector: str = Field(default="", description="Base64 of 32-bit floats, little-endian.")
    error: Literal["", "ModelError", "ModelUnreadable"] = Field(default="", description="The error is raised again.")
    said: str = ""
    free: bool = Field(default=False, description="Whether the vendor surely charged nothing for the refusal.")


class Line(Strict):
    """A request that was made, and what came back each time."""

    request: str
    model: str
    prompt: str = ""
    taken: list[Taken] = Field(min_length=1)


class _End(Strict):
    lines: int
    sha256: str


class Recorder:
    """Takes down what vendors answer, for threads. Only what was answered at last: a fault that passed is weather."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._unanswered: dict[str, str] = {}
        self._why = ""
        self._turn = Lock()

    def asked(self, request: str, model: str) -> None:
        """A request goes out."""
        with self._turn:
            self._unanswered[request] = model

    def failed(self, why: str) -> None:
        """No answer came to a request. Of all reasons the first is kept, to be told."""
        with self._turn:
            self._why = self._why or why

    def answered(self, request: str, model: str, prompt: str, taken: Taken) -> None:
        """What came back. The same vector is kept once."""
        with self._turn:
            self._unanswered.pop(request, None)
            before = self._lines[request].taken if request in self._lines else []
            if not (before and taken.vector):
                self._lines[request] = Line(request=request, model=model, prompt=prompt, taken=[*before, taken])

    def content(self, suite: str, digests: Mapping[str, str]) -> bytes:
        """The file. Raises ``ConfigurationError`` where a request was never answered: it could not be replayed."""
        with self._turn:
            lines, unanswered, why = dict(self._lines), dict(self._unanswered), self._why
        if unanswered:
            reason = f"the first of them: {why.rstrip('.')}" if why else "too slow, unavailable or broken off"
            models = ", ".join(sorted(set(unanswered.values())))
            raise ConfigurationError(
                f"{len(unanswered)} requests to {models} got no answer ({reason}), so that nothing was recorded; mend "
                "that, then record again."
            )
        head = Head(recording=FORMAT, suite=suite, recorded_at=datetime.now(UTC), digests=dict(digests))
        body = [head.model_dump_json(), *(lines[key].model_dump_json(exclude_defaults=True) for key in sorted(lines))]
        text = "".join(f"{line}\n" for line in body).encode()
        return text + _End(lines=len(lines), sha256=hashlib.sha256(text).hexdigest()).model_dump_json().encode() + b"\n"


class Player:
    """A recording that is played: the n-th time a request is made it gets its n-th answer, for threads."""

    def __init__(self, path: Path) -> None:
        """Raises ``ConfigurationError`` where there is no recording at ``path``, or not the one that was written."""
        self._where = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
        self.head, self._lines = _read(path, self._where)
        self._times: dict[str, int] = {}
        self._turn = Lock()
        self.changed: list[str] = []
        """What changed since it was recorded, as far as whoever plays it can tell."""
        self.missed = ""
        """The first request that it could not serve, as a sentence."""

    def prove(self, suite: str, digests: Mapping[str, str]) -> None:
        """Raise ``ConfigurationError`` where this is no recording of ``suite`` with these models and prompts."""
        if self.head.suite != suite:
            raise ConfigurationError(f"{self._where} is a recording of the suite {self.head.suite!r}, not {suite!r}.")
        self.changed = [part for part in self.head.digests if part in digests and digests[part] != self._before(part)]
        if asked := [part for part in ("models", "prompts") if digests[part] != self._before(part)]:
            files = {"models": "config/models.yaml", "prompts": "config/prompts"}
            raise ConfigurationError(
                f"{' and '.join(files[part] for part in asked)} changed since {self._where} was recorded "
                f"({self.head.recorded_at:%Y-%m-%d %H:%M} UTC), so that its answers say nothing of them; {AGAIN}."
            )

    def next(self, request: str, model: str, prompt: str, again: bool = False) -> Taken:
        """What came back; ``again`` answers every time with the first. Raises ``ConfigurationError`` where nothing is
        recorded."""
        with self._turn:
            line, times = self._lines.get(request), self._times.get(request, 0)
            self._times[request] = times + 1
            if line is not None and (again or times < len(line.taken)):
                return line.taken[0 if again else times]
            what = f"a request to {model}" + (f" with the prompt {prompt}" if prompt else "")
            if line is not None:
                reason = f"holds {len(line.taken)} answers to {what}, which is made once more"
            else:
                reason = f"does not hold {what}"
            self.missed = self.missed or f"{self._where} {reason}; {self._why()}; {AGAIN}."
            raise ConfigurationError(self.missed)

    def _before(self, part: str) -> str | None:
        return self.head.digests.get(part)

    def _why(self) -> str:
        said = {"index": "documents or how they are searched", "dataset": "cases", "policy": "governance/policy.yaml"}
        changed = [said.get(part, part) for part in self.changed if part != "commit"]
        if changed:
            return f"since it was recorded changed: {', '.join(changed)}"
        return "nothing that is compared changed, so that the use case asks something else each time, such as the date"


Tape = Recorder | Player


def missing(tape: Tape | None) -> str:
    """The first request that was made and not recorded, as a sentence; empty where there is none."""
    return tape.missed if isinstance(tape, Player) else ""


def request_digest(
    entry: ModelEntry, messages: Sequence[BaseMessage], stop: list[str] | None, options: Mapping[str, Any], shape: Any
) -> str:
    """SHA-256 of all that decides an answer: the model as configured, messages, options and the ``shape`` asked for.

    Not of the token in a fence, which is drawn anew for each request. Raises ``ConfigurationError`` where an option
    cannot be written down.
    """
    try:
        sent = [message.model_dump(exclude=UNSENT) for message in messages]
        text = json.dumps([entry.info.sha256, sent, stop, dict(options), shape], sort_keys=True, default=_written)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"A request to {entry.info.label} cannot be recorded: {error}; give its options as plain values."
        ) from None
    return hashlib.sha256(MARK.sub(r"\1", text).encode()).hexdigest()


def text_digest(entry: ModelEntry, message: BaseMessage) -> str:
    """SHA-256 of what decides the vector of one text, whichever it is sent together with."""
    asked = [entry.info.sha256, bool(message.additional_kwargs["query"]), message.text]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)


def current_tape() -> Tape | None:
    """What models that are opened now are to record on, or to be played from."""
    return _tape.get()


@contextmanager
def on(tape: Tape | None) -> Iterator[None]:
    """Models opened in the block use ``tape``. Nothing in the environment or in a file can: no service replays."""
    token = _tape.set(tape)
    try:
        yield
    finally:
        _tape.reset(token)


def _written(value: Any) -> Any:
    """Schemas that are given as classes."""
    if isinstance(value, type):
        return [value.__name__, TypeAdapter(value).json_schema()]
    raise TypeError(f"{type(value).__name__} is no plain value")


def _read(path: Path, where: str) -> tuple[Head, dict[str, Line]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f"There is no recording {where}; {AGAIN}, and commit it.") from None
    *body, last = data.splitlines(keepends=True) or [b""]
    changed = ConfigurationError(f"{where} is not what was recorded: it was changed or cut; restore it, or {AGAIN}.")
    try:
        if not _whole(body, last):
            raise changed
        if (version := json.loads(body[0]).get("recording")) != FORMAT:
            raise ConfigurationError(f"{where} has the format {version}, and {FORMAT} is read here; {AGAIN}.")
        lines = [Line.model_validate_json(line) for line in body[1:]]
        return Head.model_validate_json(body[0]), {line.request: line for line in lines}
    except (ValidationError, ValueError, IndexError):
        raise changed from None


def _whole(body: list[bytes], last: bytes) -> bool:
    """Whether the end says that this is all that was written, as it was written."""
    end = _End.model_validate_json(last)
    return (end.lines, end.sha256) == (len(body) - 1, hashlib.sha256(b"".join(body)).hexdigest())
