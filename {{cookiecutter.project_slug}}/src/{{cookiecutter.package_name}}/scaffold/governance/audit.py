"""The audit log: what the system did, in a file that cannot be changed unnoticed.

``chain`` says what the file looks like. The state database keeps number, mac and length of the newest record: without
that anchor, cutting off the end would go unnoticed. Who can write both key and database can forge the log, and who
deletes log, key and database together leaves no trace here: where that matters, keep the mac that ``audit verify``
prints somewhere else.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ..config import Settings
from ..errors import AuditError, ConfigurationError
from ..observability import current_call, trace_id
from ..state import audit_heads
from .chain import START, Head, Verification, check, ending, follows, seal, unseal

KEY_MIN_CHARACTERS = 32
"""128 bits as hex digits: the least to be safe from guessing (NIST SP 800-131A asks for 112)."""

_OWN = frozenset({"sequence", "at", "trace_id", "previous", "mac", "discarded_bytes"})
_ROW = audit_heads.c.log == "audit"


class AuditLog:
    """Append-only, chained, anchored. Safe to use from several threads, and from several processes on one folder."""

    def __init__(self, settings: Settings, state: Engine, redact: Callable[[str], str]) -> None:
        self._state, self._redact = state, redact
        self._secret = settings.audit_key.get_secret_value() if settings.audit_key else None
        self.path = settings.var / "audit" / "audit.jsonl"
        self._key_path = self.path.with_name("key")

    @classmethod
    def open(cls, settings: Settings, state: Engine, redact: Callable[[str], str]) -> AuditLog:
        """The project's log. Raises ``ConfigurationError`` where ``APP_AUDIT_KEY`` is too short to mean anything."""
        log = cls(settings, state, redact)
        if log._secret is not None and len(log._secret) < KEY_MIN_CHARACTERS:
            raise ConfigurationError(
                f"APP_AUDIT_KEY has {len(log._secret)} characters, at least {KEY_MIN_CHARACTERS} are needed; "
                "`openssl rand -hex 32` makes one."
            )
        with suppress(IntegrityError), state.begin() as connection:  # another process may put the row in first
            if connection.execute(select(audit_heads.c.log).where(_ROW)).first() is None:
                connection.execute(insert(audit_heads).values(log="audit", **vars(START)))
        return log

    def append(self, event: str, **fields: Any) -> dict[str, Any]:
        """Write one record, and answer it once it is on disk and anchored. Text in ``fields`` is redacted.

        The current call's ``caller`` and ``channel`` are added. Raises ``AuditError`` where that is not possible: the
        log is damaged, its key is gone, or nothing can be written. What was to be recorded must then not happen.
        """
        if clash := _OWN & fields.keys():
            raise ValueError(f"The audit log sets {', '.join(sorted(clash))} itself.")
        if call := current_call.get():
            fields = {"caller": call.caller, "channel": call.channel, **fields}
        content = {"event": event, "trace_id": trace_id(), **self._clean(fields)}
        while True:
            with self._locked("write") as (connection, head):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                key = self._key(create=head == START and not self._size())
                healed, discarded = self._heal(head, key)
                if healed == head:
                    return self._write(connection, head, key, content | discarded)
                self._anchor(connection, healed)  # in its own transaction: one record at most is ever unanchored

    def verify(self) -> Verification:
        """Check every byte of the log against the chain, and its end against the anchor.

        Raises ``AuditError`` where there are records but no key to check them with.
        """
        with self._locked("read") as (_, head):
            if head == START and not self._size():
                return Verification(True, 0, "The audit log is empty.")
            extra = self._read_from(head.offset)  # read while nobody appends; what is before the anchor stays as it is
        return check(self.path, self._key(create=False), head, extra)

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record, oldest first, as it stands: ``verify`` says whether that can be believed."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise AuditError(f"{self.path}:{number}: not a record; `audit verify` says more.") from None

    @contextmanager
    def _locked(self, verb: str) -> Iterator[tuple[Connection, Head]]:
        """A transaction that holds the anchor: SQLite's BEGIN IMMEDIATE locks its whole file, PostgreSQL the row."""
        try:
            with self._state.begin() as connection:
                row = connection.execute(select(audit_heads).where(_ROW).with_for_update()).one_or_none()
                if row is None:
                    raise AuditError("The audit log's anchor is gone from the state database; restore the database.")
                yield connection, Head(row.sequence, row.mac, row.offset)
        except (SQLAlchemyError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise AuditError(f"Cannot {verb} {self.path} ({reason}); mend the folder or the state database.") from error

    def _write(self, connection: Connection, head: Head, key: bytes, content: dict[str, Any]) -> dict[str, Any]:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = {"sequence": head.sequence + 1, "at": at, **content, "previous": head.mac}
        line, mac = seal(key, record)
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if head == START:
            self._sync_folder()
        self._anchor(connection, Head(head.sequence + 1, mac, head.offset + len(line)))
        return {**record, "mac": mac}

    def _heal(self, head: Head, key: bytes) -> tuple[Head, dict[str, int]]:
        """Bring file and anchor together after a crash between the two; any other difference is tampering."""
        before = ending(head.mac) if head.sequence else b""
        extra = self._read_from(head.offset - len(before))
        if not extra.startswith(before):
            raise self._damaged(f"record {head.sequence} does not end where it was written to")
        extra = extra.removeprefix(before)
        if not extra:
            return head, {}
        if b"\n" not in extra:  # torn in the middle, so never acknowledged
            os.truncate(self.path, head.offset)
            return head, {"discarded_bytes": len(extra)}
        record = unseal(key, extra)
        if record is None or not follows(head, record):
            raise self._damaged(f"what follows record {head.sequence} was not written by this log")
        return Head(record["sequence"], record["mac"], head.offset + len(extra)), {}

    def _read_from(self, offset: int) -> bytes:
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read()

    def _anchor(self, connection: Connection, head: Head) -> None:
        connection.execute(update(audit_heads).where(_ROW).values(**vars(head)))

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _damaged(self, what: str) -> AuditError:
        return AuditError(
            f"{self.path} was tampered with: {what}; nothing is recorded before `audit verify` is clean. Restore the "
            "file and the state database, or move both away (and keep them) to start a new log."
        )

    def _key(self, create: bool) -> bytes:
        """The key, read anew each time: a service whose key was taken away stops at its next record."""
        if self._secret is not None:
            return self._secret.encode()
        if create and not self._key_path.exists():
            draft = self._key_path.with_name("key.new")  # the anchor is held: nobody else writes one
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._key_path)  # whole or not at all: a full disk must not leave half a key
        try:
            key = self._key_path.read_text("ascii").strip()
            shared = os.name == "posix" and bool(self._key_path.stat().st_mode & 0o077)
        except (OSError, UnicodeDecodeError):
            key, shared = "", False
        if len(key) < KEY_MIN_CHARACTERS:
            raise AuditError(
                f"{self.path} has records, but {self._key_path.name} beside it does not hold their key; restore the "
                "key, or move the folder and the state database away to start a new log."
            )
        if shared:
            raise AuditError(f"{self._key_path} can be read by others; `chmod 600` it, and count it as known to them.")
        return key.encode()

    def _sync_folder(self) -> None:
        """Make the new file's name last as well; Windows neither offers nor needs this."""
        if os.name == "posix":
            descriptor = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, dict):
            return {self._redact(str(name)): self._clean(item) for name, item in value.items()}
        return [self._clean(item) for item in value] if isinstance(value, (list, tuple)) else value
