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
from .store import writable, write_atomically
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
    if calls != "live":
        calls = _settled(build, path, calls, tell)
    tape = Recorder() if calls == "record" else Player(path) if calls == "replay" else None
    if isinstance(tape, Recorder):
        writable(path.parent)
    with on(tape):
        application = build()
    with application:
        now = fingerprint(application, settings.path(suite.dataset))
        if isinstance(tape, Player):
            tape.prove(suite.name, now)
        yield application
        if isinstance(tape, Recorder):
            write_atomically(path, tape.content(suite.name, now))
            tell(f"The answers are in {path.relative_to(settings.root)}; look through it, and commit it.")


def _settled(build: Callable[[], Application], path: Path, calls: Calls | None, tell: Tell) -> Calls:
    """What ``calls`` comes to with these models: the offline one needs no recording."""
    with build() as application:
        models = application.models
        reasons = [reason for role in models.roles if (reason := models.unusable(role))]
        vendors = [role for role in models.roles if models.describe(role).provider != "offline"]
    if calls == "record" and not vendors:
        raise UsageError("Only the offline model is used, which needs no recording; leave out --record.")
    if not vendors or not (calls or reasons):
        return "live"
    if calls:
        return calls
    if not path.is_file():
        raise ConfigurationError(
            f"{reasons[0]} Or replay recorded answers: run 'eval run {path.stem} --record' where the key is, and "
            f"commit evals/recordings/{path.name}."
        )
    tell(f"{reasons[0]} So the answers recorded in evals/recordings/{path.name} are replayed.")
    return "replay"
