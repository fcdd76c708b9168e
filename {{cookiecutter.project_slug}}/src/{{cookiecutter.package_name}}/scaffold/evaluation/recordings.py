"""Recorded answers of a suite: made where the key is, replayed where it is not, such as in CI.

Never the offline model in a model's place: what cannot be asked and was not recorded is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ..application import Application
from ..config import Settings
from ..errors import ConfigurationError, UsageError
from ..evidence import fingerprint
from ..models.recording import Player, Recorder, on
from .record import write_atomically
from .suite import SuiteFile

Calls = Literal["live", "record", "replay"]
"""Ask; ask and keep the answers; answer from what was kept. None: ask, or replay where nobody can be asked."""
Tell = Callable[[str], None]


def place(settings: Settings, suite: str) -> Path:
    """Where the recording of a suite is kept."""
    return settings.path("evals", "recordings", f"{suite}.jsonl")


@contextmanager
def opened(
    build: Callable[[], Application], settings: Settings, suite: SuiteFile, calls: Calls | None, tell: Tell
) -> Iterator[Application]:
    """The application, with its models as ``calls`` says; what was recorded is written where the block ends well.

    Raises ``ConfigurationError`` where a model cannot be used and there is no recording, and where the recording is of
    other models or prompts; ``UsageError`` where there is nothing to record.
    """
    path = place(settings, suite.name)
    if calls is None:
        calls = _possible(build, path, tell)
    tape = Recorder() if calls == "record" else Player(path) if calls == "replay" else None
    with on(tape):
        application = build()
    with application:
        now = fingerprint(application, settings.path(suite.dataset))
        if isinstance(tape, Player):
            tape.prove(suite.name, now)
        if isinstance(tape, Recorder) and not _vendors(application):
            raise UsageError("Only the offline model is used, which needs no recording; leave out --record.")
        yield application
        if isinstance(tape, Recorder):
            write_atomically(path, tape.content(suite.name, now))
            tell(f"The answers are in {path.relative_to(settings.root)}; look through it, and commit it.")


def _possible(build: Callable[[], Application], path: Path, tell: Tell) -> Calls:
    with build() as application:
        reasons = [reason for role in application.models.roles if (reason := application.models.unusable(role))]
    if not reasons:
        return "live"
    if not path.is_file():
        raise ConfigurationError(
            f"{reasons[0]} Or replay recorded answers: run 'eval run {path.stem} --record' where the key is, and "
            f"commit evals/recordings/{path.name}."
        )
    tell(f"{reasons[0]} So the answers recorded in evals/recordings/{path.name} are replayed.")
    return "replay"


def _vendors(application: Application) -> list[str]:
    models = application.models
    return [role for role in models.roles if models.describe(role).provider != "offline"]
