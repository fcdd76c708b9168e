"""The audit log holds what was written, and says exactly where it does not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, delete, update

from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.errors import AuditError, ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog, Verification
from {{ cookiecutter.package_name }}.scaffold.guardrails import redact
from {{ cookiecutter.package_name }}.scaffold.observability import Call, calling
from {{ cookiecutter.package_name }}.scaffold.state import audit_heads, open_state

SOURCE = Path(__file__).parents[3] / "src"


def write(audit: AuditLog, count: int) -> None:
    for number in range(1, count + 1):
        audit.append("model.call", role="answer", number=number)


def named(result: Verification) -> tuple[bool, str | None, int | None, int | None]:
    return result.ok, result.what, result.line, result.sequence


def test_a_record_says_what_happened_for_whom_and_under_which_trace(audit: AuditLog) -> None:
    with calling(Call(caller="jonas", channel="api")):
        first = audit.append("model.call", model="offline/extractive", tokens=12, cached=False, reason=None)
    second = audit.append("sync", documents=[{"source": "a.md", "chunks": 3}])
    assert [*first] == [
        *("sequence", "at", "event", "trace_id", "caller", "channel"),
        *("model", "tokens", "cached", "reason", "previous", "mac"),
    ]
    assert (first["sequence"], first["caller"], first["channel"], first["previous"]) == (1, "jonas", "api", "")
    assert (second["sequence"], second["previous"]) == (2, first["mac"])
    assert list(audit.records()) == [first, second]
    assert audit.verify() == Verification(
        True, 2, f"2 records, each as it was written; the last one's mac is {second['mac']}."
    )


def test_an_empty_log_verifies_and_has_no_key_yet(audit: AuditLog) -> None:
    assert named(audit.verify()) == (True, None, None, None)
    assert list(audit.records()) == []
    assert not audit.path.with_name("key").exists()


def test_the_mac_can_be_recomputed_with_nothing_but_the_line_and_the_key(audit: AuditLog) -> None:
    write(audit, 1)
    openssl = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", audit.path.with_name("key").read_text()],
        input=audit.path.read_bytes().partition(b',"mac":')[0],
        capture_output=True,
        check=True,
    )
    assert openssl.stdout.decode().split()[-1] == next(audit.records())["mac"]


def test_text_is_redacted_before_it_is_written_however_deep(audit: AuditLog) -> None:
    audit.append("x", note="ask jane@acme.test", deep=[{"who": ("call +49 40 66969 123",), "jane@acme.test": 1}])
    written = audit.path.read_text()
    assert "jane@acme.test" not in written and "66969" not in written
    assert "[EMAIL]" in written and "[PHONE]" in written


@pytest.mark.parametrize("text", ["\ud800", "Grüße\n«»\u2028", "\x00", '","mac":"'])
def test_any_text_can_be_recorded(audit: AuditLog, text: str) -> None:
    assert audit.append("x", text=text)["text"] == text
    assert next(audit.records())["text"] == text
    assert audit.verify().ok


def test_what_cannot_be_written_as_json_leaves_the_log_as_it_was(audit: AuditLog) -> None:
    write(audit, 1)
    for value in (float("nan"), object()):
        with pytest.raises((ValueError, TypeError)):
            audit.append("x", value=value)
    with pytest.raises(ValueError, match="sets mac, sequence itself"):
        audit.append("x", sequence=1, mac="")
    assert named(audit.verify()) == (True, None, None, None)
    assert len(list(audit.records())) == 1


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_every_flipped_byte_is_found_in_its_line(audit: AuditLog, mask: int) -> None:
    write(audit, 3)
    good = audit.path.read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= mask
        audit.path.write_bytes(bad)
        result = audit.verify()
        assert not result.ok, f"byte {position} was flipped unnoticed"
        assert result.line == good.count(b"\n", 0, position) + 1


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return apply


def other_key(path: Path) -> None:
    path.with_name("key").write_text("0" * 64)


TAMPERED: dict[str, tuple[Callable[[Path], None], tuple[str, int, int]]] = {
    "first removed": (lines(lambda all_: all_[1:]), ("removed", 1, 1)),
    "middle removed": (lines(lambda all_: all_[:2] + all_[3:]), ("removed", 3, 3)),
    "two removed": (lines(lambda all_: all_[:1] + all_[3:]), ("removed", 2, 2)),
    "last removed": (lines(lambda all_: all_[:-1]), ("cut off", 5, 5)),
    "all removed": (lines(lambda all_: []), ("cut off", 1, 1)),
    "file deleted": (lambda path: path.unlink(), ("cut off", 1, 1)),
    "end cut in a record": (lambda path: os.truncate(path, path.stat().st_size - 10), ("cut off", 5, 5)),
    "two swapped": (lines(lambda all_: [all_[0], all_[2], all_[1], *all_[3:]]), ("reordered", 2, 2)),
    "reversed": (lines(lambda all_: all_[::-1]), ("reordered", 1, 1)),
    "repeated at once": (lines(lambda all_: [all_[0], all_[1], all_[1], *all_[2:]]), ("repeated", 3, 3)),
    "repeated at the end": (lines(lambda all_: [*all_, all_[4]]), ("foreign", 6, 6)),
    "repeated instead": (lines(lambda all_: [*all_[:3], all_[0], *all_[4:]]), ("repeated", 4, 4)),
    "line respelled": (lines(lambda all_: [all_[0].replace(b":", b": ", 1), *all_[1:]]), ("changed", 1, 1)),
    "empty line": (lines(lambda all_: [all_[0], b"\n", *all_[1:]]), ("changed", 2, 2)),
    "text added": (lines(lambda all_: [*all_, b"{}\n"]), ("foreign", 6, 6)),
    "other key": (other_key, ("foreign", 1, 1)),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_named_and_stops_the_log(audit: AuditLog, case: str) -> None:
    tamper, expected = TAMPERED[case]
    write(audit, 5)
    tamper(audit.path)
    result = audit.verify()
    assert named(result) == (False, *expected), result.message
    assert f"Line {expected[1]}: record {expected[2]}" in result.message
    if result.what == "cut off" or expected[1] > 5:  # appending looks at the end only, verifying at everything
        with pytest.raises(AuditError):
            audit.append("x")


def test_a_record_of_another_log_under_the_same_key_is_foreign(tmp_path: Path) -> None:
    logs = []
    for name in ("one", "two"):
        settings = Settings(root=tmp_path / name, audit_key=SecretStr("k" * 32))
        logs.append(AuditLog.open(settings, open_state(settings), redact))
        write(logs[-1], 3)
    one, two = (log.path.read_bytes().splitlines(keepends=True) for log in logs)
    logs[0].path.write_bytes(b"".join([one[0], two[1], one[2]]))
    assert named(logs[0].verify()) == (False, "foreign", 2, 2)
    logs[0].path.write_bytes(b"".join(two))
    assert named(logs[0].verify()) == (False, "foreign", 3, 3)


def test_a_rolled_back_anchor_does_not_pass(audit: AuditLog, state: Engine) -> None:
    write(audit, 3)
    with state.begin() as connection:
        connection.execute(update(audit_heads).values(sequence=0, mac="", offset=0))
    assert named(audit.verify()) == (False, "foreign", 1, 1)
    with pytest.raises(AuditError, match="not written by this log"):
        audit.append("x")
    with state.begin() as connection:
        connection.execute(delete(audit_heads))
    with pytest.raises(AuditError, match="anchor is gone"):
        audit.append("x")


class TestKey:
    def test_is_made_with_the_first_record_for_the_owner_alone(self, audit: AuditLog) -> None:
        write(audit, 1)
        key = audit.path.with_name("key")
        assert len(key.read_text()) == 64
        assert key.stat().st_mode & 0o777 == 0o600
        assert audit.path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "loss", [Path.unlink, lambda key: key.write_text(""), lambda key: key.write_bytes(b"\xff")]
    )
    def test_gone_stops_the_log_at_once(self, audit: AuditLog, loss: Callable[[Path], object]) -> None:
        write(audit, 2)
        before = audit.path.read_bytes()
        loss(audit.path.with_name("key"))
        for action in (lambda: audit.append("x"), audit.verify):
            with pytest.raises(AuditError, match="does not hold their key"):
                action()
        assert audit.path.read_bytes() == before

    def test_that_a_full_disk_cut_off_is_made_whole_with_the_next_record(
        self, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr("os.fsync", full)
            with pytest.raises(AuditError, match="No space left on device"):
                audit.append("x")
        assert not audit.path.with_name("key").exists()
        write(audit, 2)
        assert audit.verify().ok

    def test_is_not_made_again_beside_records_whose_file_was_deleted(self, audit: AuditLog) -> None:
        write(audit, 1)
        for path in audit.path.parent.iterdir():
            path.unlink()
        with pytest.raises(AuditError):
            audit.append("x")
        assert list(audit.path.parent.iterdir()) == []

    def test_readable_by_others_is_refused(self, audit: AuditLog) -> None:
        write(audit, 1)
        audit.path.with_name("key").chmod(0o640)
        with pytest.raises(AuditError, match="chmod 600"):
            audit.append("x")

    def test_from_the_environment_is_used_and_not_written(self, settings: Settings, state: Engine) -> None:
        given = settings.model_copy(update={"audit_key": SecretStr("s" * 32)})
        audit = AuditLog.open(given, state, redact)
        write(audit, 2)
        assert audit.verify().ok
        assert [path.name for path in audit.path.parent.iterdir()] == ["audit.jsonl"]

    def test_too_short_is_refused_at_the_start(self, settings: Settings, state: Engine) -> None:
        with pytest.raises(ConfigurationError, match="APP_AUDIT_KEY has 6 characters"):
            AuditLog.open(settings.model_copy(update={"audit_key": SecretStr("secret")}), state, redact)


def run(root: Path, script: str) -> subprocess.Popen[bytes]:
    """Python that has ``audit`` open on the project at ``root``, in a process of its own."""
    prelude = f"""
import os, signal, sys, threading
from pathlib import Path
from {{ cookiecutter.package_name }}.scaffold.config import Settings
from {{ cookiecutter.package_name }}.scaffold.governance import AuditLog, audit as module
from {{ cookiecutter.package_name }}.scaffold.state import open_state
settings = Settings(root=Path({str(root)!r}))
audit = AuditLog.open(settings, open_state(settings), str)
"""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen([sys.executable, "-c", prelude + script], env=environment)


BETWEEN_FILE_AND_ANCHOR = """
AuditLog._anchor = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
audit.append("lost?", text="written, not anchored")
"""
IN_THE_MIDDLE_OF_THE_LINE = """
def half(path, *arguments):
    descriptor = real(path, *arguments)
    os.write(descriptor, b'{"sequence":3,"at":"20')
    os.kill(os.getpid(), signal.SIGKILL)
real, os.open = os.open, half
audit.append("lost")
"""


@pytest.mark.parametrize("records", [0, 2])
def test_a_kill_between_file_and_anchor_loses_nothing(settings: Settings, audit: AuditLog, records: int) -> None:
    write(audit, records)
    assert run(settings.root, BETWEEN_FILE_AND_ANCHOR).wait() == -9
    found = audit.verify()
    assert found.ok and "One more was written just before a crash" in found.message
    assert audit.append("after")["sequence"] == records + 2
    assert [record["event"] for record in audit.records()][-2:] == ["lost?", "after"]
    assert named(audit.verify()) == (True, None, None, None)


@pytest.mark.parametrize("moment", ["healing", "after healing"])
def test_crashes_in_a_row_heal_as_well(settings: Settings, audit: AuditLog, moment: str) -> None:
    let_the_healing_through = """
real, AuditLog._anchor = AuditLog._anchor, lambda *a: (setattr(AuditLog, "_anchor", kill), real(*a))
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
audit.append("lost?")
"""
    assert run(settings.root, BETWEEN_FILE_AND_ANCHOR).wait() == -9
    crash = BETWEEN_FILE_AND_ANCHOR if moment == "healing" else let_the_healing_through
    assert run(settings.root, crash).wait() == -9
    assert audit.append("after")["sequence"] == (2 if moment == "healing" else 3)
    assert named(audit.verify()) == (True, None, None, None)


def test_a_kill_in_the_middle_of_a_line_is_dropped_and_said(settings: Settings, audit: AuditLog) -> None:
    write(audit, 2)
    assert run(settings.root, IN_THE_MIDDLE_OF_THE_LINE).wait() == -9
    assert audit.path.read_bytes().endswith(b'"20')
    found = audit.verify()
    assert found.ok and "22 bytes of a record that a crash tore" in found.message
    after = audit.append("after")
    assert (after["sequence"], after["discarded_bytes"]) == (3, 22)
    assert named(audit.verify()) == (True, None, None, None)


def test_a_full_disk_refuses_and_heals(audit: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    write(audit, 1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(AuditError, match="No space left on device"):
            audit.append("x")
    audit.append("y")
    assert audit.verify().ok


def test_threads_and_processes_keep_one_chain(settings: Settings, audit: AuditLog) -> None:
    appends = """
def work(name):
    for number in range(5):
        audit.append("work", name=name, number=number)
threads = [threading.Thread(target=work, args=(f"{os.getpid()}-{n}",)) for n in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    processes = [run(settings.root, appends) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    records = list(audit.records())
    assert [record["sequence"] for record in records] == list(range(1, 81))
    per_thread: dict[str, list[int]] = {}
    for record in records:
        per_thread.setdefault(record["name"], []).append(record["number"])
    assert len(per_thread) == 16 and all(numbers == [0, 1, 2, 3, 4] for numbers in per_thread.values())
    assert named(audit.verify()) == (True, None, None, None)


def test_a_line_that_is_no_record_is_named(audit: AuditLog) -> None:
    write(audit, 1)
    with audit.path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(AuditError, match=r"audit\.jsonl:2: not a record"):
        list(audit.records())


def test_nothing_is_written_when_the_redactor_fails(settings: Settings, state: Engine) -> None:
    def broken(_: str) -> str:
        raise RuntimeError("broken")

    audit = AuditLog.open(settings, state, broken)
    with pytest.raises(RuntimeError):
        audit.append("x", text="jane@acme.test")
    assert not audit.path.exists()


def test_a_line_is_json_that_any_tool_reads(audit: AuditLog) -> None:
    write(audit, 2)
    assert [json.loads(line)["number"] for line in audit.path.read_text("ascii").splitlines()] == [1, 2]
