"""``make detach``: take each control out in turn. Some test must fail by assertion; a survivor is a defect."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]  # run as a script, not by pytest

from tests.scaffold.controls import CONTROLS, Control  # noqa: E402 - found by the line above

ASSERTION = ("assert ", "AssertionError", "Failed: DID NOT RAISE")
"""How the message of a test begins that failed by what it demands, rather than by tripping over the replacement."""


def main(names: Sequence[str]) -> int:
    """Detach the named controls, or all; the exit code: 0 where each was missed by a test, else 1, 2 for a bad name."""
    if unknown := set(names) - {control.name for control in CONTROLS}:
        sys.stderr.write(f"There is no control {', '.join(sorted(unknown))}.\n")
        return 2
    controls = [control for control in CONTROLS if not names or control.name in names]
    tests = sorted({test for control in controls for test in control.tests})
    code, _, text = run_tests(tests, None)
    if code != 0:
        sys.stdout.write(f"With every control attached these tests must pass; they do not.\n{text}\n")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a pytest of its own
        missed = list(pool.map(detach, controls))
    sys.stdout.write(f"\n{sum(missed)} of {len(missed)} controls are missed when they are gone.\n")
    return 0 if all(missed) else 1


def detach(control: Control) -> bool:
    """Whether a test misses the control; prints its line."""
    code, failures, text = run_tests(control.tests, control.name, options=["--exitfirst"])
    if code == 1 and not missed_by(code, failures):  # the first only tripped over the replacement; another may miss it
        code, failures, text = run_tests(control.tests, control.name)
    caught = missed_by(code, failures)
    sys.stdout.write(f"{'✓' if caught else '✗'} {control.failure}  {control.name:<24} {explain(code, failures)}\n")
    if not caught:
        sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return bool(caught)


def missed_by(code: int, failures: dict[str, str]) -> list[str]:
    """Tests that failed by assertion in a run that went through; an interrupted or mistaken run proves nothing."""
    return [test for test, message in failures.items() if message.startswith(ASSERTION)] if code == 1 else []


def explain(code: int, failures: dict[str, str]) -> str:
    """What happened, in a line."""
    if code == 0:
        return "SURVIVED: every test passes without it"
    if caught := missed_by(code, failures):
        return f"missed by {caught[0]}" + (f" and {len(caught) - 1} more" if len(caught) > 1 else "")
    return f"BROKEN: no test failed by assertion (pytest exit code {code})"


def run_tests(
    tests: Sequence[str], detached: str | None, root: Path = ROOT, options: Sequence[str] = ()
) -> tuple[int, dict[str, str], str]:
    """Run ``tests``: pytest's exit code, the message of each test that failed in its body, and the output."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DETACH", "PYTEST_ADDOPTS")}
    if detached:
        environment["DETACH"] = detached
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *options,
            *tests,
        ]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        cases = ElementTree.parse(report).iter("testcase") if report.is_file() else []  # noqa: S314 - pytest wrote it
        failures = {
            case.get("name", ""): failure.get("message", "") for case in cases for failure in case.findall("failure")
        }
    return done.returncode, failures, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
