"""Detachment: a control that no test misses survives, and is told from one that merely breaks its tests."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import {{ cookiecutter.package_name }} as package

from tests.scaffold import detach
from tests.scaffold.controls import CONTROLS, Control, unplug
from tests.scaffold.detach import ROOT, explain, missed_by, run_tests

BODIES = {
    "test_passes": "assert True",
    "test_compares": "assert 1 + 1 == 3",
    "test_says_why": "assert not 1, 'one is true'",
    "test_expects_an_error": "with pytest.raises(ValueError):\n        pass",
    "test_expects_another_error": "with pytest.raises(ValueError, match='a'):\n        raise ValueError('b')",
    "test_trips": "lambda: None\n    (lambda: None)(1)",
    "test_looks_for_what_is_gone": "object().gone",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    tests = [f"def {name}():\n    {body}\n" for name, body in BODIES.items()]
    (tmp_path / "test_all.py").write_text("import pytest\n\n\n" + "\n\n".join(tests), "utf-8")
    (tmp_path / "test_unreadable.py").write_text("import nothing_of_that_name\n", "utf-8")
    (tmp_path / "test_setup.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef broken():\n    assert False\n\n\ndef test_it(broken):\n    pass\n",
        "utf-8",
    )
    return tmp_path


@pytest.mark.parametrize(
    ("tests", "code", "missed"),
    [
        (["test_all.py::test_passes"], 0, []),
        (["test_all.py::test_trips", "test_all.py::test_looks_for_what_is_gone"], 1, []),
        (
            ["test_all.py"],
            1,
            ["test_compares", "test_says_why", "test_expects_an_error", "test_expects_another_error"],
        ),
        (["test_setup.py"], 1, []),
        (["test_unreadable.py", "test_all.py"], 2, []),
        (["test_nowhere.py"], 4, []),
        (["test_all.py", "-k", "nothing_matches"], 5, []),
    ],
    ids=["survived", "tripped", "missed", "only the setup failed", "not collected", "no such file", "nothing ran"],
)
def test_only_an_assertion_in_a_run_that_went_through_counts(
    folder: Path, tests: list[str], code: int, missed: list[str]
) -> None:
    found, failures, output = run_tests(tests, None, root=folder)
    assert found == code, output
    assert missed_by(found, failures) == missed
    expected = "SURVIVED" if code == 0 else f"missed by {missed[0]} and 3 more" if missed else "BROKEN"
    assert explain(found, failures).startswith(expected)


@pytest.mark.parametrize(
    ("tests", "caught", "runs"),
    [
        (["test_compares", "test_says_why"], True, 1),
        (["test_trips", "test_compares"], True, 2),
        (["test_trips", "test_looks_for_what_is_gone"], False, 2),
        (["test_passes"], False, 1),
    ],
)
def test_one_test_that_misses_it_is_enough_wherever_it_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tests: list[str], caught: bool, runs: int
) -> None:
    ran: list[str | None] = []

    def in_folder(tests: list[str], detached: str | None, options: Sequence[str] = ()) -> tuple[int, Any, str]:
        ran.append(detached)
        return run_tests(tests, None, folder, options)

    monkeypatch.setattr(detach, "run_tests", in_folder)
    assert detach.detach(Control("c", "F00", [], [f"test_all.py::{test}" for test in tests])) is caught
    assert ran == ["c"] * runs


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_the_registry_names_what_exists(control: Control) -> None:
    assert control.unplug
    for target, replace in control.unplug:
        owner, _, attribute = f"{package.__name__}.{target}".rpartition(".")
        original = getattr(pkgutil.resolve_name(owner), attribute)
        assert replace(original) != original
    assert control.tests
    for test in control.tests:
        assert (ROOT / test.partition("::")[0]).is_file()


def test_no_two_controls_share_a_name() -> None:
    names = [control.name for control in CONTROLS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("scaffold.errors.Gone", r"Control 'c': there is no scaffold.errors.Gone"),
        ("scaffold.gone.f", r"Control 'c': there is no scaffold.gone.f"),
        ("scaffold.errors.ScaffoldError.gone", r"Control 'c': there is no scaffold.errors.ScaffoldError.gone"),
    ],
)
def test_a_registry_that_names_what_is_gone_is_an_error(target: str, message: str) -> None:
    with pytest.raises(pytest.UsageError, match=message):
        unplug("c", [Control("c", "F00", [(target, lambda original: None)], ["x"])])


def test_an_unknown_control_is_an_error() -> None:
    with pytest.raises(pytest.UsageError, match="There is no control 'x'; known: role-follows-file"):
        unplug("x")


def test_unplugging_replaces_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    from {{ cookiecutter.package_name }}.scaffold import errors

    monkeypatch.setattr(errors.ScaffoldError, "exit_code", 1)  # put back afterwards
    unplug("c", [Control("c", "F00", [("scaffold.errors.ScaffoldError.exit_code", lambda code: code + 6)], ["x"])])
    assert errors.ScaffoldError.exit_code == 7
